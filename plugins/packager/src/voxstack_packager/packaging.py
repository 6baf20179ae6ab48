"""Packaging of addons: networks, golden speech, further files, and addon.json."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Unpack

from voxstack import Registry
from voxstack.stack_plugins import plugins_of
from voxstack_addon_spec import SPEC_VERSION
from voxstack_packager.addon_folder import atomic_folder, check_config, copy_files, verify, write_config
from voxstack_packager.addon_parts import AddonParts, complete_parts
from voxstack_packager.borrowed import Borrowed
from voxstack_packager.context_measurement import ContextProcess, measure_contexts, with_entries
from voxstack_packager.errors import PackagingError
from voxstack_packager.golden_speech import GoldenRequest, write_golden_speech
from voxstack_packager.json_entries import tensors_entry
from voxstack_packager.known.known_networks import package_known
from voxstack_packager.reference import Reference
from voxstack_packager.sources import OnnxSource, Source
from voxstack_packager.stack_rates import hop_length_of, sample_rate_of

EARLY_FILES = {"early.onnx": {"sha256": "0" * 64, "size": 0}}
"""The files of an addon.json that is checked before there are any."""


def package(folder: str | os.PathLike[str], **parts: Unpack[AddonParts]) -> Path:
    """Make an addon in ``folder``: complete and verified in the end, or not there at all.

    :param parts: the fields of :class:`.AddonParts`; name, version, license, languages and networks are required.
    :raises PackagingError: if a network cannot be exported, or does not do what is claimed of it.
    :raises AddonError: if its addon.json would be invalid.
    :raises StackError: if its stack makes other rates than are stated.
    """
    complete = complete_parts(parts)
    config = _early_config(complete)
    _check(config, complete)
    with atomic_folder(Path(folder), complete["replace"]) as scratch:
        config = _make(scratch, config, complete)
        verify(scratch)
    size = sum(file["size"] for file in config["files"].values())
    complete["progress"](f"{config['name']} {config['version']}: {size / 1e6:.1f} MB in {folder}")
    return Path(folder)


def _early_config(parts: AddonParts) -> dict[str, Any]:
    """Return addon.json as far as it is known before networks are exported."""
    config: dict[str, Any] = {"spec_version": SPEC_VERSION}
    config |= {"name": parts["name"], "version": parts["version"], "license": parts["license"]}
    config |= {"description": parts["description"]} if parts["description"] else {}
    sample_rate = sample_rate_of(parts["networks"], parts["sample_rate"], parts["stack"])
    config |= {"languages": list(parts["languages"]), "sample_rate": sample_rate}
    known = {} if callable(parts["contexts"]) else dict(parts["contexts"] or {})
    config |= {"hop_length": parts["hop_length"] or 1, "controls": dict(parts["controls"] or {}), "networks": {}}
    config |= {"contexts": known, **({"schedule": dict(parts["schedule"])} if parts["schedule"] else {})}
    stack = parts["stack"]
    return config if callable(stack) or not stack else _with_stack(config, stack)


def _with_stack(config: Mapping[str, Any], stack: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return addon.json with a stack, and with the plugins of its blocks."""
    plugins = plugins_of(stack, Registry.installed())
    return {**config, "stack": list(stack), **({"plugins": plugins} if plugins else {})}


def _make(folder: Path, config: dict[str, Any], parts: AddonParts) -> dict[str, Any]:
    """Write the files of an addon, and return its addon.json."""
    networks, progress = parts["networks"], parts["progress"]
    contexts, stack = parts["contexts"], parts["stack"]
    lenders = [network.lender for network in networks if isinstance(network, Borrowed)]
    measures = parts["contexts_measured"]
    with ExitStack() as ending:
        process = ContextProcess(folder, lenders, _formats(networks)) if measures else None
        if process is not None:
            ending.enter_context(closing(process))
        config["networks"] = _package_all(networks, folder, progress, parts["time_limit"])
        if callable(contexts):
            config["contexts"] = dict(contexts(config["networks"]))
        if callable(stack):
            config = _with_stack(config, stack(config["networks"]))
        copy_files(parts["files"] or {}, folder)
        config = write_config(folder, config)
        hop_length = hop_length_of(folder, config, parts["hop_length"], lenders, progress)
        if hop_length != config["hop_length"]:
            config = write_config(folder, {**config, "hop_length": hop_length})
        if process is not None:
            process.begin()  # beside the golden speech
        if (text := parts["golden_text"]) is not None:
            request = GoldenRequest(text, {})
            config = add_golden_speech(folder, config, request, lenders, progress, parts["reference"])
        return add_contexts(folder, config, lenders, progress, process) if measures else config


