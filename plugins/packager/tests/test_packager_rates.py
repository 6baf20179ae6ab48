"""Sample rate and hop length of an addon come from its lenders and its stack, and may not contradict them."""

from __future__ import annotations

import json

import pytest

import voxstack
from voxstack_packager import Borrowed, PackagingError, package

pytest.importorskip("onnxruntime", reason="the stack is built in ONNX Runtime: pip install onnxruntime")

HEAD = {"name": "lent", "version": "1", "license": "CC0-1.0", "languages": ["en-US"], "contexts_measured": False}
NAMES = ("encoder", "durations", "prosody", "decoder", "pronunciation")


@pytest.fixture
def parts():
    """Return the parts of a voice all of whose networks are borrowed."""
    config = json.loads((voxstack.Registry.installed().addon("amber") / "addon.json").read_text("utf-8"))
    networks = [*(Borrowed.of("amber", name) for name in NAMES), Borrowed.of("prism", "vocoder")]
    return {**HEAD, "networks": networks, "stack": config["stack"], "controls": config["controls"]}


def test_both_are_found(parts, tmp_path):
    lines = []
    folder = package(tmp_path / "lent", **parts, progress=lines.append)
    config = json.loads((folder / "addon.json").read_text("utf-8"))
    assert (config["sample_rate"], config["hop_length"]) == (16000, 200)
    assert "lent: 200 samples of a frame, as its stack makes them" in lines


def test_a_hop_length_that_the_stack_does_not_have_is_refused(parts, tmp_path):
    with pytest.raises(
        voxstack.StackError, match=r"makes 200 samples of each frame, and addon\.json states hop_length 100"
    ):
        package(tmp_path / "lent", **parts, hop_length=100, progress=str)
    assert not list(tmp_path.iterdir())


def test_a_sample_rate_that_the_lenders_do_not_have_is_refused(parts, tmp_path):
    with pytest.raises(PackagingError, match="is 24000 Hz, and 'amber', which lends a network, has 16000 Hz"):
        package(tmp_path / "lent", **parts, sample_rate=24000, progress=str)


def test_what_cannot_be_found_has_to_be_stated(parts, tmp_path):
    with pytest.raises(PackagingError, match="hop_length: is not stated, and no stack determines"):
        package(tmp_path / "lent", **{**parts, "stack": None}, progress=str)
    with pytest.raises(PackagingError, match="sample_rate: is not stated, and no network is borrowed"):
        package(tmp_path / "lent", **{**HEAD, "networks": []}, progress=str)
    with pytest.raises(TypeError, match=r"package\(\) needs 'languages'"):
        package(tmp_path / "lent", name="lent")
    with pytest.raises(TypeError, match=r"package\(\) has no argument 'colour'"):
        package(tmp_path / "lent", **parts, colour="red")
