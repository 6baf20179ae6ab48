"""Clauses of runtimes: what they open, what they refuse, and what they report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from voxstack.errors import ContextError, describe
from voxstack.networks.effective import Effective
from voxstack.testing.growth import growth_problem
from voxstack.testing.imports import import_cost
from voxstack.testing.judging import Check, Unjudged, presume
from voxstack.testing.network_cases import RuntimeCase, sizes_of
from voxstack.testing.network_checks import SHARED, check_network_runs

_FIXED = 8
"""The only size of an axis in the clause on fixed sizes."""


def check_runtime_leaves_other_runtimes_alone(case: RuntimeCase) -> None:
    """Require None for a context that names another runtime."""
    if case.every_runtime:
        raise Unjudged("it opens networks of every runtime")
    try:
        opened = case.open(runtime="no-such-runtime")
    except Exception as error:
        raise AssertionError(f"fails for the context of another runtime: {describe(error)}; return None") from error
    assert opened is None, "opens a network whose context names another runtime; return None for it"


def check_runtime_refuses_unknown_devices(case: RuntimeCase) -> None:
    """Require a ContextError for a device that does not exist: a runtime never falls back silently."""
    _require_refusal(case, f"the device {'no-such-device'!r}", device="no-such-device")


def check_runtime_refuses_unknown_options(case: RuntimeCase) -> None:
    """Require a ContextError about an option that the runtime does not have."""
    options = {**case.context.options, "no_such_option": 1}
    message = _require_refusal(case, "the option 'no_such_option'", options=options)
    assert "option" in message, f"refuses an unknown option without saying so: {message}"


def check_runtime_keeps_to_fixed_sizes(case: RuntimeCase) -> None:
    """Require that a network whose context fixes an axis accepts no other size of it.

    Not judged for a runtime that refuses to fix sizes.
    """
    presume(case, check_network_runs)
    axis = case.sample.axis
    own = RuntimeCase(case.open_network, case.sample, replace(case.context, shapes={"batch": (1,), axis: (_FIXED,)}))
    try:
        runner = own.runner
    except ContextError as error:
        raise Unjudged(f"it fixes no sizes: {error}") from error
    try:
        runner(**case.sample.inputs(_FIXED))
    except Exception as error:
        raise AssertionError(
            f"fails at the size {_FIXED} of {axis!r}, which the context fixes: {describe(error)}"
        ) from error
    try:
        runner(**case.sample.inputs(_FIXED + 1))
    except Exception:
        return
    raise AssertionError(f"accepts the size {_FIXED + 1} of {axis!r}, which the context fixes to {_FIXED}; see PerSize")


def check_runtime_reports_its_context(case: RuntimeCase) -> None:
    """Require that ``effective``, if the runner has it, has known names and the device that was requested."""
    presume(case, check_network_runs)
    reported = dict(getattr(case.runner, "effective", {}))
    known = {"device", "provider", "threads", "precision", "shapes", "version"} & {
        each.name for each in fields(Effective)
    }
    unknown = sorted(reported.keys() - known)
    assert not unknown, f"reports {unknown} in 'effective', which nothing reads; it may have {sorted(known)}"
    for name in ("device", "threads", "precision"):
        expected, found = getattr(case.context, name), reported.get(name, getattr(case.context, name))
        same = str(found).lower() == str(expected).lower()
        assert same, (
            f"reports {name} {found!r} in 'effective', and the context requests {expected!r}; refuse it instead"
        )


def check_runtime_lists_its_devices(case: RuntimeCase) -> None:
    """Require that ``voxstack_devices`` lists devices as ``runtime:device``, and that of the case among them."""
    if case.devices is None:
        raise Unjudged("it has no hook voxstack_devices")
    listed = [str(device) for device in case.devices()]
    expected = f"{case.context.runtime}:{case.context.device}"
    wrong = [device for device in listed if not device.startswith(f"{case.context.runtime}:")]
    assert not wrong, f"lists {wrong}; devices are listed as '{case.context.runtime}:DEVICE'"
    found = [device.lower() for device in listed]
    assert expected.lower() in found, f"opens networks in {expected!r}, and does not list it among {listed}"


def check_runtime_does_not_grow(case: RuntimeCase) -> None:
    """Require that calls leave nothing behind, nor networks that were opened, used and dropped."""
    presume(case, check_network_runs)
    inputs = case.sample.inputs(sizes_of(case)[0])
    runner = case.runner
    problem = growth_problem(lambda index: (runner(**inputs), None)[1], 1000)
    assert not problem, f"every call leaves {problem}"

    def use(index: int) -> None:
        opened = case.open()
        assert opened is not None
        opened(**inputs)

    problem = growth_problem(use, 60, objects=False)
    assert not problem, f"every network that is opened and dropped leaves {problem}"


def check_runtime_is_cheap_to_import(case: RuntimeCase) -> None:
    """Require that importing the plugin imports no heavy package, such as what runs the networks."""
    if problem := import_cost(case.open_network.__module__):
        raise AssertionError(problem)


def _require_refusal(case: RuntimeCase, what: str, **changed: object) -> str:
    """Return the text of the refusal."""
    try:
        opened = case.open(**changed)
    except ContextError as error:
        return str(error)
    except Exception as error:
        problem = f"fails on {what}: {describe(error)}"
        raise AssertionError(f"{problem}; raise a ContextError that says what there is") from error
    if opened is None:
        return "no_such_option"  # left to another plugin, which is as good
    raise AssertionError(f"opens the network in spite of {what}; raise a ContextError that says what there is")


def runtime_checks() -> Iterator[Check]:
    """Yield the clauses of runtimes."""
    yield from SHARED
    yield check_runtime_leaves_other_runtimes_alone
    yield check_runtime_refuses_unknown_devices
    yield check_runtime_refuses_unknown_options
    yield check_runtime_keeps_to_fixed_sizes
    yield check_runtime_reports_its_context
    yield check_runtime_lists_its_devices
    yield check_runtime_does_not_grow
    yield check_runtime_is_cheap_to_import
