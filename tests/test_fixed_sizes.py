"""Streams through networks of fixed size: Decoder, windows and fixed_shapes together, and batching around them."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, plugin, tensor

import voxstack_batching
import voxstack_fixed_shapes
from voxstack import ContextError, NetworkError, Registry, Schedule
from voxstack.networks import Context, NetworkSpec
from voxstack.networks.opening import NetworkPool
from voxstack.networks.sizes import PerSize
from voxstack.testing import Case
from voxstack_decoder.decoder import Decoder

LEFT, RIGHT, HOP = 3, 2, 2
SIZES = (12, 30)
FRAMES = np.random.default_rng(2).normal(size=(97, 2)).astype(np.float32)


def smoothed(frames: np.ndarray) -> np.ndarray:
    """Return (batch, steps, 2) as (batch, 2 * steps, 2), by a convolution of this receptive field with zeros around."""
    padded = np.pad(frames, ((0, 0), (LEFT, RIGHT), (0, 0)))
    sums = sum(padded[:, i : i + frames.shape[1]] * (i + 1) for i in range(LEFT + RIGHT + 1))
    return np.repeat(sums, HOP, axis=1)


def spec(mask: bool) -> dict[str, Any]:
    inputs = {"frames": tensor("batch", "frames", 2)} | ({"mask": tensor("batch", "frames", mask=True)} if mask else {})
    streaming = {"axis": "frames", "left": LEFT, "right": RIGHT, "hop": HOP}
    return network("decoder", inputs, {"mel": tensor("batch", "steps", 2)}, streaming=streaming)


def opened(mask: bool, calls: list[tuple[int, ...]], **context: Any) -> Decoder:
    """Return a decoder in a runtime that accepts only declared sizes and records the shape of each call."""

    def compile_for(sizes: Any) -> Any:
        def run(frames: np.ndarray, mask: Any = 1) -> dict[str, np.ndarray]:
            assert frames.shape == (sizes["batch"], sizes["frames"], 2)
            calls.append(frames.shape)
            return {"mel": smoothed(frames * (mask[..., None] if np.ndim(mask) else mask))}

        return run

    runtime = plugin(voxstack_open_network=lambda spec, context: PerSize(spec, context, compile_for))
    holder = addon(networks={"decoder": spec(mask)})
    holder.context = Context("python", shapes={"frames": SIZES}, **context)
    holder.registry = Registry({"runtime": runtime, "fixed_shapes": voxstack_fixed_shapes})
    block = loaded(Decoder(), holder)
    calls.clear()  # those of the warm-up
    return block


@pytest.mark.parametrize("sizes", [[97], [1], [7], [13, 2], [1, 96], [30]], ids=str)
@pytest.mark.parametrize("length", [97, 40, 13, 12, 11, 1])
def test_a_stream_is_what_it_would_be_at_any_size(sizes: list[int], length: int) -> None:
    calls: list[tuple[int, ...]] = []
    block = opened(True, calls)
    mel = Case(block, source=FRAMES[:length]).run(list(itertools.islice(itertools.cycle(sizes), 200)))
    np.testing.assert_allclose(mel, smoothed(FRAMES[None, :length])[0], atol=1e-5)
    assert {shape[1] for shape in calls} <= set(SIZES)


def test_chunks_of_the_reported_sizes_waste_least() -> None:
    calls: list[tuple[int, ...]] = []
    block = opened(True, calls)
    assert block.chunk_sizes == tuple(size - LEFT - RIGHT for size in SIZES)
    Case(block, source=FRAMES[:75]).run([SIZES[1] - LEFT - RIGHT] * 3)
    assert [shape[1] for shape in calls] == [30, 30, 30]


def test_without_a_mask_the_context_is_refused_when_the_block_is_loaded() -> None:
    problem = (
        r"network 'decoder': the context fixes 'frames' at \[12, 30\], and the network has no mask for it, so it could "
        r"not run on less than 12, .* export the network with a mask"
    )
    with pytest.raises(ContextError, match=problem):
        opened(False, [])


def test_without_splitting_windows_still_fit_and_more_at_once_does_not() -> None:
    block = opened(True, [], split=False)
    mel = Case(block, source=FRAMES).run([SIZES[1] - LEFT - RIGHT] * 4)
    np.testing.assert_allclose(mel, smoothed(FRAMES[None])[0], atol=1e-5)
    with pytest.raises(NetworkError, match="97 frames, the largest size is 30, and the context says not to split"):
        list(block.stream(iter([FRAMES]), {"schedule": Schedule()}))


def test_calls_of_many_streams_are_joined_to_a_declared_batch() -> None:
    calls: list[tuple[int, ...]] = []

    def compile_for(sizes: Any) -> Any:
        def run(frames: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
            assert frames.shape == (sizes["batch"], sizes["frames"], 2)
            calls.append(frames.shape)
            return {"mel": smoothed(frames * mask[..., None])}

        return run

    runtime = plugin(voxstack_open_network=lambda spec, context: PerSize(spec, context, compile_for))
    registry = Registry({"batching": voxstack_batching, "runtime": runtime, "fixed_shapes": voxstack_fixed_shapes})
    context = Context("python", "npu", batch=8, shapes={"frames": SIZES, "batch": (1, 4)})
    opened = registry.shared(NetworkPool).open(
        NetworkSpec.of("net", spec(True), "digest", Path, trusted=False), context
    )
    assert list(opened.stats) == ["runtime", "fixed_shapes", "batching"]
    calls.clear()
    inputs = [FRAMES[start : start + 11] for start in range(40)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda frames: opened.run_single(frames=frames)["mel"], inputs * 5))
    for frames, mel in zip(inputs * 5, results, strict=True):
        np.testing.assert_allclose(mel, smoothed(frames[None])[0], atol=1e-5)
    assert {shape[0] for shape in calls} <= {1, 4}
    assert opened.stats["batching"]["calls"] == 200


def test_carrying_state_is_refused_where_sizes_are_fixed() -> None:
    with pytest.raises(ContextError, match="cannot stream stateful"):
        opened(True, [], streaming="stateful")
