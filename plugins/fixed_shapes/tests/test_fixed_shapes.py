from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, plugin, tensor

import voxstack_fixed_shapes
from voxstack import ContextError, NetworkError, Registry
from voxstack.errors import LengthError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.opening import NetworkPool
from voxstack.networks.sizes import PerSize
from voxstack_fixed_shapes import FixedShapesNetwork, voxstack_wrap_network

Arrays = Mapping[str, np.ndarray]

WEIGHTS = np.random.default_rng(0).standard_normal((3, 4, 4)).astype(np.float32) / 3


def spec_of(config: dict[str, Any]) -> NetworkSpec:
    return NetworkSpec.of("net", config, "digest", Path, False)


def fixed(split: bool = True, **shapes: tuple[int, ...]) -> Context:
    return Context("python", shapes=shapes, split=split)


def layer(x: np.ndarray, left: int) -> np.ndarray:
    """Apply a convolution over three steps, ``left`` of them before, with zeros beyond both ends, and a nonlinearity.

    The nonlinearity maps zero to something else.
    """
    steps = x.shape[1]
    wide = np.pad(x, ((0, 0), (left, 2 - left), (0, 0)))
    return np.tanh(sum(wide[:, k : k + steps] @ WEIGHTS[k] for k in range(3)) + 0.5)


def decode(
    frames: np.ndarray, noise: np.ndarray | None = None, style: np.ndarray | None = None, mask: Any = 1.0
) -> np.ndarray:
    """Apply two layers: an output sees two steps before it and two after."""
    keep = np.ones(frames.shape[:2], np.float32) * mask
    x = frames if noise is None else frames + noise[..., None]
    x = layer(x * keep[..., None], 1)
    x = x if style is None else x + style[:, None]
    return layer(x * keep[..., None], 1)


def vocode(frames: np.ndarray, **others: np.ndarray) -> Arrays:
    """Decode with a hop of 3, and return the energy of each frame beside it."""
    x = decode(frames, **others)
    samples = np.stack([x[..., 0], x[..., 1] - x[..., 2], x[..., 3]], -1)
    return {"samples": samples.reshape(len(x), -1), "energy": (x**2).sum(-1)}


def encode(tokens: np.ndarray, mask: np.ndarray) -> Arrays:
    """Apply one head of attention and a layer over neighbours, and return three steps per token."""
    x = np.eye(4, dtype=np.float32)[tokens % 4] + tokens[..., None] / np.float32(8)
    scores = x @ WEIGHTS[0] @ x.transpose(0, 2, 1) + np.where(mask[:, None] > 0, 0, -np.inf)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    x = layer((x + scores / scores.sum(-1, keepdims=True) @ x) * mask[..., None], 1)
    return {"encoded": x, "steps": np.repeat(x[..., 0], 3, 1)}


MASK = tensor("batch", "frames", mask=True)
FRAMES = {"frames": tensor("batch", "frames", 4)}
VOCODER = network(
    "vocoder",
    {**FRAMES, "noise": tensor("batch", "frames"), "style": tensor("batch", 4)},
    {"samples": tensor("batch", "samples"), "energy": tensor("batch", "frames")},
    streaming={"axis": "frames", "left": 2, "right": 2, "hop": 3, "input": "frames"},
)
MASKED_VOCODER = {**VOCODER, "inputs": {**VOCODER["inputs"], "mask": MASK}}
ENCODER = network(
    "encoder",
    {"tokens": tensor("batch", "tokens", dtype="int64"), "mask": tensor("batch", "tokens", mask=True)},
    {"encoded": tensor("batch", "tokens", 4), "steps": tensor("batch", "steps")},
    lengths={"steps": {"axis": "tokens", "times": 3}},
)


class Guard:
    """Runs a function, and refuses arrays of sizes that were not declared, as a compiled network would."""

    def __init__(self, spec: NetworkSpec, function: Runner, **axes: tuple[int, ...]) -> None:
        self.spec, self.function = spec, function
        self.axes = {"batch": (1,), **axes}
        self.seen: list[dict[str, np.ndarray]] = []
        self.lock = threading.Lock()

    def __call__(self, **tensors: np.ndarray) -> Arrays:
        assert tensors.keys() == self.spec.inputs.keys()
        sizes: dict[str, int] = {}
        for name, array in tensors.items():
            assert array.dtype == self.spec.inputs[name].dtype
            for axis, size in zip(self.spec.inputs[name].shape, array.shape, strict=True):
                wanted = sizes.setdefault(axis, size) if isinstance(axis, str) else axis
                assert size == wanted, f"{name}: {array.shape}"
                assert axis not in self.axes or size in self.axes[axis], f"{name}: {array.shape}"  # type: ignore[index]
        with self.lock:
            self.seen.append(tensors)
        return self.function(**tensors)


