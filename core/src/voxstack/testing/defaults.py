"""Cases by default: plausible input for the names that blocks share, and a small addon with networks of each role."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from voxstack.blocks import Block, Frames, SequenceBlock, StreamableBlock
from voxstack.composites import SequenceBlockContainer
from voxstack.errors import VoxstackError, describe
from voxstack.hookspecs import hookimpl
from voxstack.networks.addon import Addon
from voxstack.registry import Registry
from voxstack.streaming.schedule import Schedule
from voxstack.testing.cases import Case
from voxstack.testing.judging import Unjudged
from voxstack.testing.running import check_runs_on_its_case
from voxstack.utterance import Utterance

TOKENS, FEATURES = 7, 5
_TEXT = "Hello there, my friend."
_RANDOM = np.random.default_rng(11)
_LENGTHS = np.array([3, 4, 2, 6, 1, 5, 4], np.float32)

ENTRIES: Mapping[str, Any] = {
    "text": _TEXT,
    "markup": "text",
    "lexicon": None,
    "rate": 1.1,
    "pause": 1.2,
    "pitch": 1.0,
    "pitch_range": 1.1,
    "energy": 1.0,
    "volume": -3.0,
    "speaker": 0,
    "steps": 2,
    "seed": 7,
    "noise_scale": 0.5,
    "text_start": 0,
    "written": _TEXT,
    "spoken_words": [("hello", 0, 5), ("there", 6, 11), (",", 11, 12), ("my", 13, 15), ("friend", 16, 22)],
    "language": "en-US",
    "sentence_ends": np.array([len(_TEXT)], np.int64),
    "phonemes": list("hɛloʊ"),
    "tokens": np.arange(TOKENS, dtype=np.int64),
    "tones": np.zeros(TOKENS, np.int64),
    "phones": ["hh", "ah0", "l", "ow1", "dh", "eh1", "r"],
    "words": [],
    "word_count": np.array(4, np.int64),
    "silences": np.arange(TOKENS) == TOKENS - 1,
    "pauses": np.full(TOKENS, np.nan),
    "rates": np.linspace(0.8, 1.3, TOKENS),
    "volumes": np.linspace(-6.0, 3.0, TOKENS),
    "speaker_id": np.array(0, np.int64),
    "speaker_weights": np.array([0.25, 0.75], np.float32),
    "encoded": _RANDOM.standard_normal((TOKENS, FEATURES)).astype(np.float32),
    "durations": _LENGTHS,
    "lf0": np.linspace(4.5, 5.5, TOKENS).astype(np.float32),
    "level": np.linspace(-40.0, -20.0, TOKENS).astype(np.float32),
    "noise": _RANDOM.standard_normal((int(_LENGTHS.sum()), FEATURES)).astype(np.float32),
    "frames": _RANDOM.standard_normal((int(_LENGTHS.sum()), FEATURES)).astype(np.float32),
}
"""Values for names of :data:`voxstack.utterance.NAMES` that fit each other."""

FIELDS: Mapping[str, Any] = {
    "sample_rate": 16000,
    "source_rate": 16000,
    "target_rate": 24000,
    "hop_length": 200,
    "n_fft": 512,
    "channels": 1,
    "features": FEATURES,
    "frequency": 1000.0,
    "seconds": 0.05,
}
"""Values for fields without a default, by their names."""

ADVICE = "give a case by the hook voxstack_contract_cases, or in a test by voxstack.testing.Case"


@dataclasses.dataclass
class PassThrough(StreamableBlock):
    """Yields its source, for blocks that need another one inside."""

    lookback = 0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        yield from source


@dataclasses.dataclass
class Start(StreamableBlock):
    """Starts a stream of samples, 200 for each character of the text."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        codes = np.array([ord(character) for character in utterance["text"]], np.float32)
        samples = np.sin(np.repeat(codes, 200) * np.arange(200 * len(codes), dtype=np.float32) * 0.01)
        start = 0
        for size in utterance.get("schedule", Schedule()).sizes():
            if start >= len(samples):
                return
            yield samples[start : start + size]
            start += size


