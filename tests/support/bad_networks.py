"""One runtime or wrapper for each clause of their contracts, which breaks it and no other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from voxstack import ContextError, NetworkError
from voxstack.networks.sizes import PerSize, fixed_axes
from voxstack.testing import RuntimeCase, WrapperCase, network_checks, runtime_checks, wrapper_checks
from voxstack.testing.samples import frames_network
from voxstack_addon_spec import Context

Run = Callable[..., Any]
KEPT: list[Any] = []
SCRATCH = np.zeros((4096, 2), np.float32)


def good(around: Callable[[Run], Run] = lambda run: run, **allowed: Any) -> Callable[..., Any]:
    """Return a runtime of numpy functions.

    :param around: wraps what it opens.
    :param allowed: what it does not refuse: ``runtimes``, ``devices``, ``options``, or ``sizes``.
    """

    def voxstack_open_network(spec: Any, context: Any) -> Any:
        if context.runtime != "numpy" and "runtimes" not in allowed:
            return None
        if context.device != "cpu" and "devices" not in allowed:
            raise ContextError(f"network {spec.name!r}: numpy has one device, 'cpu'")
        if context.options and "options" not in allowed:
            raise ContextError(f"network {spec.name!r}: numpy has no options {sorted(context.options)}")
        run = around(frames_network(spec.path("")).run)
        if fixed_axes(spec, context) and "sizes" not in allowed:
            return PerSize(spec, context, lambda sizes: run)
        return run

    return voxstack_open_network


def case(open_network: Callable[..., Any], folder: Path, **more: Any) -> RuntimeCase:
    return RuntimeCase(open_network, frames_network(folder), Context("numpy"), **more)


def around(change: Callable[[Run, dict[str, np.ndarray]], Any]) -> Callable[[Run], Run]:
    """Return a wrapper whose calls are ``change(run, tensors)``."""
    return lambda run: lambda **tensors: change(run, tensors)


def failing(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    raise OSError("no such chip")


def other_dtype(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    return {name: array.astype(np.float64) for name, array in run(**tensors).items()}


def noisy(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    return {name: array + np.float32(time.perf_counter_ns() % 997) for name, array in run(**tensors).items()}


def half(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    return run(**{name: array.astype(np.float16).astype(array.dtype) for name, array in tensors.items()})


def in_place(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    outputs = run(**tensors)
    for array in tensors.values():
        if array.ndim:
            array *= 0
    return outputs


def reusing(run: Run) -> Run:
    kept: dict[Any, np.ndarray] = {}

    def call(**tensors: np.ndarray) -> Any:
        mel = run(**tensors)["mel"]
        buffer = kept.setdefault(mel.shape, np.zeros_like(mel))
        buffer[:] = mel
        return {"mel": buffer}

    return call


def sharing(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    mel = run(**tensors)["mel"]
    scratch = SCRATCH[: mel.shape[1]]
    scratch[:] = mel[0]
    time.sleep(0)
    return {"mel": scratch[None].copy()}


def lenient(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    tensors.pop("no_such_input", None)
    return run(**tensors)


def keeping(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    KEPT.append(outputs := run(**tensors))
    return {name: array.copy() for name, array in outputs.items()}


def misreporting(run: Run) -> Run:
    def call(**tensors: np.ndarray) -> Any:
        return run(**tensors)

    call.effective = {"device": "cuda", "provider": "numpy"}  # type: ignore[attr-defined]
    return call


SHARED_FAULTS: dict[Any, tuple[Callable[[Run], Run], str]] = {
    network_checks.check_network_runs: (around(failing), "fails on 1 steps: OSError: no such chip"),
    network_checks.check_network_gives_what_it_declares: (
        around(other_dtype), r"gives 'mel' as float64 \[1, 1, 2\] for 1 steps, and the spec declares float32",
    ),
    network_checks.check_network_is_deterministic: (around(noisy), "differ from one call to the next"),
    network_checks.check_network_computes_the_same: (around(half), "the output 'mel' for 1 steps differs by"),
    network_checks.check_network_leaves_inputs_alone: (around(in_place), "does not accept read-only arrays"),
    network_checks.check_network_leaves_outputs_alone: (reusing, r"the next call changed the outputs \['mel'\]"),
    network_checks.check_network_runs_on_many_threads: (around(sharing), "of 20 calls of four threads at once give"),
    network_checks.check_network_survives_wrong_input: (around(lenient), "accepts an unknown input"),
}  # fmt: skip
RUNTIME_FAULTS: dict[Any, tuple[Callable[..., Any], str]] = {
    **{check: (good(fault), problem) for check, (fault, problem) in SHARED_FAULTS.items()},
    runtime_checks.check_runtime_leaves_other_runtimes_alone: (good(runtimes=True), "whose context names another"),
    runtime_checks.check_runtime_refuses_unknown_devices: (
        good(devices=True),
        "in spite of the device 'no-such-device'",
    ),
    runtime_checks.check_runtime_refuses_unknown_options: (
        good(options=True),
        "in spite of the option 'no_such_option'",
    ),
    runtime_checks.check_runtime_keeps_to_fixed_sizes: (good(sizes=True), "accepts the size 9 of 'frames'"),
    runtime_checks.check_runtime_reports_its_context: (good(misreporting), "reports device 'cuda' in 'effective'"),
    runtime_checks.check_runtime_does_not_grow: (good(around(keeping)), "every call leaves .* objects behind"),
}


def wrapping(fault: Callable[[Run], Run]) -> Callable[..., Any]:
    def voxstack_wrap_network(network: Any, spec: Any, context: Any) -> Any:
        return fault(network)

    return voxstack_wrap_network


def wrapper(wrap_network: Callable[..., Any], folder: Path) -> WrapperCase:
    return WrapperCase(wrap_network, frames_network(folder), Context())


def swallowing(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    try:
        return run(**tensors)
    except (NetworkError, TypeError):
        raise
    except Exception:
        return {"mel": np.zeros((1, 1, 2), np.float32)}


def undeclared(run: Run, tensors: dict[str, np.ndarray]) -> Any:
    return run(**{name: array.astype(np.float64) for name, array in tensors.items()})


WRAPPER_FAULTS: dict[Any, tuple[Callable[..., Any], str]] = {
    **{check: (wrapping(fault), problem) for check, (fault, problem) in SHARED_FAULTS.items()},
    wrapper_checks.check_wrapper_passes_errors_on: (wrapping(around(swallowing)), "swallows an error of the network"),
    wrapper_checks.check_wrapper_calls_as_declared: (
        wrapping(around(undeclared)), r"the wrapped network receives 'frames' as float64 \[1, 1, 3\]",
    ),
    wrapper_checks.check_wrapper_does_not_grow: (wrapping(around(keeping)), "every call leaves .* objects behind"),
}  # fmt: skip