def wrapped(
    config: dict[str, Any], function: Runner, split: bool = True, **shapes: tuple[int, ...]
) -> tuple[FixedShapesNetwork, Guard]:
    """Return the network at these sizes, and the guard inside without the record of the first runs."""
    spec = spec_of(config)
    guard = Guard(spec, function, **shapes)
    result = FixedShapesNetwork(guard, spec, fixed(split, **shapes))
    guard.seen.clear()
    return result, guard


def inputs_of(config: dict[str, Any], seed: int = 0, **sizes: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    result = {}
    for name, t in config["inputs"].items():
        shape = [sizes.get(axis, 1) if isinstance(axis, str) else axis for axis in t["shape"]]
        result[name] = (
            rng.integers(0, 8, shape) if t["dtype"] == "int64" else rng.standard_normal(shape).astype(np.float32)
        )
        if t.get("mask"):
            result[name] = np.ones(shape, np.float32)
        result[name].flags.writeable = False
    return result


def same(result: Arrays, plain: Arrays) -> None:
    assert result.keys() == plain.keys()
    for name, wanted in plain.items():
        assert result[name].shape == wanted.shape, name
        np.testing.assert_allclose(result[name], wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("length", range(1, 70))
def test_a_windowed_network_with_a_mask_takes_any_length(length: int) -> None:
    net, guard = wrapped(MASKED_VOCODER, vocode, frames=(8, 20))
    inputs = inputs_of(MASKED_VOCODER, frames=length)
    same(net(**inputs), vocode(**inputs))
    assert len(guard.seen) == net.stats["runs"]


@pytest.mark.parametrize("length", range(8, 70))
def test_without_a_mask_nothing_is_padded_and_windows_slide_back(length: int) -> None:
    net, guard = wrapped(VOCODER, vocode, frames=(8, 20))
    inputs = inputs_of(VOCODER, frames=length)
    same(net(**inputs), vocode(**inputs))
    real = {row.tobytes() for row in inputs["frames"][0]}
    assert all(row.tobytes() in real for seen in guard.seen for row in seen["frames"][0])


def test_without_a_mask_what_is_shorter_than_any_size_is_refused() -> None:
    net, guard = wrapped(VOCODER, vocode, frames=(8, 20))
    with pytest.raises(
        NetworkError, match=r"'net': 7 frames, and the smallest size is 8; .* smaller size .*, or export .* with a mask"
    ):
        net(**inputs_of(VOCODER, frames=7))
    assert not guard.seen


@pytest.mark.parametrize("length", range(1, 17))
def test_a_network_that_sees_a_whole_is_padded_to_the_smallest_size(length: int) -> None:
    net, guard = wrapped(ENCODER, encode, tokens=(4, 9, 16))
    inputs = inputs_of(ENCODER, tokens=length)
    same(net(**inputs), encode(**inputs))
    assert [seen["tokens"].shape[1] for seen in guard.seen] == [next(size for size in (4, 9, 16) if size >= length)]


def test_padding_would_show_without_the_mask() -> None:
    """The networks of these tests distinguish padding from an end; otherwise the tests would prove nothing."""
    inputs = inputs_of(ENCODER, tokens=5)
    longer = {"tokens": np.pad(inputs["tokens"], ((0, 0), (0, 3))), "mask": np.ones((1, 8), np.float32)}
    assert np.abs(encode(**longer)["encoded"][:, :5] - encode(**inputs)["encoded"]).max() > 1e-2
    frames = inputs_of(FRAMES_ONLY, frames=6)["frames"]
    assert np.abs(decode(np.pad(frames, ((0, 0), (0, 2), (0, 0))))[:, :6] - decode(frames)).max() > 1e-2


FRAMES_ONLY = network("decoder", FRAMES, {"mel": tensor("batch", "frames", 4)})


def test_what_sees_a_whole_and_is_too_long_is_refused_with_what_helps() -> None:
    net, _ = wrapped(ENCODER, encode, tokens=(4, 16))
    with pytest.raises(
        NetworkError, match=r"'net': 17 tokens, and the largest size is 16; it processes the whole at once, .*'shapes'"
    ):
        net(**inputs_of(ENCODER, tokens=17))


def test_what_has_no_mask_and_no_stream_takes_the_declared_sizes_only() -> None:
    net, guard = wrapped(FRAMES_ONLY, lambda frames: {"mel": decode(frames)}, frames=(8, 20))
    inputs = inputs_of(FRAMES_ONLY, frames=20)
    same(net(**inputs), {"mel": decode(**inputs)})
    assert guard.seen[0]["frames"] is inputs["frames"]
    for length in (7, 9, 21):
        with pytest.raises(NetworkError, match=rf"{length} frames, and it accepts exactly \[8, 20\]: it has no mask"):
            net(**inputs_of(FRAMES_ONLY, frames=length))


def test_a_context_may_say_not_to_split() -> None:
    net, _ = wrapped(MASKED_VOCODER, vocode, split=False, frames=(8, 20))
    for length in (1, 8, 9, 20):
        inputs = inputs_of(MASKED_VOCODER, frames=length)
        same(net(**inputs), vocode(**inputs))
    assert net.stats["runs"] == 4
    with pytest.raises(NetworkError, match=r"21 frames, the largest size is 20, and the context says not to split"):
        net(**inputs_of(MASKED_VOCODER, frames=21))
    bare, _ = wrapped(VOCODER, vocode, split=False, frames=(8, 20))
    with pytest.raises(NetworkError, match=r"12 frames, and it accepts exactly \[8, 20\]"):
        bare(**inputs_of(VOCODER, frames=12))
    rows = inputs_of(MASKED_VOCODER, frames=9, batch=3)
    same(net(**rows), vocode(**rows))


@pytest.mark.parametrize(("rows", "runs"), [(1, [1]), (2, [4]), (4, [4]), (5, [4, 1]), (7, [4, 4])])
def test_rows_of_a_batch_run_in_parts_and_the_last_is_repeated(rows: int, runs: list[int]) -> None:
    net, guard = wrapped(MASKED_VOCODER, vocode, batch=(1, 4), frames=(8, 20))
    inputs = inputs_of(MASKED_VOCODER, frames=6, batch=rows)
    same(net(**inputs), vocode(**inputs))
    assert [len(seen["frames"]) for seen in guard.seen] == runs
    missing = sum(runs) - rows
    for name, array in guard.seen[-1].items():
        assert all((array[-1 - row] == array[-1]).all() for row in range(missing + 1)), name


def test_a_batch_and_windows_together() -> None:
    net, guard = wrapped(MASKED_VOCODER, vocode, batch=(1, 2), frames=(8, 20))
    inputs = inputs_of(MASKED_VOCODER, frames=50, batch=3)
    same(net(**inputs), vocode(**inputs))
    assert net.stats["axes"]["batch"] == {"real": 3, "computed": 3, "padding": 0, "recomputed": 0, "waste": 0}
    assert (
        sum(len(seen["frames"]) * seen["frames"].shape[1] for seen in guard.seen)
        == net.stats["axes"]["frames"]["computed"]
    )


def test_a_mask_that_the_caller_gives_is_kept() -> None:
    net, guard = wrapped(ENCODER, encode, tokens=(4, 9), batch=(2,))
    inputs = inputs_of(ENCODER, tokens=7, batch=2)
    inputs["mask"] = np.array([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0]], np.float32)
    same(net(**inputs), encode(**inputs))
    np.testing.assert_array_equal(guard.seen[0]["mask"][:, 7:], 0)
    np.testing.assert_array_equal(guard.seen[0]["mask"][:, :7], inputs["mask"])
    np.testing.assert_array_equal(guard.seen[0]["tokens"][:, 7:], 0)
    windowed, _ = wrapped(MASKED_VOCODER, vocode, frames=(8, 12))
    inputs = inputs_of(MASKED_VOCODER, frames=30)
    inputs["mask"] = (np.arange(30) < 23).astype(np.float32)[None]
    same(windowed(**inputs), vocode(**inputs))


def test_a_mask_that_the_caller_leaves_out_is_ones() -> None:
    net, guard = wrapped(MASKED_VOCODER, vocode, frames=(8,))
    inputs = inputs_of(MASKED_VOCODER, frames=5)
    del inputs["mask"]
    same(net(**inputs), vocode(**inputs))
    assert guard.seen[0]["mask"].tolist() == [[1, 1, 1, 1, 1, 0, 0, 0]]


ATTENDING = network(
    "decoder",
    {
        "frames": tensor("batch", "frames", 4),
        "tokens": tensor("batch", "tokens", 4),
        "frame_mask": tensor("batch", "frames", mask=True),
        "pairs": tensor("batch", "frames", "tokens", mask=True),
    },
    {"mel": tensor("batch", "frames", 4), "seen": tensor("batch", "frames", "tokens")},
    streaming={"axis": "frames", "left": 2, "right": 2, "hop": 1, "input": "frames"},
)


def attend(frames: np.ndarray, tokens: np.ndarray, frame_mask: np.ndarray, pairs: np.ndarray) -> Arrays:
    """Let frames attend to tokens; where all pairs of a frame are masked, this divides by zero."""
    weights = np.exp(frames @ tokens.transpose(0, 2, 1)) * pairs
    with np.errstate(all="raise"):
        weights = weights / weights.sum(-1, keepdims=True)
    return {"mel": decode(frames + weights @ tokens, mask=frame_mask), "seen": weights}


@pytest.mark.parametrize(("frames", "tokens"), [(3, 2), (8, 5), (11, 3), (41, 4), (9, 1)])
def test_several_axes_and_masks_are_kept_at_once(frames: int, tokens: int) -> None:
    net, guard = wrapped(ATTENDING, attend, frames=(8, 20), tokens=(3, 5))
    inputs = inputs_of(ATTENDING, frames=frames, tokens=tokens)
    same(net(**inputs), attend(**inputs))
    assert {seen["tokens"].shape[1] for seen in guard.seen} == {3 if tokens <= 3 else 5}
    assert net.stats["warmed"] == 4


def test_nothing_gives_nothing_without_a_run() -> None:
    net, guard = wrapped(MASKED_VOCODER, vocode, frames=(8,))
    for sizes in ({"frames": 0}, {"frames": 5, "batch": 0}):
        inputs = inputs_of(MASKED_VOCODER, **{"batch": 1, **sizes})
        result = net(**inputs)
        assert {name: array.shape for name, array in result.items()} == {
            "samples": (len(inputs["frames"]), 3 * sizes["frames"]),
            "energy": (len(inputs["frames"]), sizes["frames"]),
        }
        assert result["energy"].dtype == np.float32
    assert not guard.seen
    pooling = network("style", {"tokens": tensor("batch", "tokens", 4)}, {"style": tensor("batch", 4)})
    pooled, _ = wrapped(pooling, lambda tokens: {"style": tokens.mean(1)}, tokens=(4,))
    with pytest.raises(
        NetworkError, match=r"the call has no \['tokens'\], and its output 'style' cannot be computed from nothing"
    ):
        pooled(**inputs_of(pooling, tokens=0))


def test_an_output_of_unknown_length_is_refused_when_opened() -> None:
    config = {key: value for key, value in ENCODER.items() if key != "lengths"}
    with pytest.raises(
        ContextError,
        match=r"'steps' of its output 'steps' .*\"lengths\": {\"steps\": {\"axis\": \"tokens\", \"times\": ",
    ):
        wrapped(config, encode, tokens=(4,))


def test_an_output_that_is_not_as_long_as_declared_is_an_error() -> None:
    config = {**ENCODER, "lengths": {"steps": {"axis": "tokens", "times": 2}}}
    net, _ = wrapped(config, encode, tokens=(4,))
    with pytest.raises(
        NetworkError,
        match=r"output 'steps' has the shape \(1, 12\) for 4 tokens; its axis 1 should be 8: correct 'lengths'",
    ):
        net(**inputs_of(config, tokens=3))


def test_a_mask_that_was_measured_to_be_wrong_is_refused_when_opened() -> None:
    with pytest.raises(
        ContextError, match=r"padding 'tokens' was measured to change the real steps by 0\.002 .* its input 'mask'"
    ):
        wrapped({**ENCODER, "measured": {"mask_error": {"tokens": 2e-3}}}, encode, tokens=(4,))
    wrapped({**ENCODER, "measured": {"mask_error": {"tokens": 1e-6}}}, encode, tokens=(4,))


def test_sizes_that_hold_nothing_but_context_are_refused_when_opened() -> None:
    with pytest.raises(
        ContextError,
        match=r"sees 2 frames before it and 2 after, so windows need more than 4, and the largest size is 4",
    ):
        wrapped(MASKED_VOCODER, vocode, frames=(2, 4))
    wrapped(MASKED_VOCODER, vocode, split=False, frames=(4,))


def test_what_carries_state_is_refused_when_opened() -> None:
    config = network(
        "decoder",
        {**FRAMES, "state": tensor("batch", 2)},
        {"mel": tensor("batch", "frames", 4), "next": tensor("batch", 2)},
        streaming={"axis": "frames", "right": 0, "hop": 1, "states": {"state": {"next": "next"}}},
    )
    with pytest.raises(
        ContextError, match=r"carries state from call to call, .* {'batch': \[1\], 'frames': \[8\]}; give it a context"
    ):
        wrapped(config, decode, frames=(8,))


def test_outputs_that_do_not_follow_the_stream_are_never_cut() -> None:
    config = {**MASKED_VOCODER, "outputs": {"mean": tensor("batch", 4)}}
    net, _ = wrapped(config, lambda **inputs: {"mean": decode(**inputs).mean(1)}, frames=(8, 20))
    with pytest.raises(
        NetworkError, match=r"21 frames, and the largest size is 20; not all of its outputs follow the stream"
    ):
        net(**inputs_of(config, frames=21))


def test_rows_that_depend_on_each_other_are_not_parted() -> None:
    config = {**MASKED_VOCODER, "measured": {"batch_error": 0.1}}
    net, _ = wrapped(config, vocode, batch=(1, 3), frames=(8,))
    same(net(**inputs_of(config, frames=5, batch=3)), vocode(**inputs_of(config, frames=5, batch=3)))
    with pytest.raises(
        NetworkError,
        match=r"a batch of 2, and the context declares \[1, 3\]; its results for a row depend on the other rows",
    ):
        net(**inputs_of(config, frames=5, batch=2))


def test_every_combination_runs_once_when_opened() -> None:
    spec = spec_of(MASKED_VOCODER)
    guard = Guard(spec, vocode, batch=(1, 4), frames=(8, 20))
    net = FixedShapesNetwork(guard, spec, fixed(batch=(1, 4), frames=(8, 20)))
    assert [seen["frames"].shape[:2] for seen in guard.seen] == [(1, 8), (1, 20), (4, 8), (4, 20)]
    assert all((seen["mask"] == 1).all() and (seen["frames"] == 0).all() for seen in guard.seen)
    assert (net.stats["warmed"], net.stats["calls"], net.stats["runs"], net.stats["waste"]) == (4, 0, 0, 0)
    assert net.stats["axes"]["frames"] == {"real": 0, "computed": 0, "padding": 0, "recomputed": 0, "waste": 0}
    with pytest.raises(
        NetworkError, match=r"its first run at the sizes {'batch': 1, 'frames': 8} failed: out of memory"
    ):
        FixedShapesNetwork(_failing, spec, fixed(frames=(8,)))


def _failing(**tensors: np.ndarray) -> Arrays:
    raise RuntimeError("out of memory")


def test_with_a_free_axis_there_is_no_first_run() -> None:
    config = {**ENCODER, "inputs": {**ENCODER["inputs"], "style": tensor("batch", "bands", 2)}}
    net, guard = wrapped(config, lambda style, **inputs: encode(**inputs), tokens=(4,))
    assert net.stats["warmed"] == 0
    inputs = inputs_of(config, tokens=3, bands=17)
    same(net(**inputs), encode(inputs["tokens"], inputs["mask"]))
    assert guard.seen[0]["style"].shape == (1, 17, 2)


def test_nothing_is_compiled_after_opening() -> None:
    compiled: list[Mapping[str, int]] = []

    def compile_for(sizes: Mapping[str, int]) -> Runner:
        compiled.append(sizes)
        return vocode

    registry = Registry(
        {
            "runtime": plugin(voxstack_open_network=lambda spec, context: PerSize(spec, context, compile_for)),
            "fixed_shapes": voxstack_fixed_shapes,
        }
    )
    net = registry.shared(NetworkPool).open(spec_of(MASKED_VOCODER), fixed(frames=(8, 12, 20)))
    assert len(compiled) == net.stats["runtime"]["compilations"] == net.stats["fixed_shapes"]["warmed"] == 3
    for length in np.random.default_rng(0).integers(1, 200, 200):
        inputs = inputs_of(MASKED_VOCODER, frames=int(length))
        same(net(**inputs), vocode(**inputs))
    assert len(compiled) == net.stats["runtime"]["compilations"] == 3
    assert net.effective.shapes == {"batch": (1,), "frames": (8, 12, 20)}


def test_what_was_computed_in_vain_is_counted() -> None:
    net, _ = wrapped(MASKED_VOCODER, vocode, batch=(1, 4), frames=(8, 20))
    net(**inputs_of(MASKED_VOCODER, frames=5, batch=3))
    assert net.stats == {
        "calls": 1,
        "runs": 1,
        "sizes": {"batch=4 frames=8": 1},
        "axes": {
            "batch": {"real": 3, "computed": 4, "padding": 1, "recomputed": 0, "waste": 0.25},
            "frames": {"real": 15, "computed": 32, "padding": 17, "recomputed": 0, "waste": 1 - 15 / 32},
        },
        "waste": 1 - 15 / 32,
        "warmed": 4,
    }
    net(**inputs_of(MASKED_VOCODER, frames=12))
    assert net.stats["sizes"] == {"batch=1 frames=8": 2, "batch=4 frames=8": 1}
    assert net.stats["axes"]["frames"] == {
        "real": 27,
        "computed": 48,
        "padding": 17,
        "recomputed": 4,
        "waste": 1 - 27 / 48,
    }
    for length, rows in itertools.product((1, 9, 33, 70), (1, 2, 6)):
        net(**inputs_of(MASKED_VOCODER, frames=length, batch=rows))
    for steps in net.stats["axes"].values():
        assert steps["computed"] == steps["real"] + steps["padding"] + steps["recomputed"]


def test_any_number_of_threads_may_call() -> None:
    net, _ = wrapped(MASKED_VOCODER, vocode, batch=(1, 2), frames=(8, 20))

    def call(number: int) -> None:
        inputs = inputs_of(MASKED_VOCODER, seed=number, frames=1 + number * 7 % 90, batch=1 + number % 3)
        same(net(**inputs), vocode(**inputs))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(240)))
    assert net.stats["calls"] == 240
    assert sum(net.stats["sizes"].values()) == net.stats["runs"]


