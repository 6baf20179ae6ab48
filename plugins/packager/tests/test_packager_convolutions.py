"""Convolutions over one axis compute the same as images of one row, and the same at every length."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "packaging ONNX graphs needs onnx and onnxruntime: pip install onnx onnxruntime"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from voxstack_packager.export.convolutions import use_2d_convolutions  # noqa: E402
from voxstack_packager.runners import model_runner  # noqa: E402

RANDOM = np.random.default_rng(11)
C = 32


def model(*nodes, opset=15, **weights):
    """Return a graph from ``x`` to ``y``, (batch, 32, time)."""
    sides = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", C, axis])]
        for name, axis in zip("xy", ("t", "u"), strict=True)
    ]
    initializers = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(list(nodes), "tiny", *sides, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def filters(channels=C, kernel=7, groups=1):
    return RANDOM.standard_normal((C, channels // groups, kernel)) / 15


def conv(source="x", output="y", weights=("w", "b"), **attributes):
    return helper.make_node("Conv", [source, *weights], [output], **attributes)


def kinds(made):
    return [node.op_type for node in made.graph.node]


def both(made, steps=90):
    """Return what the graph computes before and after, and check that it is a valid graph."""
    x = RANDOM.standard_normal((2, C, steps)).astype(np.float32)
    before = model_runner(made, "before")(x=x)["y"]
    use_2d_convolutions(made)
    onnx.checker.check_model(made, full_check=True)
    return before, model_runner(made, "after")(x=x)["y"]


@pytest.mark.parametrize(
    ("kernel", "groups", "attributes"),
    [
        (1, 1, {}),
        (7, 1, {"pads": [3, 3]}),
        (7, 1, {"pads": [6, 0], "kernel_shape": [7]}),
        (5, 1, {"pads": [4, 4], "dilations": [2]}),
        (4, 1, {"pads": [1, 1], "strides": [2]}),
        (3, 4, {"pads": [1, 1], "group": 4}),
        (3, 1, {"auto_pad": "SAME_UPPER"}),
        (3, 1, {}),
    ],
    ids=str,
)
def test_they_compute_the_same(kernel, groups, attributes):
    made = model(conv(**attributes), w=filters(kernel=kernel, groups=groups), b=np.arange(C) / 10)
    before, after = both(made)
    assert kinds(made) == ["Unsqueeze", "Conv", "Squeeze"]
    assert after.shape == before.shape
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()


def test_steps_are_the_same_bit_for_bit_at_every_length():
    made = model(conv(pads=[3, 3]), w=filters(), b=np.zeros(C))
    use_2d_convolutions(made)
    run = model_runner(made, "tiny")
    x = RANDOM.standard_normal((1, C, 500)).astype(np.float32)
    whole = run(x=x)["y"]
    for start, stop in ((0, 8), (3, 20), (40, 104), (57, 137), (100, 500)):
        part, left = run(x=x[:, :, start:stop])["y"], 3 if start else 0
        right = 3 if stop < 500 else 0
        cut = slice(left, part.shape[2] - right)
        np.testing.assert_array_equal(part[:, :, cut], whole[:, :, start:stop][:, :, cut])


def test_weights_that_are_shared_stay_shared():
    nodes = [conv("x", "a", ("w",), pads=[3, 3]), conv("a", "y", ("w",), pads=[3, 3])]
    made = model(*nodes, w=filters())
    before, after = both(made)
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()
    assert [tensor.name for tensor in made.graph.initializer if len(tensor.dims) > 2] == ["w"]


def test_weights_that_another_operator_reads_keep_their_shape():
    nodes = [
        conv("x", "a", ("w",), pads=[3, 3]),
        helper.make_node("ReduceMean", ["w"], ["mean"], keepdims=0),
        helper.make_node("Add", ["a", "mean"], ["y"]),
    ]
    before, after = both(model(*nodes, w=filters()))
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()


def test_what_is_between_them_works_on_images_too():
    nodes = [
        conv("x", "a", ("w",), pads=[3, 3]),
        helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.1),
        conv("b", "c", ("w",), pads=[3, 3]),
        helper.make_node("Add", ["a", "c"], ["d"]),
        helper.make_node("Div", ["d", "three"], ["e"]),
        helper.make_node("Mul", ["e", "x"], ["f"]),
        helper.make_node("ConvTranspose", ["f", "up"], ["g"], strides=[2], pads=[1, 1]),
        helper.make_node("Mul", ["g", "column"], ["h"]),
        conv("h", "y", ("w",), pads=[3, 3]),
    ]
    column = np.arange(C).reshape(1, C, 1) / C
    made = model(*nodes, w=filters(), three=np.float32(3), up=filters(kernel=4), column=column)
    before, after = both(made)
    assert before.shape == (2, C, 180)
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()
    assert kinds(made).count("Unsqueeze") == 2, "of x, and of the column"
    assert kinds(made).count("Squeeze") == 1


def test_what_reads_another_number_of_axes_reads_no_images():
    nodes = [
        conv("x", "a", ("w",), pads=[3, 3]),
        helper.make_node("Mul", ["a", "row"], ["b"]),
        helper.make_node("Transpose", ["b"], ["c"], perm=[0, 2, 1]),
        helper.make_node("Transpose", ["c"], ["d"], perm=[0, 2, 1]),
        conv("d", "y", ("w",), pads=[3, 3]),
    ]
    made = model(*nodes, w=filters(), row=np.arange(C).reshape(C, 1) / C)
    before, after = both(made)
    assert np.abs(after - before).max() < 1e-5 * np.abs(before).max()


def test_graphs_with_branches_stay_as_they_are():
    inner, made = conv("x", "z", ("w",), pads=[3, 3]), helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    branches = [helper.make_graph([inner], name, [], [made]) for name in ("then", "else")]
    choice = helper.make_node("If", ["which"], ["i"], then_branch=branches[0], else_branch=branches[1])
    made = model(conv("x", "a", ("w",), pads=[3, 3]), choice, helper.make_node("Add", ["a", "i"], ["y"]), w=filters())
    made.graph.initializer.append(numpy_helper.from_array(np.array(True), "which"))
    unchanged = made.SerializeToString()
    use_2d_convolutions(made)
    assert made.SerializeToString() == unchanged


def test_others_stay_as_they_are():
    depthwise = model(conv(weights=("w",), pads=[3, 3], group=C), w=filters(groups=C))
    old = model(conv(weights=("w",), pads=[3, 3]), opset=11, w=filters())
    computed = model(helper.make_node("Abs", ["v"], ["w"]), conv(weights=("w",), pads=[3, 3]), v=filters())
    for made in (depthwise, old, computed):
        unchanged = made.SerializeToString()
        use_2d_convolutions(made)
        assert made.SerializeToString() == unchanged
    again = model(conv(weights=("w",), pads=[3, 3]), w=filters())
    use_2d_convolutions(again)
    once = again.SerializeToString()
    use_2d_convolutions(again)
    assert again.SerializeToString() == once
