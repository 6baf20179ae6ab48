from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, tensor

from voxstack import AddonError, NetworkError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_decoder import Decoder

LEFT, RIGHT, HOP = 3, 2, 2
RNG = np.random.default_rng(0)
TAPS = RNG.integers(-3, 4, LEFT + RIGHT + 1).astype(np.float32)


def smooth(frames: np.ndarray) -> np.ndarray:
    """A network of this receptive field and hop, exact in whole numbers: (batch, frames, features) to twice the frames."""
    padded = np.pad(frames, [(0, 0), (LEFT, RIGHT), (0, 0)])
    summed = sum(tap * padded[:, i : i + frames.shape[1]] for i, tap in enumerate(TAPS))
    return np.repeat(summed, HOP, axis=1)


def config(**more: Any) -> dict[str, Any]:
    streaming = {"axis": "frames", "left": LEFT, "right": RIGHT, "hop": HOP}
    inputs = {"frames": tensor("batch", "frames", 4), **more.pop("inputs", {})}
    return network(more.pop("role", "decoder"), inputs, {"mel": tensor("batch", "steps", 4)}, **{"streaming": streaming, **more})


def run(frames: np.ndarray, noise: Any = 0, speaker: Any = 0, mask: Any = 1) -> dict[str, np.ndarray]:
    assert np.ndim(noise) == 0 or noise.shape[1] == frames.shape[1]
    return {"mel": smooth((frames + noise) + np.sum(speaker))}


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
        Case(decoder(decoder=config(inputs=NOISY)), UTTERANCE, source=FRAMES),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_streamed_equals_the_network_on_the_whole() -> None:
    made = Case(decoder(), source=FRAMES).run([13])
    np.testing.assert_array_equal(made, smooth(FRAMES[None])[0])


def test_other_inputs_come_from_the_utterance_cut_at_the_same_frames() -> None:
    block = decoder(decoder=config(inputs=NOISY))
    assert block.needs == {"noise", "speaker"}
    made = Case(block, UTTERANCE, source=FRAMES).run([5, 17, 1])
    np.testing.assert_array_equal(made, smooth((FRAMES + UTTERANCE["noise"][:97])[None] + 3)[0])


def test_an_input_that_is_shorter_than_the_stream_is_named() -> None:
    with pytest.raises(NetworkError, match="'noise' has 50 frames and the stream has more"):
        Case(decoder(decoder=config(inputs=NOISY)), {**UTTERANCE, "noise": UTTERANCE["noise"][:50]}, source=FRAMES).run([10])


def test_a_chunk_costs_its_frames_and_their_context() -> None:
    shown: list[int] = []

    def counting(frames: np.ndarray) -> dict[str, np.ndarray]:
        shown.append(frames.shape[1])
        return run(frames)

    block = loaded(Decoder(), addon([], {"decoder": counting}, networks={"decoder": config()}))
    stream = block.stream((FRAMES[i : i + 8] for i in range(0, 96, 8)), {})
    assert len(next(stream)) == (8 - RIGHT) * HOP
    assert shown == [8]
    list(stream)
    assert sum(shown) <= 96 + len(shown) * (LEFT + RIGHT + 8)


def test_a_network_for_whole_utterances_is_refused_with_an_explanation() -> None:
    whole = config()
    del whole["streaming"]
    with pytest.raises(AddonError, match=r"tiny: networks\.decoder: says nothing about 'streaming'.*Put it in a SequenceBlock"):
        decoder(decoder=whole)


def test_which_network_must_be_clear() -> None:
    with pytest.raises(AddonError, match=r"more than one network \(one, two\) of role 'decoder'; name one in the block's 'network'"):
        decoder(one=config(), two=config())
    with pytest.raises(AddonError, match="no network of role 'decoder'"):
        decoder(one=config(role="vocoder"))


def test_what_it_takes_and_makes_is_what_the_network_says() -> None:
    block = decoder()
    assert (block.takes, block.makes, block.lookahead, block.hop) == ("frames", "mel", RIGHT, HOP)
