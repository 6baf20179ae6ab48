"""Clauses of wrappers of networks: what they hand on, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from voxstack.errors import describe
from voxstack.testing.growth import growth_problem
from voxstack.testing.imports import import_cost
from voxstack.testing.judging import Check, presume
from voxstack.testing.network_cases import WrapperCase, sizes_of
from voxstack.testing.network_checks import SHARED, check_network_runs


class InnerError(Exception):
    """The error that a wrapped network raises on purpose."""


def check_wrapper_passes_errors_on(case: WrapperCase) -> None:
    """Require that an error of the network reaches the caller, itself or as a cause; the next call works."""
    presume(case, check_network_runs)
    failing, inner_error = [False], InnerError("raised on purpose")

    def inner(**tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        if failing[0]:
            raise inner_error
        return case.sample.run(**tensors)

    wrapped = case.wrap(inner)
    inputs = case.sample.inputs(sizes_of(case)[1])
    failing[0] = True
    try:
        wrapped(**inputs)
    except Exception as raised:
        found: BaseException | None = raised
        while found is not None and found is not inner_error:
            found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
        assert found is not None, f"turns an error of the network into {describe(raised)}, without its cause"
    else:
        raise AssertionError("swallows an error of the network that it wraps; let it pass")
    failing[0] = False
    try:
        wrapped(**inputs)
    except Exception as error:
        raise AssertionError(f"fails after an error of the network: {describe(error)}") from error


def check_wrapper_calls_as_declared(case: WrapperCase) -> None:
    """Require that the network receives the inputs of its spec, and no others, in their dtypes and axes.

    Where the context fixes an axis, and the wrapper is one of fixed shapes, only its sizes reach the network.
    """
    presume(case, check_network_runs)
    spec, wrong, keeps = case.sample.spec, [], [False]
    fixed = {axis: sizes for axis, sizes in case.context.shapes.items() if axis != "batch"}

    def inner(**tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        if tensors.keys() != spec.inputs.keys():
            wrong.append(f"receives {sorted(tensors)}, and its spec declares {sorted(spec.inputs)}")
        for name, tensor in spec.inputs.items():
            array = tensors.get(name, np.zeros(0))
            if array.dtype != tensor.dtype or array.ndim != len(tensor.shape):
                wrong.append(f"receives {name!r} as {array.dtype} {list(array.shape)}, not as its spec declares")
            for axis, size in zip(tensor.shape, array.shape, strict=False):
                if keeps[0] and size not in fixed.get(str(axis), (size,)):
                    wrong.append(f"receives {size} steps of {axis!r}, and the context allows {fixed[str(axis)]}")
        return case.sample.run(**{name: tensors[name] for name in spec.inputs if name in tensors})

    wrapped = case.wrap(inner)
    keeps[0] = bool(getattr(wrapped, "fixed_shapes", False))
    for steps in sizes_of(case):
        wrapped(**case.sample.inputs(steps))
    assert not wrong, f"the wrapped network {wrong[0]}"


def check_wrapper_does_not_grow(case: WrapperCase) -> None:
    """Require that calls, and wrappers that were made, used and dropped, leave nothing behind."""
    presume(case, check_network_runs)
    inputs = case.sample.inputs(sizes_of(case)[0])
    problem = growth_problem(lambda index: (case.runner(**inputs), None)[1], 1000)
    assert not problem, f"every call leaves {problem}"
    problem = growth_problem(lambda index: (case.wrap(case.sample.run)(**inputs), None)[1], 300)
    assert not problem, f"every wrapper that is made and dropped leaves {problem}"


def check_wrapper_is_cheap_to_import(case: WrapperCase) -> None:
    """Require that importing the plugin imports no heavy package."""
    if problem := import_cost(case.wrap_network.__module__):
        raise AssertionError(problem)


def wrapper_checks() -> Iterator[Check]:
    """Yield the clauses of wrappers."""
    yield from SHARED
    yield check_wrapper_passes_errors_on
    yield check_wrapper_calls_as_declared
    yield check_wrapper_does_not_grow
    yield check_wrapper_is_cheap_to_import
