"""The importers, one for each format of voices, and the options that they accept."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Importer:
    """Makes addons of voices in one format.

    :param module: name of the module with its functions ``convert(path, out, progress, **options) -> Path``, which
        writes the addon into the folder ``out`` and returns that, and ``recognizes(path) -> bool``, whether a file or
        folder looks like such a voice. The module imports heavy packages where it uses them.
    :param accepts: what ``path`` is, in a few words.
    :param options: options of its own besides :data:`OPTIONS`, each with a line of help.
    """

    module: str
    accepts: str
    options: Mapping[str, str] = field(default_factory=dict)


OPTIONS: Mapping[str, str] = {
    "name": "name of the addon (default: derived from the name of the imported file or folder)",
    "version": "version of the addon (default: 1.0.0)",
    "license": "SPDX expression of the licence of the voice (default: that in its files, else LicenseRef-Unknown)",
    "language": "BCP 47 tag of its language (default: that in its files)",
    "text": "text of its golden speech (default: a sentence)",
}
"""Options of every importer; each is a string, or absent."""

IMPORTERS: Mapping[str, Importer] = {
    "piper": Importer(
        "voxstack_importers.piper.importer",
        "a Piper voice: its .onnx, with its .onnx.json beside it",
        {
            "like": "voxstack or piper: whose ends of sentences it has; Piper's are those of espeak-ng, also after "
            "abbreviations, and no sentence is cut (default: voxstack)",
            "loudness": "none; sentence, each scaled to the full range as a whole, as Piper scales it; or steady, the "
            "same gain throughout, which streams (default: none, or sentence with --like piper)",
        },
    ),
    "matcha": Importer(
        "voxstack_importers.matcha.importer",
        "a Matcha-TTS voice for sherpa-onnx: the .onnx of its acoustic model, with tokens.txt beside it",
        {
            "vocoder": "the .onnx of its vocoder (required)",
            "tokens": "the table of tokens (default: tokens.txt beside the model)",
            "lexicon": "the dictionary of a model that reads by one (default: lexicon.txt beside the model)",
        },
    ),
    "kitten": Importer(
        "voxstack_importers.kitten.importer",
        "a KittenTTS 1 voice: its .onnx, or the folder with its config.json",
        {
            "voices": "the .npz (or voices.bin for sherpa-onnx) with the styles of its speakers (default: beside it)",
            "phonemes": "espeak, or text if texts are written in phonemes (default: espeak)",
        },
    ),
    "kokoro": Importer(
        "voxstack_importers.kokoro.importer",
        "a Kokoro model: its .onnx, with its voices beside it",
        {
            "voices": "the styles of its speakers: an .npz or voices-*.bin, a raw .bin or .npy of one speaker, or a "
            "folder of them (default: those beside the model)",
            "vocab": "config.json with its vocabulary (default: in its metadata or beside it, or that of Kokoro-82M)",
            "phonemes": "espeak, japanese, or text if texts are written in phonemes (default: that of the language)",
        },
    ),
    "melo": Importer(
        "voxstack_importers.melo.importer",
        "a MeloTTS voice for sherpa-onnx: its .onnx, with lexicon.txt and tokens.txt beside it",
        {
            "lexicon": "its dictionary (default: lexicon.txt beside the model)",
            "tokens": "the table of tokens (default: tokens.txt beside the model)",
        },
    ),
    "tiny": Importer(
        "voxstack_importers.tiny.importer",
        "a tiny-tts voice: the folder with text_encoder.onnx, duration_predictor.onnx, flow.onnx and decoder.onnx",
        {"lexicon": "its cmudict.rep (default: that beside the graphs, or in the installed package tiny-tts)"},
    ),
    "supertonic": Importer(
        "voxstack_importers.supertonic.importer",
        "a Supertonic voice: the folder with its onnx and voice_styles",
        {"styles": "the folder with the .json of its styles (default: voice_styles)"},
    ),
    "transformers": Importer(
        "voxstack_importers.transformers.importer",
        "a folder that save_pretrained of transformers wrote: a VitsModel, SpeechT5ForTextToSpeech, "
        "FastSpeech2ConformerWithHifiGan, PocketTTSForConditionalGeneration or DiaForConditionalGeneration",
        {
            "vocoder": "the folder of its SpeechT5HifiGan (required for a SpeechT5)",
            "speakers": "x-vectors of the speakers of a SpeechT5: an .npy, or an .npz with one for each name "
            "(default: one of zeros)",
            "codec": "the folder of the PocketTTSAudioTokenizerModel of a PocketTTS (default: the one that its "
            "processor_config.json names, if it is a folder); of the DacModel of a Dia (required)",
            "voices": "voice prompts of a PocketTTS: a folder, or an .npz, with the latents of each speaker by name "
            "(default: its folder 'voices'; without any, it speaks without a prompt)",
            "alignment_heads": "heads of a PocketTTS or Dia whose attention follows the text, for the times of words, "
            "as LAYER.HEAD,... from 0 on, such as 3.1,4.0 (default: the mean of all)",
            "sample_rate": "of a FastSpeech2, in Hz, as its files do not contain it (default: 22050)",
            "phonemes": "of a FastSpeech2: english, or text if texts are written in phones (default: english)",
        },
    ),
}
"""The importers of this distribution, by the name that the command line uses."""

GROUP = "voxstack.importers"
"""The entry-point group of other distributions' importers; the value of each is an :class:`Importer`."""


