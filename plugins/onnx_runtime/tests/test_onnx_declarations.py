"""Files whose tensors are not those that the addon declares, reported when they are opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_onnx_runtime
from voxstack import NetworkError
from voxstack.networks import Context, NetworkSpec, Runner

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")
FLOAT, DOUBLE, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64

Open = Callable[..., Runner]


@pytest.fixture
def open_file(tmp_path: Path) -> Open:
    """Open a file of one node whose output has a type, for an addon that declares float32 of (batch, frames, 2)."""

    def open_it(
        node: str, value: Any, taken: list[Any] = ("batch", "frames", 2), kind: int = FLOAT, **more: Any
    ) -> Any:
        helper = onnx.helper
        entry = helper.make_tensor_value_info("frames", kind, list(taken))
        graph = helper.make_graph([helper.make_node(node, ["frames"], ["mel"], **more)], "net", [entry], [value])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
        config = network("decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)})
        config["exports"] = [{"format": "onnx", "symbol": "net.onnx"}]
        spec = NetworkSpec.of("net", config, "digest", tmp_path.joinpath, True)
        return voxstack_onnx_runtime.voxstack_open_network(spec, Context())

    return open_it


def output(dtype: int, shape: list[Any] | None) -> Any:
    return onnx.helper.make_tensor_value_info("mel", dtype, shape)


@pytest.mark.parametrize(
    ("node", "kind", "shape", "more", "difference"),
    [
        ("Cast", DOUBLE, ["batch", "frames", 2], {"to": DOUBLE}, "float64, declared as float32"),
        ("Cast", INT64, None, {"to": INT64}, "int64, declared as float32"),
        ("Flatten", FLOAT, ["batch", "flat"], {}, r"of axes \['batch', 'flat'\], declared as \['batch', 'frames', 2\]"),
        ("Transpose", FLOAT, ["b", "f", 3], {"perm": [0, 1, 2]}, "of axes"),
    ],
)
def test_an_output_of_another_type_or_shape(
    open_file: Open, node: str, kind: int, shape: list[Any] | None, more: dict[str, Any], difference: str
) -> None:
    taken = ["batch", "frames", 3] if shape and shape[-1] == 3 else ["batch", "frames", 2]
    side = "input 'frames'" if taken[-1] == 3 else "output 'mel'"
    with pytest.raises(NetworkError, match=rf"network 'net', {side}: in the file it is {difference}.*; package"):
        open_file(node, output(kind, shape), taken, **more)


def test_an_input_of_another_type(open_file: Open) -> None:
    with pytest.raises(
        NetworkError, match=r"network 'net', input 'frames': in the file it is int64, declared as float"
    ):
        open_file("Identity", output(INT64, None), kind=INT64)


def test_an_output_that_is_no_tensor(open_file: Open) -> None:
    value = onnx.helper.make_tensor_sequence_value_info("mel", FLOAT, None)
    with pytest.raises(
        NetworkError, match=r"output 'mel': in the file it is seq\(tensor\(float\)\), declared as float"
    ):
        open_file("SequenceConstruct", value)


def test_what_the_file_leaves_open_is_no_difference(open_file: Open) -> None:
    x = np.ones((1, 3, 2), np.float32)
    for shape in (None, ["a", "b", "c"], ["batch", "frames", 2]):
        assert open_file("Relu", output(FLOAT, shape), ["x", "y", "z"])(frames=x)["mel"].shape == (1, 3, 2)
