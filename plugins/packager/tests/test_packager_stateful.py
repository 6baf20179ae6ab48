"""Stateful forms, of graphs written here, against the plain graph on the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

REASON = "stateful forms need onnx and onnxruntime: pip install 'voxstack-packager[export]'"
onnx = pytest.importorskip("onnx", reason=REASON)
ort = pytest.importorskip("onnxruntime", reason=REASON)

from voxstack.networks import NetworkSpec, Tensor  # noqa: E402
from voxstack_packager import stateful_form  # noqa: E402
from voxstack_packager.errors import NoStatefulForm  # noqa: E402
from voxstack_packager.export.shared_weights import save_with_shared_weights  # noqa: E402
from voxstack_packager.json_entries import tensors_entry  # noqa: E402
from voxstack_packager.measure.stream_exactness import run_stream, state_batch_invariance, state_exactness  # noqa: E402
from voxstack_packager.signature import Signature, complete_inputs, concrete_shape  # noqa: E402

C = 4
BTC = ("batch", "frames", C)
X = {"x": Tensor("float32", BTC)}
MASK = {"mask": Tensor("float32", ("batch", "frames"), True)}
Y = {"y": Tensor("float32", BTC)}


def model(body, weights=None, inputs=None, outputs=None):
    """Return a graph in ONNX's own notation, with random weights of these shapes, or these values."""
    random = np.random.default_rng(0)
    signed = Signature(X if inputs is None else inputs, Y if outputs is None else outputs)
    sides = f"({_declared(signed.inputs)}) => ({_declared(signed.outputs)})"
    text = f'<ir_version: 10, opset_import: ["" : 20]> g {sides} {{ {body} }}'
    made = onnx.parser.parse_model(text)
    for name, value in (weights or {}).items():
        array = random.standard_normal(value).astype(np.float32) if isinstance(value, tuple) else np.asarray(value)
        made.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return made, signed


def _declared(named):
    kinds = {"float32": "float", "int64": "int64"}
    return ", ".join(f"{kinds[t.dtype]}[{', '.join(map(str, t.shape))}] {name}" for name, t in named.items())


def examples(signed):
    def make(sizes, seed):
        random = np.random.default_rng(seed)
        made = {
            name: random.standard_normal(concrete_shape(t, sizes)).astype(t.dtype)
            for name, t in signed.inputs.items()
            if not t.mask
        }
        return complete_inputs(made, signed, sizes, "examples")

    return make


