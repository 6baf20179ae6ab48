"""Clauses of runtimes and of wrappers of networks: what is called with arrays, and returns arrays."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from voxstack.errors import describe
from voxstack.testing.comparing import are_equal, describe_difference
from voxstack.testing.concurrent import on_threads
from voxstack.testing.feeding import frozen, own_arrays
from voxstack.testing.judging import presume
from voxstack.testing.network_cases import NetworkCase, outputs_of, sizes_of


def check_network_runs(case: NetworkCase) -> None:
    """Require that the network is opened and runs at every length."""
    for steps in sizes_of(case):
        try:
            case.runner(**case.sample.inputs(steps))
        except Exception as error:
            if isinstance(error, NotImplementedError | AssertionError):
                raise
            raise AssertionError(f"fails on {steps} steps: {describe(error)}") from error


def check_network_gives_what_it_declares(case: NetworkCase) -> None:
    """Require the outputs of the spec, and no others, as arrays of its dtypes with its axes."""
    presume(case, check_network_runs)
    spec = case.sample.spec
    for steps in sizes_of(case):
        made, reference = (run(**case.sample.inputs(steps)) for run in (case.runner, case.reference))
        assert set(made) == set(spec.outputs), f"gives {sorted(made)}, and the spec declares {sorted(spec.outputs)}"
        for name, expected in reference.items():
            array = made[name]
            found = f"{getattr(array, 'dtype', type(array).__name__)} {list(np.shape(array))}"
            declared = f"{expected.dtype} {list(expected.shape)}"
            is_right = type(array) is np.ndarray and found == declared
            assert is_right, f"gives {name!r} as {found} for {steps} steps, and the spec declares {declared}"


def check_network_computes_the_same(case: NetworkCase) -> None:
    """Require what the network computes, as numpy does, and ONNX Runtime where that is installed."""
    presume(case, check_network_gives_what_it_declares, check_network_is_deterministic)
    for steps in sizes_of(case):
        inputs = case.sample.inputs(steps)
        made, expected = outputs_of(case.runner, inputs), outputs_of(case.reference, inputs)
        for name, array in expected.items():
            problem = describe_difference(made[name], array, case.tolerance)
            assert not problem, (
                f"the output {name!r} for {steps} steps {problem}, compared to what the network computes"
            )


def check_network_leaves_inputs_alone(case: NetworkCase) -> None:
    """Require that read-only arrays are accepted, and that writable ones stay as they were."""
    presume(case, check_network_runs)
    steps = sizes_of(case)[-1]
    inputs = case.sample.inputs(steps)
    try:
        case.runner(**{name: frozen(array) for name, array in inputs.items()})
    except Exception as error:
        raise AssertionError(f"does not accept read-only arrays: {describe(error)}") from error
    handed = own_arrays(inputs)
    case.runner(**handed)
    changed = [name for name, array in inputs.items() if not np.array_equal(array, handed[name])]
    assert not changed, f"writes into the inputs {changed}; copy what is changed"


def check_network_leaves_outputs_alone(case: NetworkCase) -> None:
    """Require that returned arrays do not change with the next call."""
    presume(case, check_network_gives_what_it_declares)
    steps = sizes_of(case)[-1]
    outputs = case.runner(**case.sample.inputs(steps))
    copies = {name: np.array(array) for name, array in outputs.items()}
    case.runner(**case.sample.inputs(steps, seed=1))
    changed = [name for name, array in copies.items() if not np.array_equal(array, outputs[name])]
    assert not changed, f"the next call changed the outputs {changed} of the one before; return memory of their own"


def check_network_is_deterministic(case: NetworkCase) -> None:
    """Require equal outputs, bit for bit, for equal inputs."""
    presume(case, check_network_runs)
    for steps in sizes_of(case):
        inputs = case.sample.inputs(steps)
        one, other = (outputs_of(case.runner, inputs) for _ in range(2))
        wrong = [name for name in one if not are_equal(one[name], other.get(name))]
        assert not wrong, f"the outputs {wrong} differ from one call to the next on the same inputs"


def check_network_runs_on_many_threads(case: NetworkCase) -> None:
    """Require the same outputs while four threads call the network at once."""
    presume(case, check_network_computes_the_same, check_network_leaves_outputs_alone)
    steps = sizes_of(case)[-1]
    inputs = [case.sample.inputs(steps, seed=seed) for seed in range(4)]
    expected = [outputs_of(case.runner, each) for each in inputs]
    seeds, lock = iter(range(10**9)), threading.Lock()

    def run() -> tuple[int, Any]:
        with lock:
            seed = next(seeds) % 4
        return seed, outputs_of(case.runner, inputs[seed])

    wrong = 0
    for result in on_threads(run, 4, 5):
        if isinstance(result, BaseException):
            raise AssertionError(f"fails on several threads at once: {describe(result)}") from result
        seed, made = result
        differs = (describe_difference(made[name], array, case.tolerance) for name, array in expected[seed].items())
        wrong += any(differs)
    assert not wrong, f"{wrong} of 20 calls of four threads at once give something else; share no buffers"


def check_network_survives_wrong_input(case: NetworkCase) -> None:
    """Require an error for an unknown, a missing and a misshapen input, after which the network works as before."""
    presume(case, check_network_gives_what_it_declares, check_network_is_deterministic)
    inputs = case.sample.inputs(sizes_of(case)[-1])
    before, name = outputs_of(case.runner, inputs), next(iter(inputs))
    wrong = {
        "an unknown input": {**inputs, "no_such_input": inputs[name]},
        "a missing input": {key: array for key, array in inputs.items() if key != name},
        "an input with one axis more": {**inputs, name: inputs[name][None]},
    }
    for what, tensors in wrong.items():
        try:
            made = case.runner(**tensors)
        except Exception:
            continue  # of any kind: callers see it
        raise AssertionError(f"accepts {what}, and gives {sorted(made)}; raise a NetworkError that names it")
    try:
        after = outputs_of(case.runner, inputs)
    except Exception as error:
        raise AssertionError(f"fails after a call with wrong input: {describe(error)}") from error
    assert all(are_equal(after[key], before[key]) for key in before), "gives something else after a call that failed"


SHARED = (
    check_network_runs,
    check_network_gives_what_it_declares,
    check_network_is_deterministic,
    check_network_computes_the_same,
    check_network_leaves_inputs_alone,
    check_network_leaves_outputs_alone,
    check_network_runs_on_many_threads,
    check_network_survives_wrong_input,
)
"""Clauses of everything that is called as a network."""