def default_case(cls: type[Block], plugins: Mapping[str, Any]) -> Case:
    """Return a case for a block of default fields, loaded from a small addon, with the entries that it needs.

    :raises Unjudged: with the reason, if it needs more than that, or does not run on it.
    """
    try:
        block = _loaded(cls, plugins, PassThrough)
    except Unjudged:
        block = _loaded(cls, plugins, Start)
    unknown = sorted(block.needs - ENTRIES.keys())
    if unknown:
        raise Unjudged(f"there is no default input for {unknown}, which it needs; {ADVICE}")
    case = Case(block, {name: ENTRIES[name] for name in block.needs})
    try:
        check_runs_on_its_case(case)
    except AssertionError as error:
        raise Unjudged(f"on the default input it {error}; {ADVICE}") from error
    return case


def _loaded(cls: type[Block], plugins: Mapping[str, Any], inside: type[StreamableBlock]) -> Block:
    block = _instance(cls, inside)
    try:
        block.load(default_addon(plugins))
    except Exception as error:
        raise Unjudged(f"it does not load from the default addon: {describe(error)}; {ADVICE}") from error
    return block


def default_addon(plugins: Mapping[str, Any]) -> Addon:
    """Return an addon with an encoder and a decoder, which Python functions run, and these plugins."""
    tokens = {"tokens": {"dtype": "int64", "shape": ["batch", "tokens"]}}
    encoder = {
        "encoded": {"dtype": "float32", "shape": ["batch", "tokens", FEATURES]},
        "durations": {"dtype": "float32", "shape": ["batch", "tokens"]},
    }
    frames, mel = ({name: {"dtype": "float32", "shape": ["batch", "frames", FEATURES]}} for name in ("frames", "mel"))
    networks: dict[str, Any] = {
        "encoder": {"role": "encoder", "inputs": tokens, "outputs": encoder},
        "decoder": {"role": "decoder", "inputs": frames, "outputs": mel},
    }
    networks["decoder"]["streaming"] = {"axis": "frames", "left": 2, "right": 1, "hop": 1}
    for name, network in networks.items():
        network["exports"] = [{"format": "contract", "symbol": f"{name}.txt"}]
    files = {
        f"{name}.txt": {"sha256": hashlib.sha256(name.encode()).hexdigest(), "size": len(name)} for name in networks
    }
    config = {"name": "contract", "version": "1", "sample_rate": 16000, "hop_length": 200, "controls": {}}
    config |= {"networks": networks, "files": files, "contexts": {"default": {"runtime": "contract"}}}
    contents: Any = SimpleNamespace(location="the default addon", config=config, path=Path)
    return Addon(contents, Registry({**plugins, "contract kit": SimpleNamespace(voxstack_open_network=_open)}))


@hookimpl
def _open(spec: Any, context: Any) -> Callable[..., Any] | None:
    if context.runtime != "contract":
        return None
    return _encode if spec.role == "encoder" else _decode


def _encode(tokens: np.ndarray) -> dict[str, np.ndarray]:
    encoded = np.stack([(tokens + feature) % 5 for feature in range(FEATURES)], axis=-1)
    return {"encoded": encoded.astype(np.float32), "durations": (tokens % 4 + 1).astype(np.float32)}


def _decode(frames: np.ndarray) -> dict[str, np.ndarray]:
    """Return sums of two frames of the past and one of the future, with zeros outside."""
    padded = np.pad(frames, [(0, 0), (2, 1), (0, 0)])
    return {"mel": sum(padded[:, i : i + frames.shape[1]] for i in range(4)).astype(np.float32)}  # type: ignore[union-attr]


def _instance(cls: type[Block], inside: type[StreamableBlock]) -> Block:
    """Return a block of default fields, with simple blocks inside where it needs some."""
    if not dataclasses.is_dataclass(cls):
        return cls()  # another clause reports it
    import typing

    hints, values = typing.get_type_hints(cls), {}
    inner: dict[Any, Callable[[], Any]] = {
        StreamableBlock: inside,
        SequenceBlock: lambda: SequenceBlockContainer([]),
        list[StreamableBlock]: lambda: [inside()],
        list[SequenceBlock]: list,
    }
    for field in dataclasses.fields(cls):
        has_default = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        if not field.init or has_default:
            continue
        if hints[field.name] in inner:
            values[field.name] = inner[hints[field.name]]()
        elif field.name in FIELDS:
            values[field.name] = FIELDS[field.name]
        else:
            raise Unjudged(f"its field {field.name!r} has no default; {ADVICE}")
    try:
        return cls(**values)
    except (VoxstackError, ValueError, TypeError) as error:
        raise Unjudged(f"it cannot be made of its default fields: {describe(error)}; {ADVICE}") from error
