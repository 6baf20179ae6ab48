"""Real networks that hang and that allocate, in processes of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import network, tensor

import voxstack_isolation
from voxstack.networks import Context, NetworkSpec
from voxstack_isolation.network import IsolatedNetwork

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")
pytest.importorskip("onnxruntime")
AXES = ["batch", "frames", 2]
FRAMES = tensor(*AXES)
SPECS = {
    "neg": network("encoder", {"frames": FRAMES}, {"mel": FRAMES}),
    "loop": network("decoder", {"frames": FRAMES, "trips": tensor(dtype="int64")}, {"mel": FRAMES}),
    "fill": network("vocoder", {"steps": tensor("one", dtype="int64")}, {"samples": tensor("samples")}),
}


def value(name: str, kind: int = onnx.TensorProto.FLOAT, shape: Any = AXES) -> Any:
    return onnx.helper.make_tensor_value_info(name, kind, shape)


def graph_of(name: str) -> Any:
    """Return a graph that negates frames, one that does so ``trips`` times, or one that returns ``steps`` zeros."""
    helper, proto = onnx.helper, onnx.TensorProto
    if name == "neg":
        return helper.make_graph(
            [helper.make_node("Neg", ["frames"], ["mel"])], name, [value("frames")], [value("mel")]
        )
    if name == "fill":
        node = helper.make_node("ConstantOfShape", ["steps"], ["samples"])
        steps = value("steps", proto.INT64, ["one"])
        return helper.make_graph([node], name, [steps], [value("samples", shape=["samples"])])
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Neg", ["x"], ["y"])],
        "body",
        [value("trip", proto.INT64, []), value("go", proto.BOOL, []), value("x")],
        [value("goes", proto.BOOL, []), value("y")],
    )
    node = helper.make_node("Loop", ["trips", "", "frames"], ["mel"], body=body)
    return helper.make_graph([node], name, [value("frames"), value("trips", proto.INT64, [])], [value("mel")])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of the networks."""
    folder = tmp_path_factory.mktemp("addon")
    for name in SPECS:
        model = onnx.helper.make_model(graph_of(name), opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    return folder


Open = Callable[..., IsolatedNetwork]


@pytest.fixture(scope="session")
def spec_of(folder: Path) -> Callable[[str], NetworkSpec]:
    """Return the spec of a network; all are of the same addon."""
    path = folder.joinpath

    def spec(name: str, **more: Any) -> NetworkSpec:
        config = {**SPECS[name], "exports": [{"format": "onnx", "symbol": f"{name}.onnx"}], **more}
        return NetworkSpec.of(name, config, f"digest of {name}", path, True)

    return spec


@pytest.fixture(scope="session")
def open_isolated(spec_of: Callable[[str], NetworkSpec]) -> Open:
    """Open a network in isolation."""

    def open_it(name: str, spec: NetworkSpec | None = None, **context: Any) -> Any:
        return voxstack_isolation.voxstack_open_network(spec or spec_of(name), Context(isolate=True, **context))

    return open_it


@pytest.fixture(scope="session")
def loop(open_isolated: Open) -> IsolatedNetwork:
    """Return the network that may hang, whose process all tests share."""
    return open_isolated("loop")
