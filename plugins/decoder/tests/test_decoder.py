from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, plugin, tensor

import voxstack
from voxstack import AddonError, ContextError, NetworkError, Registry, Schedule
from voxstack.networks import Context
from voxstack.testing import Case, parametrize_with_checks
from voxstack_decoder.decoder import Decoder
from voxstack_voice.playback import Playback

LEFT, RIGHT, HOP = 3, 2, 2
RNG = np.random.default_rng(0)
TAPS = RNG.integers(-3, 4, LEFT + RIGHT + 1).astype(np.float32)


def smooth(frames: np.ndarray) -> np.ndarray:
    """Run a network of this receptive field and hop, exact in integers: (batch, frames, features) to twice as many."""
    padded = np.pad(frames, [(0, 0), (LEFT, RIGHT), (0, 0)])
    summed = sum(tap * padded[:, i : i + frames.shape[1]] for i, tap in enumerate(TAPS))
    return np.repeat(summed, HOP, axis=1).astype(np.float32)


def config(**more: Any) -> dict[str, Any]:
    streaming = {"axis": "frames", "left": LEFT, "right": RIGHT, "hop": HOP}
    inputs = {"frames": tensor("batch", "frames", 4), **more.pop("inputs", {})}
    return network(
        more.pop("role", "decoder"), inputs, {"mel": tensor("batch", "steps", 4)}, **{"streaming": streaming, **more}
    )


def run(frames: np.ndarray, noise: Any = 0, speaker: Any = 0, mask: Any = 1) -> dict[str, np.ndarray]:
    assert np.ndim(noise) == 0 or noise.shape[1] == frames.shape[1]
    return {"mel": smooth((frames + noise) + np.sum(speaker))}


STEPS = {
    "inputs": {
        "frames": tensor("batch", "frames", 4),
        "past": tensor("batch", "past_steps", 4),
        "end": tensor(1, dtype="int64"),
    },
    "outputs": {"mel": tensor("batch", "steps", 4), "next_past": tensor("batch", "next_steps", 4)},
    "streaming": {
        "axis": "frames",
        "right": RIGHT,
        "hop": HOP,
        "states": {"past": {"next": "next_past", "steps": LEFT}},
        "end": "end",
    },
    "exports": [{"format": "python", "symbol": "decoder.txt"}],
}


def steps(
    frames: np.ndarray, past: np.ndarray, end: np.ndarray, noise: Any = 0, speaker: Any = 0
) -> dict[str, np.ndarray]:
    """Run the same network with a state, the latest frames; ``end`` is 1 in the last call."""
    new = frames + noise + np.sum(speaker)
    joined = np.concatenate([past, new, np.zeros((1, RIGHT * int(end[0]), 4), np.float32)], 1).astype(np.float32)
    count = joined.shape[1] - LEFT - RIGHT
    summed = sum(tap * joined[:, i : i + count] for i, tap in enumerate(TAPS))
    return {"mel": np.repeat(summed, HOP, axis=1).astype(np.float32), "next_past": joined[:, -(LEFT + RIGHT) :]}


def either(**tensors: np.ndarray) -> dict[str, np.ndarray]:
    """Run either form of the network."""
    return steps(**tensors) if "past" in tensors else run(**tensors)


def stateful(block: Decoder | None = None, noisy: bool = False, **context: Any) -> Decoder:
    """Return a Decoder of a network that has both forms."""
    extra = {name: value for name, value in NOISY.items() if name != "mask"} if noisy else {}
    form = {**STEPS, "inputs": {**STEPS["inputs"], **extra}, "streaming": {**STEPS["streaming"], "input": "frames"}}
    whole = config(inputs=NOISY if noisy else {}, stateful=form)
    contexts = {"default": {"runtime": "python", **context}, "apart": {"runtime": "python", "streaming": "windowed"}}
    return loaded(block or Decoder(), addon([], {"decoder": either}, networks={"decoder": whole}, contexts=contexts))


