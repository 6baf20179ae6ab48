"""Pictures and traces of the real voices, and what a notebook shows of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import voxstack
from voxstack import EventTrace
from voxstack_cli.main import main
from voxstack_plot.fundamental import fundamental_frequency
from voxstack_plot.trace_file import trace_content, trace_schema

TEXT = "The quick brown fox jumps. It is over."


def test_the_command_writes_a_trace_in_the_format(tmp_path: Path) -> None:
    assert main(["say", TEXT, "--trace", str(tmp_path / "trace.json"), "--quiet"]) == 0
    document = json.loads((tmp_path / "trace.json").read_text())
    jsonschema.validate(document, trace_schema())
    content = trace_content(document)
    names = {(span.category, span.name) for span in content.spans}
    networks = {"encoder", "durations", "prosody", "decoder", "vocoder"}
    assert {("network", name) for name in networks} <= names
    assert {("block", name) for name in ("Text", "Encoders", "Upsampler", "Decoder", "InverseSTFT", "Gain")} <= names
    assert {("scheduler", "turn"), ("wait", "waits for a worker")} <= names
    assert content.first_audio is not None
    ends = [span.start + span.seconds for span in content.spans if span.name == "vocoder"]
    assert min(ends) < content.first_audio < max(ends)  # of two sentences


def test_networks_on_other_threads_are_in_the_trace() -> None:
    voice = voxstack.load("amber")
    stack = json.loads(json.dumps(voice.addon.config["stack"]).replace('"Encoders"', '"CustomizedEncoders"'))
    block = voxstack.build(stack, voice.addon)
    trace = EventTrace()

    async def run() -> int:
        return sum([len(chunk.samples) async for chunk in voice.astream(TEXT, trace=trace)])

    voice.block = block
    assert asyncio.run(run()) > 16000
    assert {"encoder", "durations", "prosody"} <= {event.name for event in trace.events if event.category == "network"}


def test_the_pitch_found_is_that_which_the_voice_intended() -> None:
    voice = voxstack.load("amber")
    speech = voice.synthesize("We are all away on a long year.", pitch=2.0)
    higher = fundamental_frequency(speech.samples, speech.sample_rate)[1]
    speech = voice.synthesize("We are all away on a long year.", pitch=-2.0)
    lower = fundamental_frequency(speech.samples, speech.sample_rate)[1]
    assert np.isfinite(lower).mean() > 0.5
    semitones = 12 * np.log2(np.nanmedian(higher) / np.nanmedian(lower))
    assert semitones == pytest.approx(4.0, abs=0.5)


def test_the_attention_of_cobalt_is_drawn_with_its_phones() -> None:
    trace = EventTrace()
    speech = voxstack.load("cobalt").synthesize(TEXT, trace=trace)
    assert len(trace.attention) == 2
    steps = sum(len(weights) for attention in trace.attention for weights in attention.weights)
    assert steps * trace.attention[0].seconds_per_step == pytest.approx(speech.duration, abs=0.1)
    for attention in trace.attention:
        np.testing.assert_allclose(np.concatenate(attention.weights).sum(1), 1, atol=1e-3)
    labels = [label.get_text() for label in speech.plot("alignment").figure.axes[0].get_yticklabels()]
    assert labels == [phone for attention in trace.attention for phone in attention.phones]


def test_the_graph_of_amber_has_its_networks_in_their_context() -> None:
    drawn = str(voxstack.load("amber", context="fixed").graph())
    assert "frames 64/192/448 only" in drawn.replace("#47;", "/")
    assert "spectra (frames, 802) float32" in drawn
