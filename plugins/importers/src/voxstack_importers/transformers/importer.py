"""Voices of Hugging Face transformers: a folder that ``save_pretrained`` wrote.

The architecture that ``config.json`` names decides how a model is cut: :data:`ARCHITECTURES`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from voxstack_importers.contexts import fixed_contexts
from voxstack_importers.importers import OPTIONS, Progress, addon_header
from voxstack_importers.recognition import json_object
from voxstack_importers.transformers.pretrained import Conversion, Pretrained, library
from voxstack_packager import PackagingError, package


class Architecture(NamedTuple):
    """The conversion of models of one class.

    :param module: name of the module with ``convert(pretrained, **options) -> Conversion``.
    :param options: names of the options that this function accepts.
    """

    module: str
    options: Collection[str] = ()


ARCHITECTURES: Mapping[str, Architecture] = {
    "DiaForConditionalGeneration": Architecture("voxstack_importers.transformers.dia", ("codec", "alignment_heads")),
    "FastSpeech2ConformerWithHifiGan": Architecture(
        "voxstack_importers.transformers.fastspeech2", ("sample_rate", "phonemes")
    ),
    "PocketTTSForConditionalGeneration": Architecture(
        "voxstack_importers.transformers.pocket_tts", ("codec", "voices", "alignment_heads")
    ),
    "SpeechT5ForTextToSpeech": Architecture("voxstack_importers.transformers.speecht5", ("vocoder", "speakers")),
    "VitsModel": Architecture("voxstack_importers.transformers.vits"),
}
"""The supported classes of transformers."""


def recognizes(path: Path) -> bool:
    """Return whether a folder looks like one that ``save_pretrained`` of transformers wrote."""
    return isinstance(json_object(path / "config.json").get("architectures"), list)


def convert(path: Path, out: Path, progress: Progress, **options: str) -> Path:
    """Make an addon of a model, and return its folder.

    :param path: a folder with ``config.json``, ``model.safetensors`` and the files of the tokenizer.
    :param options: the options of every importer, and those of the architecture: ``vocoder``, a folder like ``path``;
        ``speakers``, a file of speaker embeddings; ``codec``, a folder like ``path``; ``voices``, a folder of voice
        prompts; ``alignment_heads``, the heads that word times come from; ``sample_rate``, in Hz; ``phonemes``, whether
        texts are written in phones.
    :raises PackagingError: if something is missing, or of an unsupported kind; or if the addon's speech differs from
        that of the original.
    """
    pretrained = Pretrained.open(path, ARCHITECTURES)
    library()
    progress(f"{path}: a {pretrained.architecture}")
    conversion = _convert_model(pretrained, {name: value for name, value in options.items() if name not in OPTIONS})
    if conversion.note:
        progress(conversion.note)
    header = {"license": pretrained.license, **options}
    return package(
        out,
        **addon_header(header, path.resolve(), conversion.language, conversion.text),
        sample_rate=conversion.sample_rate,
        hop_length=conversion.hop_length,
        networks=conversion.networks,
        stack=conversion.stack,
        controls=conversion.controls,
        schedule=conversion.schedule,
        contexts=lambda cut: fixed_contexts(cut, progress),
        files=conversion.files,
        description=f"Imported from a {pretrained.architecture} of transformers, {path.resolve().name}",
        reference=conversion.reference,
        progress=progress,
    )


def _convert_model(pretrained: Pretrained, options: Mapping[str, str]) -> Conversion:
    architecture = ARCHITECTURES[pretrained.architecture]
    unused = sorted(options.keys() - set(architecture.options))
    if unused:
        problem = f"a {pretrained.architecture} needs no {unused[0]!r}; leave it out"
        raise PackagingError(str(pretrained.folder), problem)
    conversion: Conversion = import_module(architecture.module).convert(pretrained, **options)
    for network in conversion.networks:
        network.module.eval()  # the parts are in evaluation mode, and the modules around them are new
    return conversion
