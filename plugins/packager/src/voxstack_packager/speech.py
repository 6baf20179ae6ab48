"""Golden vectors of a whole voice: one text, and the samples that it says."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack.registry import Registry
from voxstack_addon_spec import open_addon
from voxstack_packager.claims import SOURCE_ERROR, allowed
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure import relative_error

SPEECH = "golden/speech.npz"

CONTEXT = {"runtime": "onnx", "device": "cpu", "threads": 1}
"""The context that is spoken in: the plain exports, any length, as whoever exported the networks measured them."""


class Reference(ABC):
    """The software that a voice comes from: synthesizes the same request, as the measure of the addon that is made of it."""

    @abstractmethod
    def utterance(self, addon: Addon, request: voxstack.Utterance) -> voxstack.Utterance:
        """Return what the software synthesizes for ``request``, with the inputs that blocks of the addon compute for it.

        :param addon: the finished addon; blocks that compute tokens or draw noise are built with it.
        :param request: an utterance as ``voice.request`` returns it.
        """

    @abstractmethod
    def speech(self, addon: Addon, utterance: voxstack.Utterance) -> np.ndarray:
        """Synthesize what :meth:`utterance` returned: (samples,) float32."""


OTHERWISE = "the voice says something else than the original: it was not taken over right"


def write_speech(
    folder: Path,
    text: str,
    controls: Mapping[str, Any],
    lenders: Iterable[Path | None],
    progress: Callable[[str], None] = print,
    reference: Reference | None = None,
) -> float:
    """Speak a text with the voice in ``folder``, write ``request.text``, ``request.controls`` (JSON) and ``outputs.samples``.

    :param lenders: folders of the addons that it borrows from; an installed one, where none is given.
    :param reference: synthesizes the samples that are written, instead.
    :returns: how many seconds it speaks.
    :raises PackagingError: if it says nothing, or something else than the original.
    """
    registry = _beside(lenders)
    plain = {
        **CONTEXT,
        "streaming": "windowed",
    }  # stateful forms round otherwise, and so would be no measure for the others
    networks = Addon.open(folder, registry, CONTEXT).networks
    places = {name: plain for name, spec in networks.items() if spec.streaming and not spec.streaming.states}
    voice = voxstack.load(folder, context={**CONTEXT, "networks": places}, registry=registry)
    samples = voice.synthesize(text, **controls).samples.astype(np.float32)
    if not np.any(samples):
        raise PackagingError("golden_text", f"{text!r} is silence in this voice; give a text that it says")
    if reference is not None:
        request = voice.request(text, live=False, **controls)
        said = reference.speech(voice.addon, reference.utterance(voice.addon, request))
        error = allowed("golden_text", relative_error({"samples": samples}, {"samples": said}), SOURCE_ERROR, OTHERWISE)
        progress(f"{voice.name}: differs from the original by {error} of its peak")
        samples = said
    path = folder / SPEECH
    path.parent.mkdir(exist_ok=True)
    arrays = {
        "request.text": np.array(text),
        "request.controls": np.array(json.dumps(dict(controls))),
        "outputs.samples": samples,
    }
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return len(samples) / voice.sample_rate


def spoken(folder: Path) -> tuple[str, dict[str, Any]] | None:
    """Text and controls of the golden speech of an addon; None if it has none."""
    path = folder / SPEECH
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as golden:
        return str(golden["request.text"]), json.loads(str(golden["request.controls"]))


def _beside(lenders: Iterable[Path | None]) -> Registry:
    """What is installed, with these addons in place of installed ones of their names."""
    installed = Registry.installed()
    folders = [lender.resolve() for lender in lenders if lender is not None]
    if not folders:
        return installed
    for folder in folders:
        with open_addon(folder) as files:
            if folder.name != files.config["name"]:
                raise PackagingError(
                    str(folder), f"holds the addon {files.config['name']!r}; name its folder so, to lend from it"
                )
    return installed.with_plugins({"lenders": SimpleNamespace(voxstack_addons=voxstack.hookimpl(lambda: folders))})