def test_what_was_handed_in_is_not_written_to_and_goes_through_where_it_fits() -> None:
    net, guard = wrapped(MASKED_VOCODER, vocode, frames=(8,))
    inputs = inputs_of(MASKED_VOCODER, frames=8)
    net(**inputs)
    assert all(guard.seen[0][name] is array for name, array in inputs.items())
    net(**inputs_of(MASKED_VOCODER, frames=7))  # read-only arrays


def test_only_networks_with_a_fixed_axis_are_wrapped_and_nearest_to_the_runtime() -> None:
    run: Callable[..., Arrays] = vocode
    spec = spec_of(MASKED_VOCODER)
    assert voxstack_wrap_network(run, spec, Context("python")) is None
    assert voxstack_wrap_network(run, spec, fixed(tokens=(4,))) is None
    assert voxstack_wrap_network(run, spec, fixed(frames=(8,))).fixed_shapes  # type: ignore[union-attr]
    inner: list[Runner] = []
    other = plugin(voxstack_wrap_network=lambda network, spec, context: inner.append(network))
    runtime = plugin(voxstack_open_network=lambda spec, context: run)
    for plugins in ({"a": voxstack_fixed_shapes, "b": other}, {"b": other, "a": voxstack_fixed_shapes}):
        Registry({"runtime": runtime, **plugins}).shared(NetworkPool).open(spec, fixed(frames=(8,)))
        assert isinstance(inner[-1], FixedShapesNetwork)


def test_what_is_too_long_is_refused_with_its_length_and_the_limit() -> None:
    net, _ = wrapped(ENCODER, encode, tokens=(4, 16))
    with pytest.raises(LengthError) as raised:
        net(**inputs_of(ENCODER, tokens=17))
    assert (raised.value.axis, raised.value.length, raised.value.limit) == ("tokens", 17, 16)


def test_it_reports_why_it_accepts_some_lengths_only() -> None:
    assert wrapped(ENCODER, encode, tokens=(4, 16))[0].restriction == ""
    assert wrapped(MASKED_VOCODER, vocode, frames=(8, 20))[0].restriction == ""
    whole = wrapped(FRAMES_ONLY, lambda frames: {"mel": decode(frames)}, frames=(8, 20))[0].restriction
    assert "fixes 'frames' at [8, 20], and the network has no mask for it, so it could not run on other" in whole
    assert "it could not run on less than 8" in wrapped(VOCODER, vocode, frames=(8, 20))[0].restriction
