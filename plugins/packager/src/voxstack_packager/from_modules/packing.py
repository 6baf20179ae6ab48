"""Packaging of a voice from its declaration."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from voxstack.networks.addon import Addon
from voxstack_addon_spec import SPEC_VERSION
from voxstack_packager.addon_folder import copy_files, write_config
from voxstack_packager.borrowed import Borrowed
from voxstack_packager.errors import PackagingError
from voxstack_packager.from_modules.front_end import front_end
from voxstack_packager.from_modules.network_chain import NetworkChain
from voxstack_packager.from_modules.rehearsal import Rehearsal
from voxstack_packager.from_modules.stack_plan import StackPlan
from voxstack_packager.from_modules.voice_source import Progress, VoiceSource
from voxstack_packager.golden_speech import CONTEXT, registry_with
from voxstack_packager.limits import TIME_LIMIT
from voxstack_packager.packaging import package
from voxstack_packager.sources import NetworkSource
from voxstack_packager.stack_rates import sample_rate_of

PACE_CONTROLS: Mapping[str, Any] = {
    "rate": {
        "type": "number",
        "minimum": 0.25,
        "maximum": 4,
        "default": 1.0,
        "description": "Speed: 2 takes half the time.",
    },
    "pause": {
        "type": "number",
        "minimum": 0,
        "maximum": 10,
        "default": 1.0,
        "description": "Length of silences, as a factor: 2 makes them twice as long.",
    },
}
"""The controls of ``Pace``, which a voice with durations has."""


def pack(
    voice: VoiceSource,
    folder: str | Path | None = None,
    *,
    replace: bool = False,
    contexts_measured: bool = True,
    time_limit: float = TIME_LIMIT,
    progress: Progress = print,
) -> Path:
    """Make the addon of a voice from its declaration, and return its folder.

    Two texts pass through the modules first, which takes seconds: that gives the examples, the names and the axes of
    all networks, and the stack. Then the networks are exported and measured, and the voice speaks the first text.

    :param folder: by default the name of the voice, in the current folder.
    :param replace: replace an addon that is there.
    :param contexts_measured: run the golden vectors on all devices of this machine.
    :param time_limit: seconds that the export and the measurement of each network may take.
    :param progress: called with a line for each step.
    :raises PackagingError: for a declaration that does not fit together, or a network that cannot be packaged.
    """
    plan = plan_voice(voice, progress)
    rate, networks = plan.sample_rate, plan.networks
    has_frames = plan.stack.chain or voice.hop_length
    paced = {} if plan.stack.whole is not None else PACE_CONTROLS
    return package(
        Path(voice.name) if folder is None else folder,
        name=voice.name,
        version=voice.version,
        license=voice.license,
        languages=voice.languages,
        description=voice.description,
        sample_rate=rate,
        hop_length=voice.hop_length if has_frames else max(1, rate // 100),
        networks=networks,
        stack=plan.stack.stack,
        controls={**paced, **voice.controls},
        contexts={"default": {"runtime": "onnx", "device": "cpu", "threads": 1}},
        files=voice.files,
        golden_text=voice.texts[0],
        contexts_measured=contexts_measured,
        replace=replace,
        time_limit=time_limit,
        progress=progress,
    )


class VoicePlan(NamedTuple):
    """A voice as it was found out, before its networks are exported."""

    networks: list[NetworkSource | Borrowed]
    stack: StackPlan
    sample_rate: int


def plan_voice(voice: VoiceSource, progress: Progress = print) -> VoicePlan:
    """Pass two texts through the modules of a voice, and return its networks and its stack.

    :raises PackagingError: for a declaration that does not fit together.
    """
    check_installed()
    rate = sample_rate_of(voice.networks, voice.sample_rate, list(voice.end))
    with tempfile.TemporaryDirectory(prefix="voxstack-rehearsal-") as scratch:
        chain = NetworkChain(voice, _begin(voice, rate, Path(scratch) / voice.name), progress)
        return VoicePlan(chain.networks(), chain.plan, rate)


def _begin(voice: VoiceSource, rate: int, folder: Path) -> Rehearsal:
    """Return the rehearsal of a voice, in an addon that has its borrowed networks alone."""
    if len(voice.texts) < 2:
        problem = "two texts are compared to find the axes of networks; state two that differ in length"
        raise PackagingError("texts", problem)
    borrowed = [network for network in voice.networks if isinstance(network, Borrowed)]
    config: dict[str, Any] = {"spec_version": SPEC_VERSION, "name": voice.name, "version": voice.version}
    config |= {"license": voice.license, "languages": list(voice.languages), "sample_rate": rate, "hop_length": 1}
    config |= {"controls": {}, "networks": {network.name: network.config for network in borrowed}}
    folder.mkdir()
    copy_files(voice.files, folder)
    write_config(folder, config)
    addon = Addon.open(folder, registry_with([network.lender for network in borrowed]), CONTEXT)
    state = Rehearsal.begin(addon, voice.texts[:2], front_end(voice.text))
    state.upsampler = voice.upsampler
    return state


def check_installed() -> None:
    """Check that what exports modules is installed.

    :raises PackagingError: naming what is missing, and how to install it.
    """
    missing = [name for name in ("torch", "onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if missing:
        advice = 'pip install ".[export]" in a checkout, or pip install "voxstack-packager[export]"'
        raise PackagingError("export", f"needs {', '.join(missing)}, which {_is(missing)} not installed: {advice}")


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
