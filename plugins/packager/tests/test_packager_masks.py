"""Masks that are put into graphs of convolutions."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "packaging ONNX graphs needs onnx and onnxruntime: pip install onnx onnxruntime"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from voxstack_packager import (  # noqa: E402
    OnnxSource,
    PackagingError,
    mask_exactness,
    masked,
    masked_if_exact,
    relative_error,
    stateful_form,
)
from voxstack_packager.runners import model_runner  # noqa: E402

C = 4
RANDOM = np.random.default_rng(3)
WEIGHTS = {
    "wide": RANDOM.standard_normal((C, C, 7)),
    "narrow": RANDOM.standard_normal((C, C, 1)),
    "up": RANDOM.standard_normal((C, C, 8)),
    "bias": RANDOM.standard_normal(C),
    "last": RANDOM.standard_normal((1, C, 3)),
}
node = helper.make_node


def generator(*extra: onnx.NodeProto, stride: int = 1) -> OnnxSource:
    """Return a small generator: convolutions, a transposed one, a residual connection, and a convolution of padding."""
    nodes = [
        node("Transpose", ["latents"], ["x"], perm=[0, 2, 1]),
        node("Conv", ["x", "wide", "bias"], ["a"], pads=[3, 3], strides=[stride]),
        node("LeakyRelu", ["a"], ["b"], alpha=0.1),
        node("ConvTranspose", ["b", "up", "bias"], ["c"], strides=[4], pads=[2, 2], kernel_shape=[8]),
        *extra,
        node("LeakyRelu", ["c"], ["d"], alpha=0.1),
        node("Conv", ["d", "wide", "bias"], ["e"], pads=[9, 9], dilations=[3]),
        node("Add", ["e", "c"], ["f"]),
        node("Conv", ["f", "narrow"], ["g"]),
        node("Pad", ["g", "around"], ["h"]),
        node("Conv", ["h", "last"], ["i"]),
        node("Flatten", ["i"], ["samples"]),
    ]
    initializers = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in WEIGHTS.items()]
    initializers.append(numpy_helper.from_array(np.array([0, 0, 1, 0, 0, 1]), "around"))
    inputs = [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["b", "t", C])]
    outputs = [helper.make_tensor_value_info("samples", TensorProto.FLOAT, ["b", "s"])]
    graph = helper.make_graph(nodes, "generator", inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return OnnxSource(
        name="generator",
        role="decoder",
        model=model,
        inputs={"latents": ("float32", ["batch", "frames", C])},
        outputs={"samples": ("float32", ["batch", "samples"])},
        examples={"latents": RANDOM.standard_normal((1, 50, C)).astype(np.float32)},
        streaming="frames",
    )


def errors(source: OnnxSource) -> dict[str, float]:
    return mask_exactness(model_runner(source.model, source.name), source.signature, source.example_inputs)


def test_with_its_mask_padding_changes_nothing() -> None:
    source = generator()
    found = masked(source)
    assert list(found.inputs) == ["latents", "mask"]
    assert errors(found)["frames"] < 1e-6
    plain, run = model_runner(source.model, "plain"), model_runner(found.model, "masked")
    inputs = found.example_inputs({"batch": 2, "frames": 20})
    assert relative_error(run(**inputs), plain(latents=inputs["latents"])) < 1e-6
    multiplied = [operator for operator in found.model.graph.node if operator.op_type == "Mul"]
    assert len(multiplied) == 4  # what one step alone is computed from needs none
    assert not any(operator.op_type == "Mul" for operator in source.model.graph.node)


def test_its_stateful_form_has_no_mask() -> None:
    form = stateful_form(masked(generator()).model, masked(generator()).signature, generator_examples, "frames", "it")
    assert "mask" not in form.inputs
    plain = stateful_form(generator().model, generator().signature, generator().example_inputs, "frames", "it")
    assert [operator.op_type for operator in form.model.graph.node] == [
        operator.op_type for operator in plain.model.graph.node
    ]


def generator_examples(sizes: dict[str, int], seed: int) -> dict[str, np.ndarray]:
    return masked(generator()).example_inputs(sizes, seed)


def test_what_mixes_steps_in_another_way_gets_no_mask() -> None:
    mean = [node("ReduceMean", ["c"], ["m"], axes=[2], keepdims=1), node("Sub", ["c", "m"], ["n"])]
    source = generator(*mean)
    for operator in source.model.graph.node:
        if operator.output[0] == "d":
            operator.input[0] = "n"
    lines: list[str] = []
    assert masked_if_exact(source, lines.append) is source
    assert "generator: gets no mask, with which padding would change it by" in lines[0]
    assert masked_if_exact(generator(), lines.append).inputs.keys() == {"latents", "mask"}
    assert len(lines) == 1


def test_a_stride_is_refused_by_name() -> None:
    with pytest.raises(PackagingError, match="has a stride of 2; it cannot be masked"):
        masked(generator(stride=2))
    lines: list[str] = []
    source = generator(stride=2)
    assert masked_if_exact(source, lines.append) is source
    assert "stride of 2" in lines[0]


def test_a_second_mask_is_refused() -> None:
    with pytest.raises(PackagingError, match="has an input 'mask' already"):
        masked(masked(generator()))
