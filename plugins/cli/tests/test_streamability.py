from __future__ import annotations

import json

import pytest

import voxstack
from voxstack_cli import streamability
from voxstack_cli.lookahead import stack_lookahead
from voxstack_cli.main import main

FRAMES = {"mel": {"dtype": "float32", "shape": ["batch", 2, 80]}}
WINDOWED = {"streaming": {"axis": "frames", "left": 5, "right": 3, "hop": 1}}


@pytest.mark.parametrize(
    "network, how, why",
    [
        ({}, "whole", "may depend on the whole utterance"),
        (WINDOWED, "exact", "an output depends on 5 frames before its own and 3 after, as measured"),
        (
            {**WINDOWED, "stateful": {"streaming": {"states": {"a": {}, "b": {}}}}},
            "exact",
            "in windows, or carrying 2 states",
        ),
        (
            {"streaming": {"axis": "frames", "right": 4, "hop": 1, "states": {"a": {}}}},
            "exact",
            "carries 1 states, waits for 4 frames",
        ),
        (
            {
                "outputs": FRAMES,
                "autoregressive": {"frames": "mel", "stop": "end", "states": {"previous": {"next": "mel_next"}}},
            },
            "step by step",
            "generates 2 frames per step from the previous ones, and carries 1 states of a fixed size",
        ),
        (
            {
                "outputs": FRAMES,
                "autoregressive": {
                    "frames": "mel",
                    "states": {"cache": {"next": "n", "steps": 0}},
                    "noise": {"dropout": "uniform"},
                },
            },
            "step by step",
            "carries 1 states, of which cache grow with each step; draws noise for each step from the seed",
        ),
    ],
)
def test_how_a_network_streams(network: dict, how: str, why: str):
    mode, reason = streamability.network_streamability(network)
    assert mode == how
    assert why in reason


@pytest.mark.parametrize(
    "head, words",
    [
        ("Upsampler", "after the first frames"),
        ("AutoregressiveDecoder", "after the first steps"),
        ("WholeFrames", "when all whole-utterance steps are done"),
    ],
)
def test_when_the_first_audio_comes(head: str, words: str):
    stack = [
        {"type": "Sentences", "block": {"type": "StreamableStack", "stack": [{"type": head}, {"type": "Decoder"}]}}
    ]
    assert words in list(streamability.streamability_lines({}, stack))[-1]
    assert list(streamability.streamability_lines({}, [{"type": "Other"}])) == []


def test_inspect_shows_it_of_borrowed_networks_too(capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", "amber"]) == 0
    shown = capsys.readouterr().out.split("\nstreaming\n")[1].split("\n\n")[0]
    assert "vocoder        exact: an output depends on 21 frames before its own and 21 after, as measured" in shown
    assert "encoder        whole: " in shown
    assert main(["inspect", "amber", "--json"]) == 0
    output = json.loads(capsys.readouterr().out)["streams"]
    assert {name: network["how"] for name, network in output.items()} == {
        **dict.fromkeys(["encoder", "durations", "prosody", "pronunciation"], "whole"),
        **dict.fromkeys(["decoder", "vocoder"], "exact"),
    }


@pytest.mark.parametrize("name", ["amber", "cobalt"])
def test_the_lookahead_shown_is_that_of_the_stack_when_it_is_loaded(name: str, capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", name, "--json"]) == 0
    output = json.loads(capsys.readouterr().out)["lookahead"]
    block = voxstack.load(name).block
    assert output["frames"] == block.lookahead > 0
    addon = voxstack.load(name).addon.config
    assert output["milliseconds"] == pytest.approx(1000 * block.lookahead * addon["hop_length"] / addon["sample_rate"])
    assert main(["inspect", name]) == 0
    assert f"look {output['frames']} frames ahead, {output['milliseconds']:.0f} ms of speech" in capsys.readouterr().out


STREAMED = {"role": "decoder", "streaming": {"axis": "frames", "left": 5, "right": 3, "hop": 2}}


@pytest.mark.parametrize(
    "stack, networks, frames",
    [
        ([{"type": "Upsampler"}, {"type": "Decoder"}], {"a": STREAMED}, 3),
        (
            [{"type": "Upsampler"}, {"type": "Decoder", "network": "a"}, {"type": "Decoder", "network": "a"}],
            {"a": STREAMED},
            3 + 2,
        ),
        ([{"type": "WholeFrames", "tensor": "mel"}, {"type": "Decoder"}], {"a": {"role": "decoder"}}, None),
        ([{"type": "Upsampler"}, {"type": "Decoder", "network": "lent"}], {}, None),
        ([{"type": "Upsampler"}, {"type": "NotInstalled"}], {}, None),
        (None, {}, None),
    ],
)
def test_a_lookahead_is_known_where_all_of_the_stack_is_known(stack: list, networks: dict, frames: int | None):
    found = stack_lookahead({"stack": stack, "sample_rate": 8000}, networks, voxstack.Registry.installed())
    assert (found and found.frames) == frames
