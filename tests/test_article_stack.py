"""The stack of the article that voxstack implements, literally, on the networks of the default voice."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import voxstack

ARTICLE = """
"stack": [{"type": "StreamablePipeline",
           "sequence_block": {"type": "Encoders"},
           "streamable_block": {"type": "StreamableStack",
                                "stack": [{"type": "Upsampler"}, {"type": "Decoder"}]}}]
"""
TEXT = "The old bridge across the river was closed for repairs last winter."


@pytest.fixture(scope="module")
def voice() -> voxstack.Voice:
    return voxstack.load("amber")


def article() -> list[dict[str, Any]]:
    return json.loads("{" + ARTICLE + "}")["stack"]


def mel(voice: voxstack.Voice, stack: Any) -> np.ndarray:
    """Return the mel frames, (frames, bands), that a stack computes from the tokens of a sentence."""
    request = voice.request(TEXT)
    tokens = voxstack.build({"type": "Text"}, voice.addon)(request)
    block = voxstack.build(stack, voice.addon, available=[*request, *tokens])
    return np.concatenate(list(block.stream(iter(()), {**request, **tokens})))


@pytest.fixture(scope="module")
def frames(voice: voxstack.Voice) -> np.ndarray:
    return mel(voice, article())


def test_the_articles_stack_gives_mel_frames(frames: np.ndarray) -> None:
    seconds = len(frames) * 200 / 16000
    assert frames.shape[1] == 80
    assert 2 < seconds < 8
    assert frames.min() > -12
    assert frames.max() < 8
    assert np.ptp(frames.mean(1)) > 3, "speech has loud and soft frames"


def test_customized_encoders_give_the_same_frames(voice: voxstack.Voice, frames: np.ndarray) -> None:
    text = ARTICLE.replace("Encoders", "CustomizedEncoders")
    np.testing.assert_array_equal(mel(voice, json.loads("{" + text + "}")["stack"]), frames)


def test_a_gain_and_a_probe_are_more_entries_in_the_list(
    voice: voxstack.Voice, frames: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    stack = article()
    stack[0]["streamable_block"]["stack"] += [{"type": "Gain", "db": 6.0}, {"type": "Probe", "name": "loud mel"}]
    with caplog.at_level("INFO", "voxstack.probe"):
        louder = mel(voice, stack)
    np.testing.assert_allclose(louder, frames * 10 ** (6 / 20), rtol=1e-5)
    assert "loud mel" in caplog.text
    assert str(len(frames)) in caplog.text


def test_a_whole_nested_pipeline_stands_in_the_place_of_a_streamable_block(
    voice: voxstack.Voice, frames: np.ndarray
) -> None:
    stack = article()
    stack[0]["streamable_block"]["stack"][1] = {
        "type": "StreamablePipeline",
        "sequence_block": {"type": "SequenceBlockContainer", "blocks": []},
        "streamable_block": {"type": "StreamableStack", "stack": [{"type": "Decoder"}]},
    }
    np.testing.assert_array_equal(mel(voice, stack), frames)
    whole = [{"type": "StreamableStack", "stack": article()}]
    np.testing.assert_array_equal(mel(voice, whole), frames)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            {"type": "Decodr"},
            r"stack\[0\]\.streamable_block\.stack\[1\]: no block named 'Decodr'; did you mean 'Decoder'\?",
        ),
        (
            {"type": "Encoders"},
            r"stack\[0\]\.streamable_block\.stack\[1\]: Encoders is a SequenceBlock, and only a StreamableBlock",
        ),
        ({"type": "Decoder", "netwrk": "decoder"}, r"Decoder has no field 'netwrk'; did you mean 'network'\?"),
        ({"type": "Decoder", "network": "decodr"}, r"there is no network named 'decodr'; did you mean 'decoder'\?"),
        (
            {"type": "Decoder", "network": "vocoder"},
            r"stack\[1\]: Decoder takes 'mel', but .*stack\[0\] \(Upsampler\) gives 'frames'",
        ),
        ({"type": "Decoder", "network": "encoder"}, r"networks\.encoder: says nothing about 'streaming'"),
    ],
)
def test_what_does_not_fit_is_reported_with_its_place(
    voice: voxstack.Voice, change: dict[str, Any], problem: str
) -> None:
    stack = article()
    stack[0]["streamable_block"]["stack"][1] = change
    with pytest.raises(voxstack.StackError, match=problem):
        mel(voice, stack)
    assert mel(voice, article()).shape[1] == 80, "the rest keeps working"


def test_a_missing_tensor_is_reported_with_what_is_available(voice: voxstack.Voice) -> None:
    stack = article()
    stack[0]["sequence_block"]["networks"] = ["encoder"]
    with pytest.raises(
        voxstack.StackError, match=r"Upsampler needs 'durations'(.|\n)*sequence_block \(Encoders\) gives 'encoded'"
    ):
        mel(voice, stack)
