from __future__ import annotations

import json

import pytest

import voxstack
from voxstack_cli import streams
from voxstack_cli.lookahead import lookahead
from voxstack_cli.main import main

FRAMES = {"said": {"dtype": "float32", "shape": ["batch", 2, 80]}}
WINDOWED = {"streaming": {"axis": "frames", "left": 5, "right": 3, "hop": 1}}


@pytest.mark.parametrize(
    "network, how, why",
    [
        ({}, "whole", "may depend on all of the utterance"),
        (WINDOWED, "exact", "an output sees 5 frames before its own and 3 after, as measured"),
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
                "autoregressive": {"frames": "said", "stop": "end", "states": {"previous": {"next": "said_next"}}},
            },
            "step by step",
            "says 2 frames from those it said before, and carries 1 states of a fixed size",
        ),
        (
            {
                "outputs": FRAMES,
                "autoregressive": {
                    "frames": "said",
                    "states": {"cache": {"next": "n", "steps": 0}},
                    "noise": {"dropout": "uniform"},
                },
            },
            "step by step",
            "carries 1 states, of which cache grow with what is said; noise is drawn for each step from the seed",
        ),
    ],
)
def test_how_a_network_streams(network: dict, how: str, why: str):
    told = streams.told(network)
    assert told[0] == how
    assert why in told[1]


@pytest.mark.parametrize(
    "head, words",
    [
        ("Upsampler", "after the first frames"),
        ("AutoregressiveDecoder", "after the first steps"),
        ("WholeFrames", "when all that runs whole is done"),
    ],
)
def test_when_the_first_audio_comes(head: str, words: str):
    stack = [
        {"type": "Sentences", "block": {"type": "StreamableStack", "stack": [{"type": head}, {"type": "Decoder"}]}}
    ]
    assert words in list(streams.lines({}, stack))[-1]
    assert list(streams.lines({}, [{"type": "Other"}])) == []


def test_inspect_tells_it_of_borrowed_networks_too(capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", "amber"]) == 0
    shown = capsys.readouterr().out.split("\nstreaming\n")[1].split("\n\n")[0]
    assert "vocoder        exact: an output sees 21 frames before its own and 21 after, as measured" in shown
    assert "encoder        whole: " in shown
    assert main(["inspect", "amber", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["streams"]
    assert {name: one["how"] for name, one in told.items()} == {
        **dict.fromkeys(["encoder", "durations", "prosody", "pronunciation"], "whole"),
        **dict.fromkeys(["decoder", "vocoder"], "exact"),
    }


@pytest.mark.parametrize("name", ["amber", "cobalt"])
def test_the_lookahead_told_is_that_of_the_stack_when_it_is_loaded(name: str, capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", name, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["lookahead"]
    block = voxstack.load(name).block
    assert told["frames"] == block.lookahead > 0
    addon = voxstack.load(name).addon.config
    assert told["milliseconds"] == pytest.approx(1000 * block.lookahead * addon["hop_length"] / addon["sample_rate"])
    assert main(["inspect", name]) == 0
    assert f"looks {told['frames']} frames ahead, {told['milliseconds']:.0f} ms of speech" in capsys.readouterr().out


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
def test_a_lookahead_is_told_where_all_of_the_stack_is_known(stack: list, networks: dict, frames: int | None):
    found = lookahead({"stack": stack, "sample_rate": 8000}, networks, voxstack.Registry.installed())
    assert (found and found.frames) == frames
