"""A voice: an addon with a stack that turns text into samples."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.addon import Addon
from voxstack.blocks import StreamableBlock, Utterance
from voxstack.errors import AddonError, RequestError, StackError
from voxstack.networks import Context
from voxstack.registry import Registry
from voxstack.schedule import Schedule
from voxstack.stack import build
from voxstack_addon_spec.validation import strict_validator

RESERVED = frozenset({"self", "text", "schedule"})
"""Names that no control may have."""


@dataclass(frozen=True)
class Chunk:
    """A piece of speech: ``samples``, float32 in -1..1, the first of which is number ``start`` of the whole."""

    samples: np.ndarray
    start: int


@dataclass(frozen=True)
class Speech:
    """A whole utterance: ``samples``, float32 in -1..1, at ``sample_rate`` Hz. Plays itself in a notebook."""

    samples: np.ndarray
    sample_rate: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.sample_rate

    def save(self, path: str | Path) -> None:
        """Write a WAV file, 16 bit, mono.

        :raises RequestError: for another ending than ``.wav``.
        """
        if Path(path).suffix.lower() != ".wav":
            raise RequestError(f"cannot write {str(path)!r}: only .wav is known; convert the .wav with a tool of your choice")
        Path(path).write_bytes(self.wav())

    def wav(self) -> bytes:
        """The bytes of that file."""
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.sample_rate)
            file.writeframes(pcm16(self.samples))
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.wav()).decode()
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'


def pcm16(samples: np.ndarray) -> bytes:
    """Return samples as 16-bit little-endian PCM; what is beyond -1..1 is clipped."""
    data: bytes = (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()
    return data


class Voice:
    """An addon whose stack is built: speaks any number of texts, also at the same time from several threads.

    :raises StackError: if the addon has no stack, or one that does not end in samples.
    """

    def __init__(self, addon: Addon) -> None:
        self.addon = addon
        stack = addon.config.get("stack")
        if not stack:
            raise StackError(addon.name, "this addon has no stack: it lends its networks to others and cannot speak by itself")
        block = build(stack, addon)
        if not isinstance(block, StreamableBlock) or not block.head:
            raise StackError("stack[0]", "nothing here starts a stream; begin with a block that makes frames from the utterance")
        if block.makes not in (None, "samples"):
            raise StackError("stack", f"a voice ends in 'samples', and this stack ends in {block.makes!r}")
        self.block: StreamableBlock = block
        self.name: str = addon.name
        self.sample_rate: int = addon.config["sample_rate"]
        self.controls: Mapping[str, Any] = addon.config.get("controls", {})
        taken = self.controls.keys() & RESERVED
        if taken:
            raise AddonError(f"{addon.name}: controls", f"{sorted(taken)} mean something else in a request; call these controls otherwise")

    def request(self, text: str, *, schedule: Schedule | None = None, **controls: Any) -> Utterance:
        """Return the utterance that a stack starts from: the text, and every control that the addon declares.

        :param schedule: how many frames to give at a time; a small first chunk and growing ones, unless said otherwise.
        :raises RequestError: for an empty text, or a control that the voice has not or that is out of its bounds.
        """
        if not isinstance(text, str) or not text.strip():
            raise RequestError(f"{self.name}: the text is empty; give at least one word")
        for name, value in controls.items():
            if name not in self.controls:
                raise RequestError(f"{self.name} has no control {name!r}; it has {', '.join(self.controls) or 'none'}")
            self._check(name, value)
        defaults = {name: schema["default"] for name, schema in self.controls.items() if "default" in schema}
        return {"text": text, "schedule": schedule or Schedule(), **defaults, **controls}

    def stream(self, text: str, *, schedule: Schedule | None = None, **controls: Any) -> Iterator[Chunk]:
        """Speak, a chunk at a time, each made when it is asked for.

        Close the iterator, or leave it alone, to stop.

        :raises RequestError: at once, before the first chunk is asked for.
        """
        return self._chunks(self.request(text, schedule=schedule, **controls))

    def synthesize(self, text: str, *, schedule: Schedule | None = None, **controls: Any) -> Speech:
        """Speak, and return the whole: the joined chunks of :meth:`stream`."""
        chunks = [chunk.samples for chunk in self.stream(text, schedule=schedule, **controls)]
        return Speech(np.concatenate(chunks) if chunks else np.zeros(0, np.float32), self.sample_rate)

    def _chunks(self, utterance: Utterance) -> Iterator[Chunk]:
        start = 0
        for samples in self.block.stream(iter(()), utterance):
            if samples.ndim != 1:
                raise StackError("stack", f"a voice ends in samples, (samples,), and this one gave the shape {samples.shape}")
            yield Chunk(np.asarray(samples, np.float32), start)
            start += len(samples)

    def _check(self, name: str, value: Any) -> None:
        from jsonschema.exceptions import best_match

        error = best_match(strict_validator()(dict(self.controls[name])).iter_errors(value))
        if error is not None:
            raise RequestError(f"{self.name}: {name}: {error.message}")


def load(
    source: str | Path,
    *,
    context: str | Mapping[str, Any] | Context | None = None,
    trust: bool = False,
    registry: Registry | None = None,
) -> Voice:
    """Load a voice: an installed one by name, or a folder or ``.zip`` of an addon.

    :param context: where its networks run: a name from the addon's ``contexts``, or a mapping such as
        ``{"runtime": "onnx", "device": "cpu", "threads": 1}``.
    :param trust: let code in the addon run, as in a ``.pt2``; what was installed with pip is trusted.
    :param registry: plugins to use; those installed, unless said otherwise.
    :raises VoxstackError: saying what is missing or wrong, and where.
    """
    return Voice(Addon.open(source, registry or Registry.installed(), context, trust))
