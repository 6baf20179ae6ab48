"""Voices with another stack over the same addon."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, plugin, tensor

import voxstack
from voxstack import Registry, RequestError, Schedule, Scheduler, SequenceBlock, StackError, StreamableBlock
from voxstack.networks.network import Network


@dataclass
class Tone(StreamableBlock):
    """Yields each letter as 10 samples of its number."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        for letter in utterance["text"]:
            yield np.full(10, ord(letter) / 256, np.float32)


@dataclass
class Scale(StreamableBlock):
    """Multiplies samples by a network.

    :param network: its name.
    """

    network: str = "double"

    takes = makes = "samples"

    def load(self, addon: Any) -> None:
        self._network = addon.network(self.network)

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield self._network(frames=chunk[None])["scaled"][0]


@dataclass
class Around(StreamableBlock):
    """A pipeline in one block.

    :param block: yields the samples.
    """

    block: StreamableBlock

    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from self.block.stream(source, utterance)


@dataclass
class Upper(SequenceBlock):
    """Reads the text in capitals."""

    needs = gives = frozenset({"text"})

    def __call__(self, utterance: Any) -> Any:
        return {"text": utterance["text"].upper()}


@dataclass
class Half(StreamableBlock):
    """A block of the notebook, which no plugin registers.

    :param factor: of the samples.
    """

    factor: float = 0.5
    weights: list[float] = field(default_factory=list)

    takes = makes = "samples"

    def load(self, addon: Any) -> None:
        self.loads = getattr(self, "loads", 0) + 1

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield chunk * np.float32(self.factor)


@dataclass
class Callback(StreamableBlock):
    """A block with a field that JSON has no form for."""

    function: Callable[..., Any] = np.negative

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield self.function(chunk)


@dataclass
class Faster(StreamableBlock):
    """Yields every sample twice, at twice the rate."""

    takes = makes = "samples"
    output_rate = 16_000
    hop = 2.0

    def stream(self, source: Any, utterance: Any) -> Any:
        for chunk in source:
            yield np.repeat(chunk, 2)


NETWORKS = {
    name: network(name, {"frames": tensor("batch", "n")}, {"scaled": tensor("batch", "n")})
    for name in ("double", "triple")
}
RUNNERS = {
    "double": lambda frames: {"scaled": 2 * frames},
    "triple": lambda frames: {"scaled": 3 * frames},
}
STACK = [
    {"type": "Around", "block": {"type": "Tone"}},
    {"type": "Scale"},
    {"type": "Scale", "network": "triple"},
]


@pytest.fixture
def registry() -> Registry:
    return Registry({"test": plugin([Tone, Scale, Around, Upper, Faster], RUNNERS)})


@pytest.fixture
def voice(write_addon: Callable[..., Path], registry: Registry) -> voxstack.Voice:
    return voxstack.load(write_addon(stack=STACK, networks=NETWORKS), registry=registry)


def level(voice: voxstack.Voice) -> float:
    """Return the first sample, as a factor on that of the tone."""
    return float(voice.synthesize("A").samples[0]) / (65 / 256)


def test_the_block_goes_to_the_end_and_the_voice_stays_as_it_is(voice: voxstack.Voice) -> None:
    varied = voice.with_block({"type": "Scale"})
    assert (level(varied), level(voice)) == (12, 6)
    assert varied.stack == [*STACK, {"type": "Scale"}]
    assert voice.stack == STACK
    assert level(voice.with_block("Scale")) == 12


def test_networks_are_open_once_and_settings_are_kept(write_addon: Callable[..., Path], registry: Registry) -> None:
    folder = write_addon(stack=STACK, networks=NETWORKS, contexts={"other": {"runtime": "python"}})
    scheduler, schedule = Scheduler(), Schedule(first=3)
    voice = voxstack.load(
        folder, context="other", registry=registry, scheduler=scheduler, schedule=schedule, timeout=math.inf
    )
    varied = voice.with_stack(STACK[:2])
    assert varied.addon is voice.addon
    assert [network.effective for network in networks(varied)] == varied.contexts()
    assert networks(varied)[0] is networks(voice)[0]
    assert [row.network for row in voice.contexts()] == ["double", "triple"]
    assert [row.network for row in varied.contexts()] == ["double"]
    assert (varied.scheduler, varied.schedule, varied.timeout) == (scheduler, schedule, None)
    assert (varied.with_block("Scale").timeout, varied.addon.context.name) == (None, "other")


def networks(voice: voxstack.Voice) -> list[Network]:
    blocks = getattr(voice.block, "stack", [voice.block])
    return [network for block in blocks for network in block.networks_opened]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"after": "Around"}, [STACK[0], "new", *STACK[1:]]),
        ({"after": "triple"}, [*STACK, "new"]),
        ({"before": "double"}, [STACK[0], "new", *STACK[1:]]),
        ({"replace": "stack[2]"}, [*STACK[:2], "new"]),
        ({"after": "[1]"}, [*STACK[:2], "new", STACK[2]]),
        (
            {"after": "Tone"},
            [{"type": "Around", "block": {"type": "StreamableStack", "stack": [{"type": "Tone"}, "new"]}}, *STACK[1:]],
        ),
        ({"replace": "Tone"}, [{"type": "Around", "block": "new"}, *STACK[1:]]),
    ],
)
def test_the_block_is_put_beside_another_one(voice: voxstack.Voice, place: Any, expected: list[Any]) -> None:
    new = {"type": "Tone"} if "replace" in place and place["replace"] == "Tone" else {"type": "Scale"}
    varied = voice.with_block(new, **place)
    assert varied.stack == replaced(expected, new)
    assert len(varied.synthesize("ab").samples) == 20


