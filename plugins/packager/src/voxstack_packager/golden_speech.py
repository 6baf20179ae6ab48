"""Golden vectors of a whole voice: one text, and the samples that the voice synthesizes for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack.registry import Registry
from voxstack_addon_spec import open_addon
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure.exactness import relative_error
from voxstack_packager.measure.measured import SOURCE_LIMIT, check_error
from voxstack_packager.reference import Reference

SPEECH = "golden/speech.npz"

CONTEXT = {"runtime": "onnx", "device": "cpu", "threads": 1}
"""The context of golden speech: the plain exports, of any length, as they were measured."""

OTHER_SPEECH = "the voice synthesizes something else than the original, so it was not converted correctly"


class GoldenRequest(NamedTuple):
    """The text and the controls of golden speech."""

    text: str
    controls: Mapping[str, Any]


def write_golden_speech(
    folder: Path,
    request: GoldenRequest,
    lenders: Iterable[Path | None],
    progress: Callable[[str], None] = print,
    reference: Reference | None = None,
) -> float:
    """Synthesize a request with the voice in ``folder``, and write the golden speech.

    The file has the arrays ``request.text``, ``request.controls`` (JSON) and ``outputs.samples``.

    :param lenders: folders of the addons that it borrows from; None stands for an installed one.
    :param reference: synthesizes the samples that are written, instead of the voice.
    :returns: seconds of speech.
    :raises PackagingError: if the voice is silent, or synthesizes something else than the reference.
    """
    voice = _load(folder, lenders)
    speech = voice.synthesize(request.text, **request.controls)
    samples = speech.samples.astype(np.float32)
    if not np.any(samples):
        problem = f"{request.text!r} is silence in this voice; choose a text that it can synthesize"
        raise PackagingError("golden_text", problem)
    if reference is not None:
        _check_is_one_sentence(request.text, speech)
        utterance = voice.request(request.text, live=False, **request.controls)
        expected = reference.speech(voice.addon, reference.utterance(voice.addon, utterance))
        error = relative_error({"samples": samples}, {"samples": expected})
        error = check_error("golden_text", error, SOURCE_LIMIT, OTHER_SPEECH)
        progress(f"{voice.name}: differs from the original by {error} of its peak")
        samples = expected
    path = folder / SPEECH
    path.parent.mkdir(exist_ok=True)
    arrays: dict[str, Any] = {
        "request.text": np.array(request.text),
        "request.controls": np.array(json.dumps(dict(request.controls))),
        "outputs.samples": samples,
    }
    np.savez_compressed(path, **arrays)
    return len(samples) / voice.sample_rate


def _check_is_one_sentence(text: str, speech: voxstack.Speech) -> None:
    """Check that a text is spoken in one go, as the original is run once."""
    parts = [event.text for event in speech.events if event.kind in ("sentence", "phrase")]
    if len(parts) > 1:
        problem = (
            f"{text!r} is spoken as {len(parts)} sentences, and the original is compared in one; shorten it to one"
        )
        raise PackagingError("golden_text", problem)


def read_golden_request(folder: Path) -> GoldenRequest | None:
    """Return the request of the golden speech of an addon; None if it has none."""
    path = folder / SPEECH
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as golden:
        return GoldenRequest(str(golden["request.text"]), json.loads(str(golden["request.controls"])))


def _load(folder: Path, lenders: Iterable[Path | None]) -> voxstack.Voice:
    """Load a voice whose networks run in windows.

    Stateful forms round otherwise, and so would be no measure for other contexts.
    """
    registry = registry_with(lenders)
    windowed = {**CONTEXT, "streaming": "windowed"}
    networks = Addon.open(folder, registry, CONTEXT).networks
    contexts = {name: windowed for name, spec in networks.items() if spec.streaming and not spec.streaming.states}
    return voxstack.load(folder, context={**CONTEXT, "networks": contexts}, registry=registry)


def registry_with(lenders: Iterable[Path | None]) -> Registry:
    """Return the installed plugins, with these addons in place of installed ones of their names."""
    installed = Registry.installed()
    folders = [lender.resolve() for lender in lenders if lender is not None]
    if not folders:
        return installed
    for folder in folders:
        with open_addon(folder) as files:
            name = files.config["name"]
        if folder.name != name:
            raise PackagingError(str(folder), f"holds the addon {name!r}; name its folder so, to lend from it")
    return installed.with_plugins({"lenders": SimpleNamespace(voxstack_addons=voxstack.hookimpl(lambda: folders))})