def add_golden_speech(
    folder: Path,
    config: Mapping[str, Any],
    request: GoldenRequest,
    lenders: Sequence[Path | None],
    progress: Callable[[str], None],
    reference: Reference | None = None,
) -> dict[str, Any]:
    """Write the golden speech of a finished addon, and return its addon.json, which then lists it.

    :param lenders: folders of the addons that it borrows from; None stands for an installed one.
    :raises PackagingError: if the voice is silent, or synthesizes something else than the reference.
    """
    seconds = write_golden_speech(folder, request, lenders, progress, reference)
    progress(f"{config['name']}: synthesizes {seconds:.1f} s for its golden vectors")
    return write_config(folder, config)


def add_contexts(
    folder: Path,
    config: Mapping[str, Any],
    lenders: Sequence[Path | None],
    progress: Callable[[str], None],
    process: ContextProcess | None = None,
) -> dict[str, Any]:
    """Measure a finished addon in the contexts that exist here, and return its addon.json with what was found.

    :param process: the process for it, if it was started before.
    """
    entries = measure_contexts(folder, config["name"], lenders, progress, process)
    return write_config(folder, with_entries(config, entries))


def _formats(networks: Sequence[Source | Borrowed]) -> set[str] | None:
    """Return the formats of all exports; None if networks are borrowed, in whatever format."""
    if any(isinstance(network, Borrowed) for network in networks):
        return None
    return {format for network in networks for format in getattr(network, "formats", ("onnx",))}


def _check(config: Mapping[str, Any], parts: AddonParts) -> None:
    """Check everything that can be checked in seconds, before exports take minutes.

    :raises PackagingError: for networks that are declared wrong, or a text without a stack to synthesize it.
    :raises AddonError: if addon.json would be invalid.
    """
    networks, golden_text = parts["networks"], parts["golden_text"]
    if golden_text is not None and not parts["stack"]:
        raise PackagingError("golden_text", "needs a stack that synthesizes it; provide one, or leave the text out")
    entries = {network.name: _early_entry(network) for network in networks}
    check_config({**config, "networks": entries, "files": EARLY_FILES})
    names = [network.name for network in networks]
    names += [] if golden_text is None else ["speech"]  # a network of this name would have the file of golden speech
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PackagingError("networks", f"two are named {twice[0]!r}; rename one")
    for network in networks:
        if isinstance(network, Source):
            network.check()


def _early_entry(network: Source | Borrowed) -> dict[str, Any]:
    """Return the entry of a network as far as it is known before it is exported, with a file of another name."""
    if isinstance(network, Borrowed):
        return network.config
    inputs, outputs = (tensors_entry(side) for side in (network.signature.inputs, network.signature.outputs))
    exports = [{"format": "onnx", "symbol": name} for name in EARLY_FILES]
    return {"role": network.role, "inputs": inputs, "outputs": outputs, "exports": exports}


def _package_all(
    networks: Sequence[Source | Borrowed], folder: Path, progress: Callable[[str], None], time_limit: float
) -> dict[str, Any]:
    """Return the entry of each network, by name.

    Graphs are measured on all cores, one network on each: ONNX Runtime computes without Python's lock. The last ones
    begin, as they compute samples and take longest. Modules are exported one after the other, as torch's exporters
    change the state of the process.
    """
    workers = (os.cpu_count() or 1) if all(isinstance(network, OnnxSource | Borrowed) for network in networks) else 1

    ordered = networks[::-1] if workers > 1 else networks
    own = [network.name for network in networks if isinstance(network, Source)]
    if own and workers == 1:
        progress(f"exporting and measuring {', '.join(own)}: {time_limit:g} s each at most")

    def entry(network: Source | Borrowed) -> dict[str, Any]:
        return _network_entry(network, folder, progress, time_limit)

    if workers == 1:  # the first failure ends it
        return {network.name: entry(network) for network in networks}
    with ThreadPoolExecutor(min(workers, max(1, len(networks)))) as pool:
        try:
            entries = list(pool.map(entry, ordered))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    made = dict(zip((network.name for network in ordered), entries, strict=True))
    return {network.name: made[network.name] for network in networks}


def _network_entry(
    network: Source | Borrowed, folder: Path, progress: Callable[[str], None], time_limit: float
) -> dict[str, Any]:
    if isinstance(network, Borrowed):
        return network.config
    return package_known(network, folder, progress, time_limit)