def runner(graph):
    """Return a graph, or the file of one, as a function of named arrays."""
    shown = str(graph) if isinstance(graph, Path) else graph.SerializeToString()
    session = ort.InferenceSession(shown, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda **arrays: dict(zip(names, session.run(names, arrays), strict=True))


def spec_of(form):
    """Return the form as a network of its own."""
    sides = {"inputs": tensors_entry(form.inputs), "outputs": tensors_entry(form.outputs)}
    config = {"role": "decoder", **sides, "streaming": form.streaming, "exports": []}
    return NetworkSpec.of("net", config, "", lambda name: None, trusted=False)


def form_of(graph, signed, **more):
    return stateful_form(graph, signed, examples(signed), "frames", "net", **more)


def conv(name, source, left, right, dilation=1, weights="w"):
    kernel = (left + right) // dilation + 1
    return (
        f"{name} = Conv<pads=[{left}, {right}], dilations=[{dilation}], kernel_shape=[{kernel}]>({source}, {weights}) "
    )


def channels_first(inner, result):
    return f"t = Transpose<perm=[0, 2, 1]>(x) {inner} y = Transpose<perm=[0, 2, 1]>({result})"


def kernel(size):
    return (C, C, size)


SHIFTED = """
  n = Shape<start=1, end=2>(x) p = Pad<mode="constant">(x, around)
  one = Constant<value_ints=[1]>() two = Constant<value_ints=[2]>() nought = Constant<value_ints=[0]>()
  end1 = Add(n, one) end2 = Add(n, two)
  a = Slice(p, nought, n, one, one) b = Slice(p, one, end1, one, one) c = Slice(p, two, end2, one, one)
  all = Concat<axis=2>(a, b, c) y = MatMul(all, w)
"""
HEADS = """
  bn = Shape<start=0, end=2>(x) split = Constant<value_ints=[2, 2]>() shape = Concat<axis=0>(bn, split)
  h = Reshape(x, shape) s = Softmax<axis=-1>(h) back = Constant<value_ints=[4]>() flat = Concat<axis=0>(bn, back)
  z = Reshape(s, flat)
"""

BLOCK = (
    conv("c", "t", 3, 3)
    + "u = Transpose<perm=[0, 2, 1]>(c) n = LayerNormalization<axis=-1>(u, scale) h = MatMul(n, wide) "
    "g = Gelu(h) s = MatMul(g, narrow) "
    "v = Transpose<perm=[0, 2, 1]>(s) m = Mul(v, gamma) r = Add(t, m) "
)
"""A block of ConvNeXt, whose residual has its channels before its steps, as in most exports."""

CASES = {
    "looks back": (model(channels_first(conv("c", "t", 4, 0, 2), "c"), {"w": kernel(3)}), 0),
    "looks ahead": (model(channels_first(conv("c", "t", 0, 3), "c"), {"w": kernel(4)}), 3),
    "unequal sides": (model(channels_first(conv("c", "t", 1, 3), "c"), {"w": kernel(5)}), 3),
    "dilated, in groups": (
        model(
            channels_first("c = Conv<pads=[6, 6], dilations=[3], kernel_shape=[5], group=4>(t, w)", "c"),
            {"w": (C, 1, 5)},
        ),
        6,
    ),
    "residual over one layer": (
        model(channels_first(conv("c", "t", 3, 3) + "r = Add(t, c)", "r"), {"w": kernel(7)}),
        3,
    ),
    "residual over two layers": (
        model(
            channels_first(conv("c", "t", 1, 2) + "u = Relu(c) " + conv("d", "u", 2, 1) + "r = Add(t, d)", "r"),
            {"w": kernel(4)},
        ),
        3,
    ),
    "branches of other delay": (
        model(
            channels_first(conv("c", "t", 1, 1) + conv("d", "t", 3, 3, 1, "v") + "r = Mul(c, d) q = Sub(r, t)", "q"),
            {"w": kernel(3), "v": kernel(7)},
        ),
        3,
    ),
    "padded by itself": (
        model(
            channels_first('p = Pad<mode="constant">(t, around) c = Conv<kernel_shape=[6]>(p, w)', "c"),
            {"w": kernel(6), "around": [0, 0, 2, 0, 0, 3]},
        ),
        3,
    ),
    "shifted slices": (model(SHIFTED, {"around": [0, 1, 0, 0, 1, 0], "w": (3 * C, C)}), 1),
    "shifted slices, channels first": (
        model(
            channels_first(
                'n = Shape<start=2, end=3>(t) p = Pad<mode="constant">(t, around) one = Constant<value_ints=[1]>() '
                "two = Constant<value_ints=[2]>() nought = Constant<value_ints=[0]>() end1 = Add(n, one) "
                "end2 = Add(n, two) "
                "a = Slice(p, nought, n, two) b = Slice(p, one, end1, two) c = Slice(p, two, end2, two) "
                "all = Concat<axis=1>(a, b, c) "
                "u = Transpose<perm=[0, 2, 1]>(all) v = MatMul(u, w) z = Transpose<perm=[0, 2, 1]>(v)",
                "z",
            ),
            {"around": [0, 0, 1, 0, 0, 1], "w": (3 * C, C)},
        ),
        1,
    ),
    "block of ConvNeXt": (
        model(
            channels_first(BLOCK, "r"),
            {"w": kernel(7), "scale": (C,), "wide": (C, 9), "narrow": (9, C), "gamma": (C, 1)},
        ),
        3,
    ),
    "channels first, of all kinds": (
        model(
            channels_first(
                "one = Constant<value_ints=[1]>() two = Constant<value_ints=[2]>() nought = Constant<value_ints=[0]>() "
                "four = Constant<value_ints=[4]>() a = Slice(t, nought, two, one) b = Slice(t, two, four, one) "
                "j = Concat<axis=1>(b, a) "
                "low = Constant<value_float=-1.0>() l = Clip(j, low) p = PRelu(l, slope) "
                "q = QuantizeLinear<axis=1>(p, fine, none) "
                "d = DequantizeLinear<axis=1>(q, fine, none) e = Max(p, d, bias) "
                + conv("c", "e", 2, 1)
                + "both = Concat<axis=1>(c, e) f = Add(both, per_row) ",
                "f",
            ),
            {
                "slope": (C, 1),
                "fine": np.full(C, 0.01, np.float32) * np.arange(1, C + 1, dtype=np.float32),
                "none": np.zeros(C, np.int8),
                "bias": (1, C, 1),
                "per_row": (2 * C, 1),
                "w": kernel(4),
            },
            outputs={"y": Tensor("float32", ("batch", "frames", 2 * C))},
        ),
        1,
    ),
    "turned twice, not back": (
        model(
            "bn = Shape<start=0, end=2>(x) split = Constant<value_ints=[2, 2]>() "
            "shape = Concat<axis=0>(bn, split) h = Reshape(x, shape) "
            "a = Transpose<perm=[0, 2, 3, 1]>(h) b = Mul(a, early) d = Transpose<perm=[0, 2, 3, 1]>(b) "
            "e = Add(d, late) "
            "z = Transpose<perm=[0, 2, 3, 1]>(e) back = Constant<value_ints=[4]>() "
            "flat = Concat<axis=0>(bn, back) k = Reshape(z, flat) "
            "t = Transpose<perm=[0, 2, 1]>(k) " + conv("c", "t", 1, 1) + "y = Transpose<perm=[0, 2, 1]>(c)",
            {"early": (2, 2, 1), "late": (2, 1, 2), "w": kernel(3)},
        ),
        1,
    ),
    "rows between channels and steps": (
        model(
            'a = Transpose<perm=[2, 0, 1]>(x) n = Shape<start=2, end=3>(a) p = Pad<mode="constant">(a, around) '
            "two = Constant<value_ints=[2]>() five = Constant<value_ints=[5]>() "
            "nought = Constant<value_ints=[0]>() end = Add(n, five) "
            "b = Slice(p, five, end, two) c = Slice(p, nought, n, two) d = Add(b, c) y = Transpose<perm=[1, 2, 0]>(d)",
            {"around": [0, 0, 2, 0, 0, 3]},
        ),
        3,
    ),
    "outputs of other delay and order": (
        model(
            "y = Relu(x) t = Transpose<perm=[0, 2, 1]>(x) z = Mul(t, gain) " + conv("late", "z", 2, 1),
            {"gain": (C, 1), "w": kernel(4)},
            outputs={
                **Y,
                "z": Tensor("float32", ("batch", C, "frames")),
                "late": Tensor("float32", ("batch", C, "frames")),
            },
        ),
        1,
    ),
    "channels of all kinds": (
        model(
            "a, b = Split<axis=2, num_outputs=2>(x) g = Sigmoid(a) m = Mul(g, b) last = Constant<value_ints=[-1]>() "
            "mean = ReduceMean(x, last) d = Concat<axis=2>(m, mean, mean) n = LayerNormalization<axis=-1>(d, scale) "
            "u = Transpose<perm=[0, 2, 1]>(n) " + conv("c", "u", 1, 1) + "y = Transpose<perm=[0, 2, 1]>(c)",
            {"w": kernel(3), "scale": (C,)},
        ),
        1,
    ),
    "heads": (
        model(
            HEADS + "u = Transpose<perm=[0, 2, 1]>(z) " + conv("c", "u", 1, 1) + "y = Transpose<perm=[0, 2, 1]>(c)",
            {"w": kernel(3)},
        ),
        1,
    ),
    "masks": (
        model(
            "two = Constant<value_ints=[2]>() m = Unsqueeze(mask, two) one = Constant<value_float=1.0>() "
            "pad = Sub(one, m) "
            "zero = Constant<value_float=0.0>() real = Cast<to=9>(m) a = Mul(x, m) b = Where(real, a, zero) "
            "d = Sub(b, pad) "
            "t = Transpose<perm=[0, 2, 1]>(d) mt = Transpose<perm=[0, 2, 1]>(m) "
            + conv("c", "t", 2, 2)
            + "e = Mul(c, mt) y = Transpose<perm=[0, 2, 1]>(e)",
            {"w": kernel(5)},
            {**X, **MASK},
        ),
        2,
    ),
    "speaker beside each step": (
        model(
            "bn = Shape<start=0, end=2>(x) two = Constant<value_ints=[2]>() one = Constant<value_ints=[1]>() "
            "s = Unsqueeze(speaker, one) "
            "all = Concat<axis=0>(bn, two) each = Expand(s, all) d = Concat<axis=2>(x, each) "
            "t = Transpose<perm=[0, 2, 1]>(d) " + conv("c", "t", 1, 2) + "y = Transpose<perm=[0, 2, 1]>(c)",
            {"w": (C, C + 2, 4)},
            {**X, "speaker": Tensor("float32", ("batch", 2))},
        ),
        2,
    ),
    "noise that is cut with the stream": (
        model(
            channels_first("n = Transpose<perm=[0, 2, 1]>(noise) " + conv("c", "t", 2, 2) + "r = Add(c, n)", "r"),
            {"w": kernel(5)},
            {**X, "noise": X["x"]},
        ),
        2,
    ),
    "two axes, one of them the stream": (
        model(
            "one = Constant<value_ints=[1]>() i = Unsqueeze(x, one) "
            "c = Conv<pads=[1, 1, 1, 1], kernel_shape=[3, 3]>(i, w) "
            "y = Squeeze(c, one)",
            {"w": (1, 1, 3, 3)},
        ),
        1,
    ),
    "pointwise convolution before what looks ahead": (
        model(
            channels_first(conv("c", "t", 0, 0) + conv("d", "c", 2, 0, 1, "v") + conv("e", "d", 1, 1, 1, "u"), "e"),
            {"w": kernel(1), "v": kernel(3), "u": kernel(3)},
        ),
        1,
    ),
    "no batch": (
        model(
            "h = Gemm(x, a, b) t = Transpose<perm=[1, 0]>(h) nought = Constant<value_ints=[0]>() "
            "u = Unsqueeze(t, nought) " + conv("c", "u", 2, 1) + "s = Squeeze(c, nought) y = Transpose<perm=[1, 0]>(s)",
            {"a": (C, C), "b": (C,), "w": kernel(4)},
            {"x": Tensor("float32", ("frames", C))},
            {"y": Tensor("float32", ("frames", C))},
        ),
        1,
    ),
}

W = 32
"""Channels that ONNX Runtime takes in blocks, which it does by eight or sixteen."""

STEPS_BEFORE_ROWS = Tensor("float32", ("frames", "batch", W))
CHANNELS_BEFORE_STEPS = Tensor("float32", ("batch", W, "frames"))
TIME_FIRST = Tensor("float32", ("batch", "frames", W))


def wide(body, weights, tensor=TIME_FIRST):
    """Return a graph whose input and output have enough channels for blocks."""
    return model(body, weights, {"x": tensor}, {"y": tensor})


def depthwise(name, source, left, right, dilation=1, weights="w"):
    return conv(name, source, left, right, dilation, weights).replace("<", f"<group={W}, ")


CASES |= {
    "depthwise": (
        wide(channels_first(depthwise("y0", "t", 3, 3, 1, "w, bias"), "y0"), {"w": (W, 1, 7), "bias": (W,)}),
        3,
    ),
    "depthwise, dilated, unequal sides": (wide(channels_first(depthwise("c", "t", 3, 6, 3), "c"), {"w": (W, 1, 4)}), 6),
    "depthwise, wide": (wide(channels_first(depthwise("c", "t", 20, 10), "c"), {"w": (W, 1, 31)}), 10),
    "depthwise, padded by itself": (
        wide(
            channels_first(f'p = Pad<mode="constant">(t, around) c = Conv<group={W}, kernel_shape=[6]>(p, w)', "c"),
            {"w": (W, 1, 6), "around": [0, 0, 2, 0, 0, 3]},
        ),
        3,
    ),
    "depthwise, channels before steps": (
        wide(
            depthwise("c", "x", 3, 3, 1, "w, bias")
            + "r = Add(c, x) "
            + depthwise("d", "r", 4, 2, 2, "v")
            + "y = Add(d, r)",
            {"w": (W, 1, 7), "bias": (W,), "v": (W, 1, 4)},
            CHANNELS_BEFORE_STEPS,
        ),
        5,
    ),
    "depthwise, steps before rows": (
        wide(
            "t = Transpose<perm=[1, 2, 0]>(x) " + depthwise("c", "t", 1, 2) + "y = Transpose<perm=[2, 0, 1]>(c)",
            {"w": (W, 1, 4)},
            STEPS_BEFORE_ROWS,
        ),
        2,
    ),
    "depthwise before what looks ahead": (
        wide(
            channels_first(
                depthwise("b", "t", 0, 0, 1, "u")
                + depthwise("c", "b", 4, 0, 2, "v")
                + depthwise("d", "c", 0, 2)
                + "r = Add(b, d) ",
                "r",
            ),
            {"w": (W, 1, 3), "v": (W, 1, 3), "u": (W, 1, 1)},
        ),
        2,
    ),
    "depthwise before what looks ahead, channels before steps": (
        wide(
            depthwise("b", "x", 0, 0, 1, "u") + depthwise("c", "b", 4, 0, 2, "v") + depthwise("y", "c", 0, 2),
            {"w": (W, 1, 3), "v": (W, 1, 3), "u": (W, 1, 1)},
            CHANNELS_BEFORE_STEPS,
        ),
        2,
    ),
    "depthwise, in a block of ConvNeXt": (
        wide(
            channels_first(BLOCK.replace("<pads", f"<group={W}, pads"), "r"),
            {"w": (W, 1, 7), "scale": (W,), "wide": (W, 9), "narrow": (9, W), "gamma": (W, 1)},
        ),
        3,
    ),
}


SAMPLES = {"y": Tensor("float32", ("batch", "samples", C))}


def upsampled(body, weights):
    """Return a graph with more output steps than input steps."""
    return model(body, weights, X, SAMPLES)


def transposed(name, source, size, stride, before, after, weights="w", added=0, dilation=1):
    """Write a transposed convolution of which so many steps are cut off at the ends, and added to the last one."""
    return (
        f"{name} = ConvTranspose<strides=[{stride}], pads=[{before}, {after}], output_padding=[{added}], "
        f"dilations=[{dilation}], kernel_shape=[{size}]>({source}, {weights}) "
    )


GENERATOR = (
    transposed("a", "t", 16, 8, 4, 4, "up1")
    + "b = LeakyRelu<alpha=0.1>(a) "
    + conv("c", "b", 1, 1, 1, "short")
    + conv("d", "b", 9, 9, 3, "long")
    + "e = Add(b, c) f = Add(b, d) g = Add(e, f) h = Div(g, two) "
    + transposed("i", "h", 4, 2, 1, 1, "up2")
    + conv("j", "i", 3, 3, 1, "last")
    + "k = Tanh(j) "
)
"""A generator of HiFi-GAN: transposed convolutions, each before residual blocks of several kernels, averaged."""

GENERATOR_WEIGHTS = {"up1": kernel(16), "short": kernel(3), "long": kernel(7), "up2": kernel(4), "last": kernel(7)}
GENERATOR_WEIGHTS |= {"two": np.float32(2)}

RESIDUALS = (
    "a = LeakyRelu<alpha=0.1>(t) "
    + conv("b", "a", 1, 1, 1, "short")
    + "c = Add(b, t) d = Tanh(c) "
    + conv("e", "d", 3, 3, 1, "long")
    + conv("f", "a", 6, 6, 2, "long")
    + "g = Add(c, e) i = Add(f, t) two_of = Add(g, i) "
    + "j = LeakyRelu<alpha=0.1>(two_of) "
    + conv("k", "j", 1, 1, 1, "short")
    + "h = Add(k, two_of) "
)
"""Residual connections around an activation and the convolution after it, as in a generator of HiFi-GAN."""

RESIDUAL_WEIGHTS = {"short": kernel(3), "long": kernel(7)}

REPEATED = """
  three = Constant<value_ints=[3]>() u = Unsqueeze(x, three2) shape = Shape(u)
  bn = Shape<start=0, end=2>(x) four = Constant<value_ints=[4]>()
  many = Concat<axis=0>(bn, three, four) e = Expand(u, many)
  b = Shape<start=0, end=1>(x) n = Shape<start=1, end=2>(x) long = Mul(n, three) flat = Concat<axis=0>(b, long, four)
  r = Reshape(e, flat) t = Transpose<perm=[0, 2, 1]>(r)
"""
"""Each step three times, as ``repeat_interleave`` and the nearest interpolation are exported."""

LOOKED_UP = "a = Abs(x) most = Constant<value_float=7.0>() m = Min(a, most) i = Cast<to=7>(m) "
"""Numbers of rows of a table, which depend on the input."""

CASES |= {
    "rows of a table": (
        model(
            LOOKED_UP
            + "e = Gather(table, i) sum = ReduceSum<keepdims=0>(e, two) "
            + channels_first(conv("c", "t", 1, 1), "c").replace("(x)", "(sum)"),
            {"w": kernel(3), "table": (8, C), "two": [2]},
        ),
        1,
    ),
    "transposed": (upsampled(channels_first(transposed("c", "t", 16, 8, 4, 4), "c"), {"w": kernel(16)}), 1),
    "transposed, with a bias, odd kernel": (
        upsampled(channels_first(transposed("c", "t", 5, 3, 1, 1, "w, bias"), "c"), {"w": kernel(5), "bias": (C,)}),
        1,
    ),
    "transposed, causal": (upsampled(channels_first(transposed("c", "t", 7, 2, 0, 5), "c"), {"w": kernel(7)}), 0),
    "transposed, looks ahead": (upsampled(channels_first(transposed("c", "t", 7, 2, 5, 0), "c"), {"w": kernel(7)}), 3),
    "transposed, dilated": (
        upsampled(channels_first(transposed("c", "t", 3, 2, 2, 2, added=1, dilation=2), "c"), {"w": kernel(3)}),
        1,
    ),
    "transposed, without overlap": (
        upsampled(channels_first(transposed("c", "t", 2, 2, 0, 0), "c"), {"w": kernel(2)}),
        0,
    ),
    "transposed, shorter than its stride": (
        upsampled(channels_first(transposed("c", "t", 2, 3, 0, 0, added=1), "c"), {"w": kernel(2)}),
        1,
    ),
    "transposed, without a stride": (
        model(channels_first(transposed("c", "t", 3, 1, 1, 1), "c"), {"w": kernel(3)}),
        1,
    ),
    "generator of HiFi-GAN": (upsampled(channels_first(GENERATOR, "k"), GENERATOR_WEIGHTS), 3),
    "residuals around activations": (model(channels_first(RESIDUALS, "h"), RESIDUAL_WEIGHTS), 7),
    "repeated steps": (
        upsampled(
            REPEATED + conv("c", "t", 4, 4) + "y = Transpose<perm=[0, 2, 1]>(c)", {"w": kernel(9), "three2": [2]}
        ),
        2,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_joined_calls_equal_the_whole_however_a_stream_is_cut(case):
    (graph, signed), right = CASES[case]
    form = form_of(graph, signed, stream_input="x" if len(signed.inputs) > 1 else None)
    spec, run = spec_of(form), runner(form.model)
    assert form.streaming["right"] == right
    assert ("end" in form.streaming) == (right > 0)
    errors = state_exactness(runner(graph), signed, run, spec, examples(signed), 8)
    assert errors.source < 1e-6
    assert set(errors.chunks) == {"1", "7", "16", "64", "ramp", "whole"}
    assert max(errors.chunks.values()) < 1e-6
    assert state_batch_invariance(run, spec, signed, examples(signed)) < 1e-6


def test_every_step_goes_through_every_layer_once():
    (graph, signed), right = CASES["residual over two layers"]
    form = form_of(graph, signed)
    shown = onnx.ModelProto()
    shown.CopyFrom(form.model)
    layers = [node.output[0] for node in shown.graph.node if node.op_type == "Conv"]
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in layers)
    steps = dict.fromkeys(layers, 0)
    run = runner(shown)

    def counting(**arrays):
        made = run(**arrays)
        for name in layers:
            steps[name] += made[name].shape[2]
        return made

    made = run_stream(counting, spec_of(form), examples(signed)({"batch": 1, "frames": 40}, 0), [6, 20, 5, 9])
    assert made["y"].shape == (1, 40, C)
    assert set(steps.values()) == {40}
    assert right == 3


def test_a_history_for_windows_serves_what_waits_beside_them():
    assert len(form_of(*CASES["residual over one layer"][0]).streaming["states"]) == 1
    assert len(form_of(*CASES["residual over two layers"][0]).streaming["states"]) == 3


def test_a_history_serves_a_connection_around_an_activation_and_a_convolution():
    form = form_of(*CASES["residuals around activations"][0])
    activations = [node.output[0] for node in form.model.graph.node if node.op_type in ("LeakyRelu", "Tanh")]
    delayed = [node.name for node in form.model.graph.node if node.op_type == "Where"]
    assert len(form.streaming["states"]) == 5, "one for each convolution, and one for the shorter of two branches"
    assert len(activations) == 4, "one for each convolution"
    assert len(delayed) == 1


def test_transpositions_that_something_else_undoes_are_not_made():
    def of(case):
        form = form_of(*CASES[case][0])
        return [node.op_type for node in form.model.graph.node].count("Transpose"), form.inputs["state_0"].shape

    time_first = ("batch", "state_0_steps", C)
    assert of("shifted slices, channels first") == (0, time_first)
    assert of("block of ConvNeXt") == (3, time_first)  # before the convolution and after it, and of constants
    assert of("residual over one layer") == (3, time_first)


def test_depthwise_convolutions_are_written_in_two_dimensions_and_others_stay():
    def kernels(*case):
        return [
            list(one.ints)
            for node in form_of(*case).model.graph.node
            for one in node.attribute
            if one.name == "kernel_shape"
        ]

    assert kernels(*CASES["depthwise"][0]) == kernels(*CASES["depthwise, in a block of ConvNeXt"][0]) == [[1, 7]]
    assert kernels(*CASES["dilated, in groups"][0]) == [[1, 5]]
    assert kernels(*CASES["residual over one layer"][0]) == [[7]]
    assert kernels(*CASES["two axes, one of them the stream"][0]) == [[3, 3]]
    pairs = channels_first(f"c = Conv<group={W // 2}, pads=[1, 1], kernel_shape=[3]>(t, w)", "c")
    assert kernels(*wide(pairs, {"w": (W, 2, 3)})) == [[3]]
    doubled = channels_first(f"c = Conv<group={W}, pads=[1, 1], kernel_shape=[3]>(t, w)", "c")
    twice = {"y": Tensor("float32", ("batch", "frames", 2 * W))}
    assert kernels(*model(doubled, {"w": (2 * W, 1, 3)}, {"x": TIME_FIRST}, twice)) == [[3]]


def test_transpositions_around_a_depthwise_convolution_are_a_part_of_bringing_steps_into_blocks(tmp_path):
    form = form_of(*CASES["depthwise, in a block of ConvNeXt"][0])
    options = ort.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(tmp_path / "optimized.onnx"), 3
    ort.InferenceSession(form.model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    if "ReorderInput" not in kinds:
        pytest.skip("ONNX Runtime has no kernels for blocks of channels on this machine")
    assert "Transpose" not in kinds


def test_masks_drop_out_and_other_inputs_stay():
    form = form_of(*CASES["masks"][0])
    assert set(form.inputs) == {"x", "state_0", "end"}
    assert "Where" not in {node.op_type for node in form.model.graph.node}


REFUSED = {
    "multiplies steps with steps": "k = Transpose<perm=[0, 2, 1]>(x) s = MatMul(x, k) a = Softmax<axis=-1>(s) "
    "y = MatMul(a, x)",
    "works along the stream": "y = Softmax<axis=1>(x)",
    "sums up the steps": "one = Constant<value_ints=[1]>() m = ReduceMean(x, one) y = Sub(x, m)",
    "InstanceNormalization": channels_first("n = InstanceNormalization(t, scale, scale)", "n"),
    "norm over the steps": "y = LayerNormalization<axis=1>(x, scale)",
    "stride": channels_first(
        "c = Conv<strides=[2], pads=[1, 1], kernel_shape=[3]>(t, w) r = Concat<axis=2>(c, c)", "r"
    ),
    "counted over the whole stream": channels_first("c = Conv<pads=[1, 0], kernel_shape=[3]>(t, w)", "c"),
    "something else than zeros": channels_first(
        'p = Pad<mode="edge">(t, around) c = Conv<kernel_shape=[3]>(p, w)', "c"
    ),
    "cuts steps of the stream off": "one = Constant<value_ints=[1]>() big = Constant<value_ints=[99999]>() "
    "s = Slice(x, one, big, one) "
    'around = Constant<value_ints=[0, 0, 0, 0, 1, 0]>() y = Pad<mode="constant">(s, around)',
    "more than one axis": "bn = Shape<start=1, end=2>(x) both = Concat<axis=0>(bn, bn) "
    "one = Constant<value_float=1.0>() "
    "ones = Expand(one, both) far = MatMul(ones, x) y = Add(far, x)",
    "picks by the content of the input": LOOKED_UP
    + "zero = Constant<value_ints=[0]>() g = Gather<axis=1>(columns, i) y = ReduceSum<keepdims=0>(g, zero)",
    "is not an operator": "one = Constant<value_int=1>() y = CumSum(x, one)",
    "depends on the length of the input": "n = Size(x) f = Cast<to=1>(n) y = Div(x, f)",
    "the position of a step": "n = Shape<start=1, end=2>(x) no = Constant<value_int=0>() "
    "by = Constant<value_int=1>() s = Squeeze(n) "
    "r = Range(no, s, by) f = Cast<to=1>(r) u = Constant<value_ints=[0, 2]>() p = Unsqueeze(f, u) y = Add(x, p)",
    "no step depends on another": "y = Tanh(x)",
    "graphs of its own": "c = Constant<value=bool {1}>() "
    "y = If<then_branch = a () => (float[b, f, 4] z) { z = Relu(x) }, "
    "else_branch = e () => (float[b, f, 4] z) { z = Neg(x) }>(c)",
}
WEIGHTS = {"columns": (C, 8), "scale": (C,), "w": kernel(3), "around": [0, 0, 1, 0, 0, 1]}


@pytest.mark.parametrize("problem", REFUSED)
def test_what_mixes_steps_otherwise_is_refused_with_its_name(problem):
    body = REFUSED[problem]
    used = {name: shape for name, shape in WEIGHTS.items() if name in body and f"{name} = Constant" not in body}
    with pytest.raises(NoStatefulForm, match=problem) as caught:
        form_of(*model(body, used))
    assert str(caught.value).startswith("net: has no stateful form: ")
    assert str(caught.value).endswith("Leave 'stateful' out, and it streams in windows")


def test_weights_of_both_lie_in_one_file_once(tmp_path):
    big = (64, C, 7)
    graph, signed = model(
        channels_first(conv("c", "t", 3, 3) + conv("d", "c", 0, 0, 1, "v"), "d"), {"w": big, "v": (C, 64, 1)}
    )
    form = form_of(graph, signed)
    paths = {tmp_path / "plain.onnx": graph, tmp_path / "form.onnx": form.model}
    save_with_shared_weights(paths, tmp_path / "both.data")
    assert (tmp_path / "both.data").stat().st_size <= 4 * (64 * C * 7 + 64 * C) + 64
    assert all(path.stat().st_size < 3000 for path in paths)
    inputs = examples(signed)({"batch": 1, "frames": 30}, 0)
    plain, stateful = (runner(path) for path in paths)
    whole = runner(graph)(**inputs)
    np.testing.assert_array_equal(plain(**inputs)["y"], whole["y"])
    np.testing.assert_allclose(run_stream(stateful, spec_of(form), inputs, [10, 20])["y"], whole["y"], atol=1e-5)
