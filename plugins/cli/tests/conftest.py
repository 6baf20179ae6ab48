"""A small world for the command: a voice that hums, and one that reports its words, in addons of their own."""

from __future__ import annotations

import io
import itertools
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import plugin

from voxstack import NetworkError, Registry, StreamableBlock

STEP = 100


@dataclass
class Hum(StreamableBlock):
    """Hums a sine: 100 samples for each letter of the text.

    :param pitch: in Hz.
    """

    pitch: float = 440.0

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        for index, letter in enumerate(itertools.chain.from_iterable(utterance["text"])):  # of a text, or of its parts
            if letter == "~":
                return
            if letter == "!":
                raise NetworkError("the network failed")
            if letter == "s":
                time.sleep(STEP / 8000 * (os.cpu_count() or 1))
            if letter == "^":
                raise KeyboardInterrupt
            if letter == "#":
                raise ZeroDivisionError("a bug")
            times = np.arange(index * STEP, (index + 1) * STEP) / 8000
            yield (np.sin(2 * np.pi * self.pitch * times) * utterance["volume"] / utterance["rate"]).astype(np.float32)


@dataclass
class Reader(StreamableBlock):
    """Synthesizes each letter as 100 samples and a full stop as a pause of 2000.

    Reports words, each of which must be within one part of the text.
    """

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Any:
        text, timeline = utterance["text"], utterance["timeline"]
        place = at = 0
        for part in [text] if isinstance(text, str) else text:
            for found in re.finditer(r"[\w&<>]+|.", part, re.DOTALL):
                size = round(2000 * utterance["pause"]) if found[0] == "." else STEP * len(found[0])
                if found[0][0].isalnum():
                    timeline.add("word", found[0], at, size, (place + found.start(), place + found.end()))
                yield np.full(size, 0.5 if found[0][0].isalnum() else 0.0, np.float32)
                at += size
            place += len(part)


CONTROLS = {
    "rate": {"type": "number", "minimum": 0.5, "maximum": 2, "default": 1.0, "description": "Speed, as a factor."},
    "volume": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
    "style": {"type": "string", "default": "calm"},
}


def expected(text: str, volume: float = 0.5) -> np.ndarray:
    """Return the 16-bit samples of a text."""
    time = np.arange(len(text) * STEP) / 8000
    return np.round(np.clip((np.sin(2 * np.pi * 440 * time) * volume).astype(np.float32), -1, 1) * 32767).astype("<i2")


@pytest.fixture
def expect() -> Callable[..., np.ndarray]:
    return expected


@pytest.fixture
def world(write_addon: Callable[..., Path]) -> Registry:
    """Return a registry of two plugins: block ``Hum`` and voice ``hummer``, block ``Reader`` and voice ``reader``."""
    hummer = write_addon("hummer", stack=[{"type": "Hum"}], controls=CONTROLS)
    reader = write_addon("reader", stack=[{"type": "Reader"}], controls={"pause": {"type": "number", "default": 1.0}})
    hum, read = plugin([Hum], {}, voxstack_addons=lambda: [hummer]), plugin([Reader], voxstack_addons=lambda: [reader])
    return Registry(
        {"hum": hum, "read": read}, distribution_of={"hum": "voxstack-hum", "read": "voxstack-read"}.__getitem__
    )


@pytest.fixture
def say(world: Registry) -> Callable[..., int]:
    """Return a function that runs ``voxstack say --voice hummer ...``."""
    from voxstack_cli.main import main

    return lambda *argv: main(["say", "--voice", "hummer", *argv], world)


@pytest.fixture
def read(world: Registry) -> Callable[..., int]:
    """Return a function that runs ``voxstack say --voice reader ...``."""
    from voxstack_cli.main import main

    return lambda *argv: main(["say", "--voice", "reader", *argv], world)


@pytest.fixture
def pipe_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Return a function that provides bytes on stdin."""
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.fixture
def bad_plugin() -> Any:
    """Return a plugin whose hook for addons fails."""

    def voxstack_addons() -> Any:
        raise RuntimeError("no licence key")

    return plugin(voxstack_addons=voxstack_addons)