def decoder(block: Decoder | None = None, **networks: Any) -> Decoder:
    networks = networks or {"decoder": config()}
    return loaded(block or Decoder(), addon([], dict.fromkeys(networks, run), networks=networks))


FRAMES = RNG.integers(-99, 99, (97, 4)).astype(np.float32)
NOISY = {"noise": tensor("batch", "frames", 4), "speaker": tensor(2), "mask": tensor("batch", "frames", mask=True)}
UTTERANCE = {"noise": RNG.integers(-9, 9, (97 + 16, 4)).astype(np.float32), "speaker": np.array([1, 2], np.float32)}


@parametrize_with_checks(
    [
        Case(decoder(), source=FRAMES),
        Case(decoder(Decoder("second"), first=config(role="decoder"), second=config(role="postnet")), source=FRAMES),
        Case(decoder(decoder=config(inputs=NOISY)), UTTERANCE, source=FRAMES, longest=113),
        Case(stateful(), source=FRAMES),
        Case(stateful(noisy=True), UTTERANCE, source=FRAMES, longest=113),
        Case(stateful(streaming="windowed"), source=FRAMES),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_streamed_equals_the_network_on_the_whole() -> None:
    output = Case(decoder(), source=FRAMES).run([13])
    np.testing.assert_array_equal(output, smooth(FRAMES[None])[0])


def test_other_inputs_come_from_the_utterance_cut_at_the_same_frames() -> None:
    block = decoder(decoder=config(inputs=NOISY))
    assert block.needs == {"noise", "speaker"}
    output = Case(block, UTTERANCE, source=FRAMES).run([5, 17, 1])
    np.testing.assert_array_equal(output, smooth((FRAMES + UTTERANCE["noise"][:97])[None] + 3)[0])


def test_an_input_that_is_shorter_than_the_stream_is_named() -> None:
    with pytest.raises(NetworkError, match="'noise' has 50 frames and the stream has more"):
        Case(decoder(decoder=config(inputs=NOISY)), {**UTTERANCE, "noise": UTTERANCE["noise"][:50]}, source=FRAMES).run(
            [10]
        )


def test_a_chunk_costs_its_frames_and_their_context() -> None:
    lengths_run: list[int] = []

    def counting(frames: np.ndarray) -> dict[str, np.ndarray]:
        lengths_run.append(frames.shape[1])
        return run(frames)

    block = loaded(Decoder(), addon([], {"decoder": counting}, networks={"decoder": config()}))
    stream = block.stream((FRAMES[i : i + 8] for i in range(0, 96, 8)), {})
    assert len(next(stream)) == (8 - RIGHT) * HOP
    assert lengths_run == [8]
    list(stream)
    assert sum(lengths_run) <= 96 + len(lengths_run) * (LEFT + RIGHT + 8)


def test_a_network_for_whole_utterances_is_refused_with_an_explanation() -> None:
    whole = config()
    del whole["streaming"]
    with pytest.raises(
        AddonError, match=r"tiny: networks\.decoder: says nothing about 'streaming'.*Put it in a SequenceBlock"
    ):
        decoder(decoder=whole)


def test_which_network_must_be_clear() -> None:
    problem = r"more than one network of role 'decoder'; name one in the block's 'network' \(it has one: .*two: "
    with pytest.raises(AddonError, match=problem):
        decoder(one=config(), two=config())
    with pytest.raises(AddonError, match="no network of role 'decoder'"):
        decoder(one=config(role="vocoder"))


def test_what_it_takes_and_makes_is_what_the_network_says() -> None:
    block = decoder()
    assert (block.takes, block.makes, block.lookahead, block.hop) == ("frames", "mel", RIGHT, HOP)


def test_a_network_with_state_computes_every_frame_once_and_gives_the_same() -> None:
    lengths_run: list[int] = []

    def counting(**tensors: np.ndarray) -> dict[str, np.ndarray]:
        lengths_run.append(tensors["frames"].shape[1])
        return either(**tensors)

    whole = config(stateful=STEPS)
    block = loaded(Decoder(), addon([], {"decoder": counting}, networks={"decoder": whole}))
    output = Case(block, source=FRAMES).run([8])
    np.testing.assert_array_equal(output, smooth(FRAMES[None])[0])
    assert sum(lengths_run) == 97
    assert (block.mode, block.needs, block.lookahead, block.hop) == ("stateful", frozenset(), RIGHT, HOP)


def test_other_inputs_are_cut_at_the_same_frames_with_state_too() -> None:
    block = stateful(noisy=True)
    assert block.needs == {"noise", "speaker"}
    output = Case(block, UTTERANCE, source=FRAMES).run([5, 17, 1])
    np.testing.assert_array_equal(output, smooth((FRAMES + UTTERANCE["noise"][:97])[None] + 3)[0])
    with pytest.raises(NetworkError, match="'noise' has 50 frames and the stream has more"):
        Case(block, {**UTTERANCE, "noise": UTTERANCE["noise"][:50]}, source=FRAMES).run([10])


def test_the_context_of_the_voice_or_of_the_block_says_how_it_streams() -> None:
    assert stateful(streaming="windowed").mode == "windowed"
    assert stateful(Decoder(context="apart")).mode == "windowed"
    assert stateful(streaming="stateful").mode == "stateful"
    assert decoder().mode == "windowed"
    with pytest.raises(ContextError, match="'decoder' cannot stream stateful: it has no stateful form"):
        loaded(
            Decoder(),
            addon(
                [], {"decoder": run}, networks={"decoder": config()}, contexts={"default": {"streaming": "stateful"}}
            ),
        )


def test_a_runtime_without_the_stateful_form_runs_windows_unless_it_was_asked_for() -> None:
    form = {**STEPS, "exports": [{"format": "other", "symbol": "decoder.txt"}]}
    networks = {"decoder": config(stateful=form)}
    contexts = {"default": {"runtime": "python"}, "strict": {"runtime": "python", "streaming": "stateful"}}
    holder = addon([], {"decoder": either}, networks=networks, contexts=contexts)
    assert loaded(Decoder(), holder).mode == "windowed"
    with pytest.raises(
        ContextError, match="the python runtime needs an export of format 'python', and it has only other"
    ):
        loaded(Decoder(context="strict"), holder)


def test_a_network_that_has_no_windowed_form_streams_with_state() -> None:
    only = {"role": "decoder", **STEPS}
    block = loaded(Decoder(), addon([], {"decoder": steps}, networks={"decoder": only}))
    assert block.mode == "stateful"
    np.testing.assert_array_equal(Case(block, source=FRAMES).run([13]), smooth(FRAMES[None])[0])


def test_fixed_sizes_tell_how_many_new_frames_fill_them() -> None:
    @voxstack.hookimpl
    def voxstack_wrap_network(network: Any, spec: Any, context: Any) -> Any:
        def fixed(**tensors: Any) -> Any:
            return network(**tensors)

        fixed.fixed_shapes = True  # type: ignore[attr-defined]
        return fixed

    holder = addon([], {"decoder": either}, networks={"decoder": config(stateful=STEPS)})
    holder.context = Context("python", shapes={"frames": (32, 4, 16)})
    holder.registry = Registry({"tiny": plugin([], {"decoder": either}, voxstack_wrap_network=voxstack_wrap_network)})
    block = loaded(Decoder(), holder)
    assert (block.mode, block.chunk_sizes) == ("windowed", (16 - LEFT - RIGHT, 32 - LEFT - RIGHT))
    assert decoder().chunk_sizes == stateful().chunk_sizes == ()


@pytest.mark.parametrize("block", [stateful(), stateful(streaming="windowed")], ids=["stateful", "windowed"])
def test_a_sentence_of_one_chunk_is_one_call_when_nobody_waits_for_it(block: Decoder) -> None:
    lengths = {}
    for live in (True, False):
        schedule = Schedule(playback=Playback(8000, live=live))
        lengths[live] = [len(chunk) for chunk in block.stream(iter([FRAMES]), {"schedule": schedule})]
    assert lengths == {True: [(97 - RIGHT) * HOP, RIGHT * HOP], False: [97 * HOP]}
