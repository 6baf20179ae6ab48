"""Calls that end because their stream misses its deadline, and files that are not as the addon declares."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deadlines import limited
from tiny import network, tensor

import voxstack_openvino_runtime
from voxstack import NetworkError
from voxstack.errors import CancelledError
from voxstack.networks import Context, NetworkSpec, Runner

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")
pytest.importorskip("openvino")
NODES = 300
FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64

Open = Callable[..., Runner]


@pytest.fixture
def open_graph(tmp_path: Path) -> Open:
    """Open a graph for an addon that declares an input ``x`` and an output ``y`` of these shapes."""

    def open_it(nodes: list[Any], shape: list[Any], y: Any = None, kind: int = FLOAT) -> Any:
        helper = onnx.helper
        x, y = helper.make_tensor_value_info("x", kind, shape), y or helper.make_tensor_value_info("y", kind, shape)
        model = helper.make_model(
            helper.make_graph(nodes, "net", [x], [y]), opset_imports=[helper.make_opsetid("", 18)], ir_version=9
        )
        (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
        config = network("decoder", {"x": tensor(*shape)}, {"y": tensor(*shape)})
        config["exports"] = [{"format": "onnx", "symbol": "net.onnx"}]
        spec = NetworkSpec.of("net", config, "digest", tmp_path.joinpath, True)
        return voxstack_openvino_runtime.voxstack_open_network(spec, Context("openvino", "CPU"))

    return open_it


def test_a_call_of_many_nodes_ends_with_its_deadline_and_the_network_runs_again(open_graph: Open) -> None:
    names = ["x", *(f"m{number}" for number in range(NODES - 1)), "y"]
    run = open_graph(
        [onnx.helper.make_node("MatMul", [name, "x"], [after]) for name, after in itertools.pairwise(names)],
        ["n", "n"],
    )
    large, small = np.zeros((600, 600), np.float32), np.eye(2, dtype=np.float32)
    for _ in range(2):
        with limited() as turn:
            turn.miss_soon()
            with pytest.raises(NetworkError, match=r"network 'net': OpenVINO failed: .*Infer Request was canceled"):
                run(x=large)
            assert turn.interrupts == []
            with pytest.raises(CancelledError):
                run(x=large)
        with limited():
            np.testing.assert_array_equal(run(x=small)["y"], small)
        np.testing.assert_array_equal(run(x=small)["y"], small)


@pytest.mark.parametrize(
    ("node", "kind", "shape", "difference"),
    [
        ("Cast", INT64, ["batch", "frames", 2], "int64, declared as float32"),
        ("Flatten", FLOAT, None, r"of axes \[None, None\], declared as \['batch', 'frames', 2\]"),
        ("Unsqueeze", FLOAT, None, r"of axes \[None, None, 2, 1\], declared"),
    ],
)
def test_an_output_of_another_type_or_shape(
    open_graph: Open, node: str, kind: int, shape: list[Any] | None, difference: str
) -> None:
    helper = onnx.helper
    more = {"to": INT64} if node == "Cast" else {}
    axes = helper.make_node("Constant", [], ["axes"], value_ints=[3])
    nodes = [helper.make_node(node, ["x", "axes"] if node == "Unsqueeze" else ["x"], ["y"], **more)]
    with pytest.raises(NetworkError, match=f"network 'net', output 'y': in the file it is {difference}.*; package"):
        open_graph([axes, *nodes], ["batch", "frames", 2], helper.make_tensor_value_info("y", kind, shape))


def test_an_input_of_another_type(open_graph: Open) -> None:
    with pytest.raises(NetworkError, match="input 'x': in the file it is int64, declared as float32"):
        open_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], ["batch"], kind=INT64)


def test_a_cancelled_call_spoils_no_other(open_graph: Open) -> None:
    """Its compiled model keeps shapes of it, so that other calls would fail or give nothing."""
    names = ["x", *(f"m{number}" for number in range(NODES - 1)), "y"]
    run = open_graph(
        [onnx.helper.make_node("MatMul", [name, "x"], [after]) for name, after in itertools.pairwise(names)],
        ["n", "n"],
    )
    large, small = np.zeros((600, 600), np.float32), np.eye(2, dtype=np.float32)
    stop, outcomes = threading.Event(), []

    def others() -> None:
        while not stop.is_set():
            try:
                outcomes.append(np.array_equal(run(x=small)["y"], small))
            except NetworkError as error:
                outcomes.append(error)

    np.testing.assert_array_equal(run(x=small)["y"], small)
    threads = [threading.Thread(target=others) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        with limited() as turn:
            turn.miss_soon()
            with pytest.raises(NetworkError, match="Infer Request was canceled"):
                run(x=large)
        np.testing.assert_array_equal(run(x=small)["y"], small)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert {str(outcome) for outcome in outcomes} == {"True"}
