"""Voices of Hugging Face transformers: a folder that ``save_pretrained`` wrote to an addon.

The architecture that ``config.json`` names decides how a model is cut: :data:`ARCHITECTURES`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from pathlib import Path

from voxstack_importers.kinds import OPTIONS, Log, head
from voxstack_importers.reading import addon_name
from voxstack_importers.transformers_files import Converted, Pretrained, library
from voxstack_packager import PackagingError, package

ARCHITECTURES: Mapping[str, tuple[str, Collection[str]]] = {
    "FastSpeech2ConformerWithHifiGan": ("voxstack_importers.transformers_fastspeech2", ("sample_rate", "phonemes")),
    "SpeechT5ForTextToSpeech": ("voxstack_importers.transformers_speecht5", ("vocoder", "speakers")),
    "VitsModel": ("voxstack_importers.transformers_vits", ()),
}
"""Where each architecture is taken apart, a module with ``converted(pretrained, **options) -> Converted``, and its options."""


def convert(path: Path, out: Path, log: Log, **told: str) -> Path:
    """Make an addon of a model, and return its folder.

    :param path: a folder with ``config.json``, ``model.safetensors`` and the files of the tokenizer.
    :param told: the options that every importer knows, and those of the architecture: ``vocoder``, a folder like ``path``; ``speakers``,
        a file of speaker embeddings; ``sample_rate``, in Hz; ``phonemes``, whether they are written.
    :raises PackagingError: if something is missing, or of a kind that is not known here.
    """
    pretrained = Pretrained.open(path, ARCHITECTURES)
    library()
    log(f"{path}: a {pretrained.architecture}")
    own = {name: value for name, value in told.items() if name not in OPTIONS}
    module, options = ARCHITECTURES[pretrained.architecture]
    unused = sorted(own.keys() - set(options))
    if unused:
        raise PackagingError(str(path), f"a {pretrained.architecture} needs no {unused[0]!r}; leave it out")
    made: Converted = import_module(module).converted(pretrained, **own)
    for network in made.networks:
        network.module.eval()  # their parts are, but what is around them was made here
    return package(
        out,
        **head({"license": pretrained.license, **told}, addon_name(path.resolve()), made.language, made.text),
        sample_rate=made.sample_rate,
        hop_length=made.hop_length,
        networks=made.networks,
        stack=made.stack,
        controls=made.controls,
        files=made.files,
        reference=made.reference,
        description=f"Imported from a {pretrained.architecture} of transformers, {path.resolve().name}",
        progress=log,
    )
