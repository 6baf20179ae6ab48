"""The kinds of voices that can be imported, and what each takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

Log = Callable[[str], None]


@dataclass(frozen=True)
class Kind:
    """One kind of voices.

    :param module: where its importer is: a function ``convert(path, out, log, **options) -> Path``, which writes the addon into
        the folder ``out`` and returns it. The module imports heavy packages where it uses them.
    :param takes: what ``path`` is, in a few words.
    :param options: options of its own, beside :data:`OPTIONS`, each with a line that says what it is.
    """

    module: str
    takes: str
    options: Mapping[str, str] = field(default_factory=dict)


OPTIONS: Mapping[str, str] = {
    "name": "name of the addon (default: made of the name of what is imported)",
    "version": "version of the addon (default: 1.0.0)",
    "license": "SPDX expression of the licence of the voice (default: what its files say; else LicenseRef-Unknown)",
    "language": "BCP 47 tag of the language that it speaks (default: what its files say)",
    "text": "what it says for its golden vectors (default: a sentence)",
}
"""Options that every importer knows; each is a string, or absent."""

KINDS: Mapping[str, Kind] = {
    "piper": Kind("voxstack_importers.piper", "a Piper voice: its .onnx, with its .onnx.json beside it"),
    "matcha": Kind(
        "voxstack_importers.matcha",
        "a Matcha-TTS voice for sherpa-onnx: the .onnx of its acoustic model, with tokens.txt beside it",
        {
            "vocoder": "the .onnx of its vocoder (required)",
            "tokens": "the table of tokens (default: tokens.txt beside the model)",
        },
    ),
    "kokoro": Kind(
        "voxstack_importers.kokoro",
        "a Kokoro model: its .onnx",
        {
            "voices": "the .npz (or voices-*.bin) with the styles of its speakers (required)",
            "vocab": "config.json with its vocabulary (default: in its metadata, or beside it)",
            "phonemes": "espeak, or text where what is said is written in phonemes (default: espeak)",
        },
    ),
    "transformers": Kind(
        "voxstack_importers.transformers",
        "what save_pretrained of transformers wrote: a VitsModel, SpeechT5ForTextToSpeech or FastSpeech2ConformerWithHifiGan",
        {
            "vocoder": "the folder of its SpeechT5HifiGan (a SpeechT5 needs one)",
            "speakers": "x-vectors of speakers for a SpeechT5: an .npy, or an .npz with one for each name (default: one of zeros)",
            "sample_rate": "of a FastSpeech2, in Hz, as its files do not tell it (default: 22050)",
            "phonemes": "of a FastSpeech2: english, or text where what is said is written in phones (default: english)",
        },
    ),
}
"""Every kind by the name that the command knows it by."""


def import_voice(
    kind: str, path: str | os.PathLike[str], out: str | os.PathLike[str], log: Log = print, **options: Any
) -> Path:
    """Make an addon of a voice of another kind, and return its folder, which is there whole and verified in the end, or not at all.

    :param kind: one of :data:`KINDS`.
    :param path: what that kind takes: a file or a folder.
    :param out: a folder that does not exist yet.
    :param log: called with a line for each step.
    :param options: :data:`OPTIONS` and those of the kind.
    :raises PackagingError: saying what is not as it should be, and what was looked for.
    """
    from voxstack_packager import PackagingError

    found = KINDS.get(kind)
    if found is None:
        raise PackagingError("import", f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
    known = {**OPTIONS, **found.options}
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        raise PackagingError(f"import {kind}", f"has no option {unknown[0]!r}; it has {', '.join(known)}")
    if not Path(path).exists():
        raise PackagingError(f"import {kind}", f"there is no {path}; give {found.takes}")
    given = {name: value for name, value in options.items() if value is not None}
    made: Path = import_module(found.module).convert(Path(path), Path(out), log, **given)
    return made


def head(told: Mapping[str, str], name: str, language: str, text: str) -> dict[str, Any]:
    """What addon.json says first, and what is said for the golden vectors: as :data:`OPTIONS` tell, or else as the voice itself does."""
    return {
        "name": told.get("name", name),
        "version": told.get("version", "1.0.0"),
        "license": told.get("license", "LicenseRef-Unknown"),
        "languages": [told.get("language", language)],
        "golden_text": told.get("text", text),
    }
