"""Graphs that exist already, packaged as they are."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

REASON = "packaging ONNX graphs needs onnx and onnxruntime: pip install onnx onnxruntime"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from voxstack_addon_spec import open_addon  # noqa: E402
from voxstack_packager import OnnxSource, PackagingError, package  # noqa: E402
from voxstack_packager.runners import model_runner  # noqa: E402

C = 6
HEAD = {
    "name": "tiny",
    "version": "1.0.0",
    "license": "CC0-1.0",
    "languages": ["en"],
    "sample_rate": 16000,
    "hop_length": 2,
}
RANDOM = np.random.default_rng(3)


def graph(*nodes, batch="b", given=("x", "m"), made=("y", ["b", "t2", C])):
    """Return a graph of ``x``, (batch, time, C), and a mask ``m``."""
    weights = {
        "w": RANDOM.standard_normal((C, C, 5)).astype(np.float32) / 5,
        "u": RANDOM.standard_normal((C, C, 4)).astype(np.float32) / 4,
        "d": RANDOM.standard_normal((C, 1, 3)).astype(np.float32) / 3,
        "one": np.array([1], np.int64),
    }
    shapes = {"x": [batch, "t", C], "m": [batch, "t"], "s": [batch, C]}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in given]
    outputs = [helper.make_tensor_value_info(made[0], TensorProto.FLOAT, made[1])]
    used = {name for node in nodes for name in node.input}
    initializers = [numpy_helper.from_array(value, name) for name, value in weights.items() if name in used]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", inputs, outputs, initializers), opset_imports=[helper.make_opsetid("", 15)]
    )
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


node = helper.make_node
MASKED = [node("Unsqueeze", ["m", "one"], ["mask"]), node("Transpose", ["x"], ["across"], perm=[0, 2, 1])]
MASKED += [node("Mul", ["across", "mask"], ["clean"])]
CONV = [
    *MASKED,
    node("Conv", ["clean", "w"], ["seen"], pads=[2, 2]),
    node("Transpose", ["seen"], ["y"], perm=[0, 2, 1]),
]
UP = [
    node("Transpose", ["x"], ["across"], perm=[0, 2, 1]),
    node("Conv", ["across", "w"], ["seen"], pads=[2, 2]),
    node("ConvTranspose", ["seen", "u"], ["up"], strides=[2], pads=[1, 1]),
    node("Transpose", ["up"], ["y"], perm=[0, 2, 1]),
]
INPUTS = {"x": ("float32", ["batch", "frames", C]), "m": ("float32", ["batch", "frames"], True)}


def frames(rng, sizes):
    return {"x": rng.standard_normal((sizes["batch"], sizes["frames"], C)).astype(np.float32)}


def source(model=None, **changes):
    model = model or graph(*CONV)
    given = {
        "name": "net",
        "role": "decoder",
        "model": model,
        "inputs": INPUTS,
        "outputs": {"y": ("float32", ["batch", "frames", C])},
    }
    return OnnxSource(**{**given, "examples": frames, "streaming": "frames", **changes})


def packaged(folder, *networks, **more):
    lines = []
    package(folder, networks=networks, progress=lines.append, **HEAD, **more)
    with open_addon(folder) as files:
        return files.config["networks"]["net"], lines


def test_a_graph_is_measured_and_gets_its_stateful_form(tmp_path):
    made, _ = packaged(tmp_path / "tiny", source())
    assert made["streaming"] == {"axis": "frames", "left": 2, "right": 2, "hop": 1}
    measured = made["measured"]
    assert measured["deterministic"]
    assert measured["source_error"] < 1e-6
    assert measured["mask_error"] == {"frames": 0.0}
    assert measured["weights"] == "float32"
    assert measured["chunk_error"].keys() == {"1", "7", "16", "64"}
    assert made["stateful"]["measured"]["source_error"] < 1e-6
    written = onnx.load(tmp_path / "tiny" / "net.onnx")
    assert [d.dim_param for d in written.graph.input[0].type.tensor_type.shape.dim][:2] == ["batch", "frames"]


def test_a_file_streams_in_windows_where_no_stateful_form_can_be_made(tmp_path):
    edge = [ints("around", 0, 0, 2, 0, 0, 2), node("Pad", ["across", "around"], ["padded"], mode="edge")]
    nodes = [UP[0], *edge, node("Conv", ["padded", "w"], ["seen"]), *UP[2:]]
    onnx.save(graph(*nodes, given=["x"]), tmp_path / "net.onnx")
    given = {"x": INPUTS["x"]}
    made, lines = packaged(
        tmp_path / "tiny",
        source(tmp_path / "net.onnx", inputs=given, outputs={"y": ("float32", ["batch", "samples", C])}),
    )
    assert made["streaming"] == {"axis": "frames", "left": 3, "right": 3, "hop": 2}
    assert "stateful" not in made
    assert any("streams in windows, as it has no stateful form: Pad" in line for line in lines)


def test_a_file_with_a_transposed_convolution_streams_with_state(tmp_path):
    onnx.save(graph(*UP, given=["x"]), tmp_path / "net.onnx")
    outputs = {"y": ("float32", ["batch", "samples", C])}
    made, _ = packaged(tmp_path / "tiny", source(tmp_path / "net.onnx", inputs={"x": INPUTS["x"]}, outputs=outputs))
    assert made["streaming"] == {"axis": "frames", "left": 3, "right": 3, "hop": 2}
    assert made["stateful"]["streaming"]["hop"] == 2
    assert made["stateful"]["streaming"]["right"] == 3
    assert made["stateful"]["measured"]["source_error"] < 1e-5


def test_half_the_size_is_what_the_rounded_graph_gives(tmp_path):
    made, _ = packaged(tmp_path / "tiny", source(half=True))
    assert made["measured"]["weights"] == "float16"
    assert made["measured"]["source_error"] < 1e-6
    stored = {
        tensor.data_type
        for tensor in onnx.load(tmp_path / "tiny" / "net.onnx").graph.initializer
        if np.prod(tensor.dims) > 64
    }
    assert stored == {TensorProto.FLOAT16}


def ints(name, *values):
    return node("Constant", [], [name], value=numpy_helper.from_array(np.array(values, np.int64)))


def sliced(name, made, axis, start, end, step):
    constants = [ints(f"{made}_{i}", value) for i, value in enumerate((start, end, axis, step))]
    return [*constants, node("Slice", [name, *(constant.output[0] for constant in constants)], [made])]


FAR = 2**63 - 1


def test_channels_backwards_the_whole_batch_and_what_does_not_stream_are_carried_over(tmp_path):
    """As a VITS flips channels, and as exporters write ``x[:, :n]`` and a speaker that is the same in all steps."""
    nodes = [*CONV[:-1], *sliced("seen", "flipped", 1, -1, -FAR, -1), *sliced("flipped", "all", 0, 0, FAR, 1)]
    nodes += [
        ints("channels", 0, -1, 1),
        node("Reshape", ["s", "channels"], ["who"]),
        node("Add", ["all", "who"], ["both"]),
    ]
    model = graph(*nodes, node("Transpose", ["both"], ["y"], perm=[0, 2, 1]), given=["x", "m", "s"])
    inputs = {**INPUTS, "s": ("float32", ["batch", C])}

    def examples(rng, sizes):
        return {**frames(rng, sizes), "s": rng.standard_normal((sizes["batch"], C)).astype(np.float32)}

    made, _ = packaged(tmp_path / "tiny", source(model, inputs=inputs, examples=examples))
    assert made["stateful"]["streaming"]["right"] == 2
    assert made["stateful"]["measured"]["source_error"] < 1e-6


@pytest.mark.parametrize(("opset", "stateful"), [(12, False), (13, True), (14, True)])
def test_older_operators_mean_the_same_or_stream_in_windows(tmp_path, opset, stateful):
    deep = [
        *CONV[-2:],
        node("Transpose", ["y"], ["back"], perm=[0, 2, 1]),
        node("Conv", ["back", "d"], ["deep"], pads=[1, 1], group=C),
    ]
    deep = [node("Transpose", ["x"], ["across"], perm=[0, 2, 1]), node("Identity", ["across"], ["clean"]), *deep]
    model = graph(*deep, node("Transpose", ["deep"], ["z"], perm=[0, 2, 1]), given=["x"], made=("z", ["b", "t2", C]))
    model.opset_import[0].version = opset
    made, lines = packaged(
        tmp_path / "tiny", source(model, inputs={"x": INPUTS["x"]}, outputs={"z": ("float32", ["batch", "frames", C])})
    )
    assert ("stateful" in made) == stateful
    assert stateful or any(f"it is of opset {opset}" in line for line in lines)


def test_a_stream_that_is_cut_or_turned_around_streams_in_windows_or_not_at_all(tmp_path):
    backwards = [*sliced("x", "turned", 1, -1, -FAR, -1), *sliced("turned", "y", 1, -1, -FAR, -1)]
    made, lines = packaged(tmp_path / "tiny", source(graph(*backwards, given=["x"]), inputs={"x": INPUTS["x"]}))
    assert made["streaming"] == {"axis": "frames", "left": 0, "right": 0, "hop": 1}
    assert any("takes every other step of the stream, or goes backwards" in line for line in lines)


def test_golden_vectors_are_the_originals(tmp_path):
    model = graph(*CONV)
    inputs = {"x": RANDOM.standard_normal((1, 31, C)).astype(np.float32), "m": np.ones((1, 31), np.float32)}
    outputs = {name: value * np.float32(1 + 1e-6) for name, value in model_runner(model, "net")(**inputs).items()}
    made, _ = packaged(tmp_path / "tiny", source(model, golden=({"x": inputs["x"]}, outputs)))
    assert 0 < made["measured"]["original_error"] < 1e-5
    with np.load(tmp_path / "tiny" / "golden" / "net.npz") as golden:
        np.testing.assert_array_equal(golden["outputs.y"], outputs["y"])
        assert golden["inputs.m"].shape == (1, 31)
    with pytest.raises(PackagingError, match="net: produces another output than the golden vectors of its original"):
        packaged(tmp_path / "other", source(model, golden=(inputs, {"y": outputs["y"] * 2})))


def test_what_is_random_inside_is_refused(tmp_path):
    noisy = [node("RandomNormalLike", ["x"], ["noise"]), node("Add", ["x", "noise"], ["y"])]
    network = source(graph(*noisy, given=["x"]), inputs={"x": INPUTS["x"]}, streaming=None)
    with pytest.raises(PackagingError, match="net: two runs with the same inputs differ"):
        packaged(tmp_path / "tiny", network)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"inputs": {"m": INPUTS["m"], "x": INPUTS["x"]}},
            r"the graph has the inputs \['x', 'm'\], declared are \['m', 'x'\]",
        ),
        ({"model": graph(*CONV, batch=1)}, "the graph fixes the axis 'batch' of inputs.x at 1"),
        ({"streaming": "samples"}, "cannot stream along 'samples'"),
        ({"golden": ({"x": np.zeros((1, 3), np.float32)}, {})}, "net: golden: 'x' is float32"),
    ],
)
def test_a_graph_that_is_not_as_declared_is_refused(tmp_path, changes, problem):
    with pytest.raises(PackagingError, match=problem):
        packaged(tmp_path / "tiny", source(**changes))
    assert list(tmp_path.iterdir()) == []


def test_it_needs_no_torch(tmp_path):
    onnx.save(graph(*CONV), tmp_path / "net.onnx")
    code = f"""
import sys, numpy as np
from voxstack_packager import OnnxSource, package
frames = lambda rng, sizes: {{"x": rng.standard_normal((sizes["batch"], sizes["frames"], {C})).astype(np.float32)}}
outputs = {{"y": ("float32", ["batch", "frames", {C}])}}
net = OnnxSource("net", "decoder", {str(tmp_path / "net.onnx")!r}, {INPUTS!r}, outputs, frames, "frames")
package({str(tmp_path / "tiny")!r}, networks=[net], progress=str, **{HEAD!r})
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
