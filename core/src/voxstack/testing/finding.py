"""The cases of an installed distribution: its blocks, runtimes and wrappers, and what other plugins can try."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from voxstack.blocks import Block
from voxstack.entry_points import GROUP, EntryPoint, installed_entry_points, select_entry_points
from voxstack.errors import ContextError, PluginError, describe
from voxstack.registry import Registry
from voxstack.testing import AnyCase, checks_of, name_of
from voxstack.testing.cases import Case
from voxstack.testing.defaults import ADVICE, default_case
from voxstack.testing.imports import import_cost
from voxstack.testing.judging import Unjudged
from voxstack.testing.network_cases import RuntimeCase, WrapperCase
from voxstack.testing.samples import SampleNetwork, frames_network, tokens_network
from voxstack_addon_spec import Context
from voxstack_addon_spec.wording import did_you_mean

OTHERS = "voxstack.contract"
"""The entry-point group of functions that yield trials of further kinds of plugins, such as protocols on the wire."""


class Trial(NamedTuple):
    """One clause on one case: a name, and a function that raises AssertionError, or SkipTest with a reason."""

    name: str
    run: Callable[[], object]


def trials_of(package: str) -> Iterator[Trial]:
    """Yield what is tried on an installed distribution.

    :param package: the name of the distribution, of its module, or of its entry point.
    :raises PluginError: if no installed distribution of this name brings anything to voxstack.
    """
    points = [point for point in installed_entry_points() if _simple(package) in _names(point)]
    if not points:
        known = sorted({point.distribution for point in installed_entry_points()})
        hint = did_you_mean(package, known)
        raise PluginError(f"no distribution named {package!r} brings a plugin of voxstack{hint}; installed: {known}")
    for point in (point for point in points if point.group == GROUP):
        yield from plugin_trials(point)
    distributions = sorted({point.distribution for point in points})
    for other in select_entry_points(OTHERS):
        for distribution in distributions:
            for name, run in other.load()(distribution):
                yield Trial(f"{other.name}-{name}", run)


def plugin_trials(point: EntryPoint) -> Iterator[Trial]:
    """Yield the trials of one plugin."""
    try:
        plugin = point.load()
        registry = Registry({point.name: plugin})
        if registry.broken:
            raise registry.broken[point.name]
    except Exception as error:
        yield Trial(f"{point.name}-can_be_imported", partial(_raise, describe(error)))
        return
    yield Trial(f"{point.name}-is_cheap_to_import", partial(_require_cheap_import, point.value.partition(":")[0]))
    cases: list[AnyCase | Block] = []
    for impl in registry.implementations("voxstack_contract_cases"):
        cases += impl.function()
    given = [Case(case) if isinstance(case, Block) else case for case in cases]
    for name in sorted(set(registry) - set(Registry({}))):
        own = [case for case in given if isinstance(case, Case) and type(case.block).__name__ == name]
        yield from _trials(name, lambda name=name: default_case(registry[name], {point.name: plugin}), own)  # type: ignore[misc]
    if hasattr(plugin, "voxstack_open_network"):
        own_runtimes = [case for case in given if isinstance(case, RuntimeCase)]
        yield from _network_trials(own_runtimes or list(_runtime_cases(plugin)), point.name)
    if hasattr(plugin, "voxstack_wrap_network"):
        own_wrappers = [case for case in given if isinstance(case, WrapperCase)]
        yield from _network_trials(own_wrappers or list(_wrapper_cases(plugin)), point.name)


def _trials(name: str, make: Callable[[], Case], given: list[Case]) -> Iterator[Trial]:
    """Yield the trials of the given cases of a block, or of one by default."""
    try:
        cases = given or [make()]
    except Unjudged as reason:
        yield Trial(name, partial(_skip, str(reason)))
        return
    except Exception as error:
        yield Trial(f"{name}-can_be_imported", partial(_raise, describe(error)))
        return
    for index, case in enumerate(cases, 1):
        which = f"{name}#{index}" if len(cases) > 1 else name
        yield from _clauses(case, which)


def _network_trials(cases: list[Any], name: str) -> Iterator[Trial]:
    if not cases:
        reason = "it opens or wraps none of the kit's ONNX networks in the contexts that were tried"
        yield Trial(
            f"{name}-networks", partial(_skip, f"{reason}; {ADVICE.replace('Case', 'RuntimeCase or WrapperCase')}")
        )
    for case in cases:
        yield from _clauses(case, f"{name}-{name_of(case)}")


def _clauses(case: AnyCase, name: str) -> Iterator[Trial]:
    for check in checks_of(case):
        yield Trial(f"{name}-{check.__name__.removeprefix('check_')}", partial(check, case))


def _samples() -> list[SampleNetwork]:
    return [frames_network(), tokens_network()]


def _runtime_cases(plugin: Any) -> Iterator[RuntimeCase]:
    """Yield a case for each sample that a runtime opens on the first device which it lists."""
    devices = getattr(plugin, "voxstack_devices", None)
    listed = [] if devices is None else [str(device) for device in (_call_devices(devices))]
    first = next((each for each in listed if each.lower().endswith(":cpu")), next(iter(listed), ""))
    runtime, _, device = first.partition(":")
    known = None if devices is None else partial(_call_devices, devices)
    for sample in _samples() if device else []:
        plain = Context(runtime, device)
        for context in (plain, replace(plain, shapes={"batch": (1,), sample.axis: (8, 32)})):
            case = RuntimeCase(plugin.voxstack_open_network, sample, context, devices=known)
            try:
                opened = case.open()
            except ContextError:
                continue  # such as for want of an export that it can run, or of fixed sizes
            if opened is not None:
                yield case
                break


def _wrapper_cases(plugin: Any) -> Iterator[WrapperCase]:
    """Yield a case for each sample and context in which a wrapper wraps."""
    for sample in _samples():
        plain = Context()
        fixed = replace(plain, shapes={"batch": (1,), sample.axis: (8, 32)})
        for context in (plain, replace(plain, batch=4), fixed):
            case = WrapperCase(plugin.voxstack_wrap_network, sample, context)
            try:
                case.wrap(sample.run)
            except Unjudged:
                continue
            yield case


def _call_devices(devices: Callable[..., Any]) -> Any:
    import inspect

    return devices(*([None] if inspect.signature(devices).parameters else []))


def _names(point: EntryPoint) -> set[str]:
    return {_simple(point.distribution), _simple(point.value.partition(":")[0].partition(" ")[0]), _simple(point.name)}


def _simple(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _require_cheap_import(module: str) -> None:
    if problem := import_cost(module):
        raise AssertionError(problem)


def _skip(reason: str) -> None:
    raise Unjudged(reason)


def _raise(problem: str) -> None:
    raise AssertionError(problem)
