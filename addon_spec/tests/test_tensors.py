from __future__ import annotations

import pytest

from voxstack_addon_spec import Tensor

MEL = Tensor("float32", ("batch", "frames", 80))


@pytest.mark.parametrize(
    "shape", [None, (1, 96, 80), ("b", "f", 80), (None, None, None), ["batch", "frames", "unk__0"], (1, 1, 80)]
)
def test_a_file_that_agrees_with_its_declaration(shape: object):
    assert MEL.difference("float32", shape) == ""


@pytest.mark.parametrize(
    ("dtype", "shape", "difference"),
    [
        ("float64", (1, 2, 80), "float64, declared as float32"),
        ("seq(tensor(float))", None, "seq(tensor(float)), declared as float32"),
        ("float32", (1, 80), "of axes [1, 80], declared as ['batch', 'frames', 80]"),
        ("float32", (), "of axes [], declared as ['batch', 'frames', 80]"),
        ("float32", ("b", 80, "f", 1), "of axes ['b', 80, 'f', 1], declared as ['batch', 'frames', 80]"),
        ("float32", ("b", "f", 100), "of axes ['b', 'f', 100], declared as ['batch', 'frames', 80]"),
    ],
)
def test_a_file_that_differs_from_its_declaration(dtype: str, shape: object, difference: str):
    assert MEL.difference(dtype, shape) == difference