def replaced(value: Any, new: Any) -> Any:
    """Return JSON with another value for "new"."""
    if isinstance(value, dict):
        return {key: replaced(item, new) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, new) for item in value]
    return new if value == "new" else value


def test_a_sequence_block_is_put_beside_another_one(voice: voxstack.Voice) -> None:
    pipeline = {"type": "StreamablePipeline", "sequence_block": {"type": "Upper"}, "streamable_block": {"type": "Tone"}}
    varied = voice.with_stack(pipeline).with_block("Upper", after="Upper")
    assert varied.stack[0]["sequence_block"] == {"type": "SequenceBlockContainer", "blocks": [{"type": "Upper"}] * 2}
    assert varied.synthesize("a").samples[0] == np.float32(65 / 256)
    with pytest.raises(StackError, match="Scale is a StreamableBlock, and only a SequenceBlock can stand here"):
        voice.with_stack(pipeline).with_block("Scale", after="Upper")


def test_a_block_of_a_class_that_no_plugin_registers(voice: voxstack.Voice) -> None:
    block = Half(0.25)
    varied = voice.with_block(block)
    assert level(varied) == 1.5
    assert varied.stack[-1] == {"type": "Half", "factor": 0.25}
    assert (block.stack_path, hasattr(block, "loads")) == ("", False), "a copy of it was loaded"
    assert level(varied.with_block("Half", after="Half")) == 0.75, "its class is known from here on"
    assert level(voice.with_stack([*STACK[:2], block, Callback()])) == -0.5
    inside = voice.with_stack([Around(voxstack.StreamableStack([Tone(), Half()])), *STACK[1:]])
    assert level(inside) == 3
    assert level(inside.with_block(Half(), after="Tone")) == 1.5
    assert level(inside) == 3
    with pytest.raises(StackError, match="no block named 'Half'"):
        voice.with_block("Half")


def test_the_sample_rate_is_that_of_the_stack(voice: voxstack.Voice, write_addon: Any, registry: Registry) -> None:
    varied = voice.with_block("Faster")
    assert (voice.sample_rate, varied.sample_rate) == (8000, 16_000)
    assert varied.synthesize("abc").duration == voice.synthesize("abc").duration
    folder = write_addon(name="wrong", stack=[{"type": "Tone"}, {"type": "Faster"}])
    with pytest.raises(StackError, match=r"stack: it ends in 16000 Hz, and sample_rate in addon\.json is 8000"):
        voxstack.load(folder, registry=registry)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda voice: voice.with_block("Scale", after="Scale"),
            r"there are 2 blocks 'Scale'; name one by its network or path: stack\[1\] \(double\), stack\[2\] \(tri",
        ),
        (lambda voice: voice.with_block("Scale", after="Scael"), "no block 'Scael' .* did you mean 'Scale'"),
        (lambda voice: voice.with_block("Scale", before="quadruple"), "it has Around, Tone, Scale"),
        (lambda voice: voice.with_block("Scale", before=3), "not 3"),
        (lambda voice: voice.with_block("Scale", before="a", after="b"), "after and before are given"),
        (lambda voice: voice.with_block("Scael"), r"stack\[3\]: no block named 'Scael'; did you mean 'Scale'"),
        (lambda voice: voice.with_block(Half), r"Half is a class; give a block: Half\(\.\.\.\)"),
        (lambda voice: voice.with_block(Half("x")), r"stack\[3\]\.factor: Half: 'x' is not a number"),
        (lambda voice: voice.with_block({"factor": 2}), "expected an object such as"),
        (lambda voice: voice.with_block("Scale", before="Around"), "Around starts a stream of its own .* put it first"),
        (lambda voice: voice.with_stack("stack.json"), r"is a str; read JSON first: json\.loads"),
        (lambda voice: voice.with_stack([]), "it is empty; give a list of blocks"),
        (lambda voice: voice.with_stack(None), "NoneType is no stack; give a list of blocks"),
        (lambda voice: voice.with_stack(["Tone", "Scale"]), r"stack\[0\]: expected an object such as"),
        (lambda voice: voice.with_stack([{"type": "Scale"}]), "nothing here starts a stream"),
    ],
)
def test_what_does_not_fit_is_an_error_with_its_place(voice: voxstack.Voice, change: Any, message: str) -> None:
    with pytest.raises((StackError, RequestError), match=message) as caught:
        change(voice)
    assert "\n" not in str(caught.value).replace("\n  installed", "")


def test_a_stack_of_an_addon_json_is_taken_from_it(voice: voxstack.Voice) -> None:
    assert voice.with_stack(voice.addon.config).stack == STACK