@functools.cache
def installed_importers() -> Mapping[str, Importer]:
    """Return :data:`IMPORTERS` and those of other distributions, by name.

    One that cannot be imported, is no :class:`Importer`, or has a name that is in use, is reported on stderr and left
    out.
    """
    from importlib.metadata import entry_points

    found = dict(IMPORTERS)
    if not entry_points(group=GROUP):  # the help of the command then needs nothing of the core
        return found
    from voxstack.entry_points import select_entry_points

    for point in select_entry_points(GROUP):
        try:
            importer, problem = point.load(), ""
            if point.name in found:
                problem = "there is another one of that name; rename its entry point"
            elif not isinstance(importer, Importer):
                problem = f"{point.value} is a {type(importer).__name__}, and must be a voxstack_importers.Importer"
        except (Exception, SystemExit) as error:  # an error in one plugin must not disable the others
            importer, problem = None, f"{type(error).__name__}: {error}"
        if problem:
            print(
                f"voxstack: the importer {point.name!r} of {point.distribution} is left out: {problem}", file=sys.stderr
            )
        else:
            found[point.name] = importer
    return found


def import_voice(
    importer: str, path: str | os.PathLike[str], out: str | os.PathLike[str], progress: Progress = print, **options: Any
) -> Path:
    """Make an addon of a voice in another format, and return its folder.

    The folder is written as a whole and verified, or not at all.

    :param importer: the name of one of :func:`installed_importers`.
    :param path: the file or folder that this importer accepts.
    :param out: a folder that does not exist yet.
    :param progress: called with a line for each step.
    :param options: :data:`OPTIONS` and those of the importer.
    :raises PackagingError: if the voice is not in this format, saying what was looked for; or if the addon's speech
        differs from that of the original.
    """
    from voxstack_packager import PackagingError

    importers = installed_importers()
    found = importers.get(importer)
    if found is None:
        raise PackagingError("import", f"there is no importer {importer!r}; choose from {', '.join(importers)}")
    known = {**OPTIONS, **found.options}
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        raise PackagingError(f"import {importer}", f"has no option {unknown[0]!r}; it has {', '.join(known)}")
    if not Path(path).exists():
        raise PackagingError(f"import {importer}", f"there is no {path}; give {found.accepts}")
    chosen = {name: value for name, value in options.items() if value is not None}
    folder: Path = import_module(found.module).convert(Path(path), Path(out), progress, **chosen)
    return folder


def default_folder(path: Path, options: Mapping[str, str]) -> Path:
    """Return the folder of an addon for which none is given: its name, in the current folder."""
    return Path(options.get("name", _addon_name(path.resolve().stem)))


def addon_header(options: Mapping[str, str], path: Path, language: str, text: str) -> dict[str, Any]:
    """Return the arguments of ``package`` that :data:`OPTIONS` override.

    :param path: the imported file or folder, whose name the addon gets.
    :param language: that of the voice's own files, a BCP 47 tag.
    :param text: what the voice synthesizes as its golden speech.
    """
    return {
        "name": options.get("name", _addon_name(path.name)),
        "version": options.get("version", "1.0.0"),
        "license": options.get("license", "LicenseRef-Unknown"),
        "languages": [options.get("language", language)],
        "golden_text": options.get("text", text),
    }


def _addon_name(name: str) -> str:
    """Return a name in the letters that names of addons may have."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    return plain if plain[:1].isalpha() else f"voice-{plain}".rstrip("-")
