"""The rates of an addon: its sample rate, and the samples of a frame, as its stack and its lenders have them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import voxstack
from voxstack import Registry, StreamableBlock, VoxstackError
from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon
from voxstack_packager.borrowed import Borrowed
from voxstack_packager.errors import PackagingError
from voxstack_packager.golden_speech import CONTEXT, registry_with


def sample_rate_of(networks: Iterable[object], stated: int | None, stack: Any) -> int:
    """Return the sample rate of an addon: the one that is stated, else that of the lenders of its networks.

    :param stack: a block in it that changes the rate (``source_rate``) lets the two differ.
    :raises PackagingError: if there is neither, or if they differ.
    """
    rates = {network.addon: lender_rates(network)[0] for network in networks if isinstance(network, Borrowed)}
    found = sorted(set(rates.values()))
    if stated is None:
        if len(found) != 1:
            reason = f"the lenders have {rates}" if found else "no network is borrowed from an addon that has one"
            raise PackagingError("sample_rate", f"is not stated, and {reason}; state it, in Hz")
        return found[0]
    other = next((name for name, rate in rates.items() if rate != stated), None)
    if other is not None and not callable(stack) and "source_rate" not in json.dumps(list(stack or ())):
        problem = f"is {stated} Hz, and {other!r}, which lends a network, has {rates[other]} Hz"
        advice = f"state {rates[other]}, or end the stack with a Resample"
        raise PackagingError("sample_rate", f"{problem}: speech would have another pitch and pace; {advice}")
    return stated


def lender_rates(network: Borrowed) -> tuple[int, int]:
    """Return the sample rate and the hop length of the addon that lends a network."""
    place = network.lender or Registry.installed().addon(network.addon)
    with open_addon(place) as files:
        return files.config["sample_rate"], files.config["hop_length"]


def hop_length_of(
    folder: Path,
    config: Mapping[str, Any],
    stated: int | None,
    lenders: Sequence[Path | None],
    progress: Callable[[str], None],
) -> int:
    """Return the samples of a frame: what the stack of an addon makes, which may not contradict what is stated.

    :param folder: with the addon, complete but for its golden speech.
    :raises PackagingError: if it is not stated, and the stack does not determine it.
    :raises StackError: if the two differ.
    """
    try:
        registry = registry_with(lenders)
        block: object = (
            voxstack.build(config["stack"], Addon.open(folder, registry, CONTEXT)) if "stack" in config else None
        )
        speaks = isinstance(block, StreamableBlock) and block.head and block.makes == "samples"
    except VoxstackError as error:
        if stated is None:
            raise PackagingError("hop_length", f"is not stated, and the stack cannot be built here: {error}") from error
        progress(f"{config['name']}: hop_length was not compared with the stack, which cannot be built here: {error}")
        return stated
    if stated is not None:
        if speaks:
            voxstack.load(folder, context=CONTEXT, registry=registry)  # raises if the stack makes other rates
        return stated
    if not (speaks and isinstance(block, StreamableBlock)) or block.hop < 2:
        problem = "is not stated, and no stack determines how many samples a frame has"
        raise PackagingError("hop_length", f"{problem}; state it")
    progress(f"{config['name']}: {block.hop:g} samples of a frame, as its stack makes them")
    return round(block.hop)
