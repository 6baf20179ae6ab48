"""Voices that are damaged on purpose, each in a way that one row of a grade is meant to catch."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from copies import copied, write_config
from tiny import plugin

import voxstack
from voxstack import Registry
from voxstack_addon_spec import file_entry

Change = Callable[[Path, dict[str, Any]], None]
"""A function that changes the folder and the addon.json of a copy of amber."""

MISREAD = """\
the\tdh
morning\tm ao1 n ih0
train\tr ey1
leaves\tl iy1
second\ts eh1 k
platform\tae1 f ao0
please\tl iy1
window\tw ih1 d
before\tf ao1
garden\tg aa1
last\tl ae1
have\thh ae1
station\ts ey1 sh
"""
"""Words that lack phonemes."""


@dataclass
class Swallow(voxstack.SequenceBlock):
    """Shortens every plosive and fricative to one frame."""

    needs = frozenset({"durations", "phones"})
    gives = frozenset({"durations"})

    def __call__(self, utterance: Any) -> Any:
        swallowed = np.isin(list(utterance["phones"]), ["t", "d", "k", "p", "b", "g", "s", "z", "f", "th", "sh"])
        return {"durations": np.where(swallowed, 1.0, utterance["durations"]).astype(np.float32)}


@dataclass
class Hoarse(voxstack.StreamableBlock):
    """Adds noise in proportion to the loudness."""

    takes = makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Iterator[np.ndarray]:
        random = np.random.default_rng(0)
        for chunk in source:
            yield (chunk + 0.5 * np.abs(chunk) * random.normal(size=len(chunk))).astype(np.float32)


@dataclass
class Dawdle(voxstack.StreamableBlock):
    """Waits for half of the time that each chunk lasts."""

    takes = makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Iterator[np.ndarray]:
        for chunk in source:
            time.sleep(len(chunk) / 16000 / 2)
            yield chunk


def _inner(config: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Return the sequence blocks and the streamable blocks of amber."""
    pipeline = config["stack"][0]["block"]
    return pipeline["sequence_block"]["blocks"], pipeline["streamable_block"]["stack"]


def _after(*blocks: dict[str, Any]) -> Change:
    return lambda folder, config: _inner(config)[1].extend(blocks)


def _default(control: str, value: float) -> Change:
    return lambda folder, config: config["controls"][control].update(default=value)


def _noisy(network: str, amount: float) -> Change:
    def change(folder: Path, config: dict[str, Any]) -> None:
        file = folder / f"{network}.onnx.data"
        weights = np.frombuffer(file.read_bytes(), np.float16).copy()
        usual = np.isfinite(weights) & (np.abs(weights) > 1e-5) & (np.abs(weights) < 100)
        weights[usual] *= 1 + amount * np.random.default_rng(0).normal(size=int(usual.sum())).astype(np.float16)
        file.write_bytes(weights.tobytes())

    return change


def _other_hop(folder: Path, config: dict[str, Any]) -> None:
    config["hop_length"] = 180
    next(block for block in _inner(config)[1] if block["type"] == "InverseSTFT")["hop_length"] = 180


def _misread(folder: Path, config: dict[str, Any]) -> None:
    (folder / "misread.tsv").write_text(MISREAD)
    _inner(config)[0][0]["lexicon"] = "misread.tsv"


def _swallowing(folder: Path, config: dict[str, Any]) -> None:
    _inner(config)[0].append({"type": "Swallow"})


def _short_of_words(folder: Path, config: dict[str, Any]) -> None:
    config["controls"]["rate"]["default"] = 3.5


DAMAGES: dict[str, tuple[str, Change]] = {
    "noise of 40 % in the weights of the decoder": ("wer", _noisy("decoder", 0.4)),
    "noise of 20 % in the weights of the decoder": ("spectrum", _noisy("decoder", 0.2)),
    "three and a half times as fast": ("wer", _short_of_words),
    "plosives and fricatives swallowed": ("phoneme_durations", _swallowing),
    "words that lack phonemes": ("phonemes", _misread),
    "a hop of 180 instead of 200": ("duration", _other_hop),
    "10 % slower": ("duration", _default("rate", 0.9)),
    "clipped by a gain of 12 dB": ("clipping", _after({"type": "Gain", "db": 12.0})),
    "3 dB softer": ("loudness", _after({"type": "Gain", "db": -3.0})),
    "a monotone pitch": ("pitch_spread", _default("pitch_range", 0.0)),
    "two semitones higher": ("pitch", _default("pitch", 2.0)),
    "hoarse": ("harmonicity", _after({"type": "Hoarse"})),
    "muffled": (
        "spectrum",
        _after(
            {"type": "Resample", "source_rate": 16000, "target_rate": 6000},
            {"type": "Resample", "source_rate": 6000, "target_rate": 16000},
        ),
    ),
    "pauses three times as long": ("edges", _default("pause", 3.0)),
    "slow to compute": ("rtf", _after({"type": "Dawdle"})),
}
"""The row that is meant to catch each damage, and the change that makes it."""


def damaged(folder: Path, damage: str) -> Path:
    """Write a copy of amber with a damage, and return its folder."""
    target = copied(folder, "amber", f"damaged-{list(DAMAGES).index(damage)}")
    config = copy.deepcopy(voxstack.load("amber").addon.config)
    config |= {"name": target.name}
    config.pop("golden", None)
    DAMAGES[damage][1](target, config)
    files = [path for path in sorted(target.iterdir()) if path.name != "addon.json"]
    write_config(target, config | {"files": {path.name: file_entry(path) for path in files}})
    return target


def world() -> Registry:
    """Return the installed plugins, and the blocks of the damages."""
    return Registry.installed().with_plugins({"damages": plugin([Swallow, Hoarse, Dawdle])})
