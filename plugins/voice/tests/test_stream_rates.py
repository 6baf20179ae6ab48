"""A stack makes samples at the rates that addon.json states, or the voice is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import voxstack

REGISTRY = voxstack.Registry.installed()
AMBER = REGISTRY.addon("amber")


@pytest.fixture
def changed(tmp_path):
    """Return a function that copies amber with changes of addon.json and of the end of its stack."""

    def copy(*end, **changes) -> Path:
        folder = shutil.copytree(AMBER, tmp_path / "amber", dirs_exist_ok=True)
        config = json.loads((AMBER / "addon.json").read_text("utf-8"))
        inner = config["stack"][0]["block"]["streamable_block"]["stack"]
        inner += end
        (folder / "addon.json").write_text(json.dumps({**config, **changes}))
        return folder

    return copy


def test_a_hop_length_that_the_stack_does_not_have_is_refused(changed):
    problem = (
        r"stack: this stack makes 200 samples of each frame, and addon\.json states hop_length 100: a break of 1 s "
        r'would last 2 s\. Write "hop_length": 200, or correct the stack'
    )
    with pytest.raises(voxstack.StackError, match=problem):
        voxstack.load(changed(hop_length=100))


def test_the_steps_of_an_autoregressive_network_count_too(tmp_path):
    folder = shutil.copytree(REGISTRY.addon("cobalt"), tmp_path / "cobalt")
    config = json.loads((folder / "addon.json").read_text("utf-8"))
    (folder / "addon.json").write_text(json.dumps({**config, "hop_length": 100}))
    with pytest.raises(voxstack.StackError, match="makes 200 samples of each frame"):
        voxstack.load(folder)


def test_after_a_resample_the_hop_is_that_of_the_output(changed):
    resample = {"type": "Resample", "source_rate": 16000, "target_rate": 24000}
    voice = voxstack.load(changed(resample, sample_rate=24000, hop_length=300))
    one, two = (
        voice.synthesize(f'<speak>One <break time="{seconds}s"/> two.</speak>', markup="ssml").samples
        for seconds in (1, 2)
    )
    assert len(two) - len(one) == pytest.approx(24000, abs=300)
    with pytest.raises(voxstack.StackError, match="makes 300 samples of each frame"):
        voxstack.load(changed(resample, sample_rate=24000))
    odd = {"type": "Resample", "source_rate": 16000, "target_rate": 22050}
    assert voxstack.load(changed(odd, sample_rate=22050, hop_length=276)).sample_rate == 22050  # 275.6


def test_a_block_at_another_sample_rate_than_its_stream_is_refused(changed):
    resample = {"type": "Resample", "source_rate": 16000, "target_rate": 24000}
    with pytest.raises(voxstack.StackError, match=r"it ends in 24000 Hz, and sample_rate in addon\.json is 16000"):
        voxstack.load(changed(resample, hop_length=300))
    limiter = {"type": "Limiter", "sample_rate": 24000}
    with pytest.raises(voxstack.StackError, match="Limiter works at 24000 Hz, and its stream has 16000 Hz"):
        voxstack.load(changed(limiter))
    with pytest.raises(voxstack.StackError, match="Limiter works at 24000 Hz, and its stream has 16000 Hz"):
        voxstack.load(changed(limiter, resample, sample_rate=24000, hop_length=300))
    assert voxstack.load(changed({"type": "Limiter", "sample_rate": 16000})).sample_rate == 16000


def test_a_stack_without_frames_may_state_any_hop_length(tmp_path):
    folder = shutil.copytree(REGISTRY.addon("amber"), tmp_path / "amber")
    config = json.loads((folder / "addon.json").read_text("utf-8"))
    blocks = [{"type": "Text"}, {"type": "Encoders"}]
    stack = [
        {
            "type": "StreamablePipeline",
            "sequence_block": {"type": "SequenceBlockContainer", "blocks": blocks},
            "streamable_block": {"type": "WholeFrames", "tensor": "durations", "makes_stream": "samples"},
        }
    ]
    (folder / "addon.json").write_text(json.dumps({**config, "stack": stack, "hop_length": 7}))
    assert voxstack.load(folder).addon.config["hop_length"] == 7
