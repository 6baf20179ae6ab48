"""The contract kit of runtimes and wrappers: each clause alone catches the one that breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_networks import RUNTIME_FAULTS, WRAPPER_FAULTS, case, good, wrapper, wrapping

from voxstack.testing import Unjudged, checks_of
from voxstack.testing.network_cases import outputs_of
from voxstack.testing.runtime_checks import check_runtime_is_cheap_to_import, check_runtime_lists_its_devices
from voxstack.testing.samples import frames_network, tokens_network
from voxstack.testing.wrapper_checks import check_wrapper_is_cheap_to_import


def faults(subject: Any, clauses: Iterable[Callable[[Any], None]]) -> dict[Callable[[Any], None], str]:
    """Return what each clause that a case breaks says."""
    found = {}
    for check in clauses:
        try:
            check(subject)
        except Unjudged:
            continue
        except AssertionError as error:
            found[check] = str(error)
    return found


@pytest.mark.parametrize("clause", RUNTIME_FAULTS, ids=lambda clause: clause.__name__.removeprefix("check_"))
def test_each_clause_alone_catches_its_bad_runtime(clause: Any, tmp_path: Path) -> None:
    bad, problem = RUNTIME_FAULTS[clause]
    subject = case(bad, tmp_path, devices=lambda: ["numpy:cpu"])
    found = faults(subject, checks_of(subject))
    assert list(found) == [clause], found
    assert re.search(problem, found[clause]), found[clause]


@pytest.mark.parametrize("clause", WRAPPER_FAULTS, ids=lambda clause: clause.__name__.removeprefix("check_"))
def test_each_clause_alone_catches_its_bad_wrapper(clause: Any, tmp_path: Path) -> None:
    bad, problem = WRAPPER_FAULTS[clause]
    subject = wrapper(bad, tmp_path)
    found = faults(subject, checks_of(subject))
    assert list(found) == [clause], found
    assert re.search(problem, found[clause]), found[clause]


@pytest.mark.parametrize(
    ("devices", "problem"),
    [
        (["cpu"], r"lists \['cpu'\]; devices are listed as 'numpy:DEVICE'"),
        (["numpy:gpu"], r"opens networks in 'numpy:cpu', and does not list it among \['numpy:gpu'\]"),
    ],
)
def test_the_clause_on_devices_alone_catches_wrong_lists(devices: list[str], problem: str, tmp_path: Path) -> None:
    subject = case(good(), tmp_path, devices=lambda: devices)
    found = faults(subject, checks_of(subject))
    assert list(found) == [check_runtime_lists_its_devices]
    assert re.search(problem, found[check_runtime_lists_its_devices])


def test_good_ones_pass_all(tmp_path: Path) -> None:
    for subject in (
        case(good(), tmp_path, devices=lambda: ["numpy:cpu"]),
        wrapper(wrapping(lambda run: run), tmp_path),
    ):
        for check in checks_of(subject):
            check(subject)


def test_every_clause_has_a_bad_one(tmp_path: Path) -> None:
    runtime, wrapped = set(checks_of(case(good(), tmp_path))), set(checks_of(wrapper(good(), tmp_path)))
    assert runtime - RUNTIME_FAULTS.keys() == {check_runtime_is_cheap_to_import, check_runtime_lists_its_devices}
    assert wrapped - WRAPPER_FAULTS.keys() == {check_wrapper_is_cheap_to_import}


@pytest.mark.parametrize("make", [frames_network, tokens_network])
def test_the_files_of_samples_compute_what_numpy_does(make: Any, tmp_path: Path) -> None:
    import onnxruntime

    sample = make(tmp_path)
    session = onnxruntime.InferenceSession(str(sample.spec.export("onnx", "onnx")), providers=["CPUExecutionProvider"])
    for steps in (0, 1, 9):
        inputs, names = sample.inputs(steps, batch=2), list(sample.spec.outputs)
        made = dict(zip(names, session.run(names, inputs), strict=True))
        for name, array in outputs_of(sample.run, inputs).items():
            assert (made[name].dtype, made[name].shape) == (array.dtype, array.shape)
            np.testing.assert_allclose(made[name], array, atol=1e-6)
