"""Golden vectors of a whole voice: one text, and the samples that it says."""

from __future__ import annotations

import json
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

REFERENCE = {"runtime": "onnx", "device": "cpu", "threads": 1}
"""The context that is spoken in: the plain exports, any length, as whoever exported the networks measured them."""


Original = Callable[[voxstack.Voice, voxstack.Utterance], np.ndarray]
"""Says a request, as ``voice.request`` gives it, with the software that a voice comes from: (samples,) float32."""

OTHERWISE = "the voice says something else than the original: it was not taken over right"


def write_speech(
    folder: Path,
    text: str,
    controls: Mapping[str, Any],
    lenders: Iterable[Path | None],
    log: Callable[[str], None] = print,
    original: Original | None = None,
) -> float:
    """Speak a text with the voice in ``folder``, write ``request.text``, ``request.controls`` (JSON) and ``outputs.samples``.

    :param lenders: folders of the addons that it borrows from; an installed one, where none is given.
    :param original: makes the samples that are written, instead.
    :returns: how many seconds it speaks.
    :raises PackagingError: if it says nothing, or something else than the original.
    """
    registry = _beside(lenders)
    plain = {
        **REFERENCE,
        "streaming": "windowed",
    }  # stateful forms round otherwise, and so would be no measure for the others
    networks = Addon.open(folder, registry, REFERENCE).networks
    places = {name: plain for name, spec in networks.items() if spec.streaming and not spec.streaming.states}
    voice = voxstack.load(folder, context={**REFERENCE, "networks": places}, registry=registry)
    samples = voice.synthesize(text, **controls).samples.astype(np.float32)
    if not np.any(samples):
        raise PackagingError("golden_text", f"{text!r} is silence in this voice; give a text that it says")
    if original is not None:
        said = original(voice, voice.request(text, live=False, **controls))
        error = allowed("golden_text", relative_error({"samples": samples}, {"samples": said}), SOURCE_ERROR, OTHERWISE)
        log(f"{voice.name}: differs from the original by {error} of its peak")
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
