"""The server-sent events of a response: audio, and if requested the words in it and the time of each block."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack.streaming.timeline import Event
    from voxstack_serve.audio import Usage
    from voxstack_serve.speech_request import SpeechRequest

LONGEST_PART = 2**20
"""Bytes of audio in an event: a complete response may have more than clients read at once."""


async def event_parts(
    audio: AsyncGenerator[bytes, None], request: SpeechRequest, usage: Usage
) -> AsyncGenerator[bytes, None]:
    """Yield encoded audio in events; the last one has the usage."""
    began, first = time.perf_counter(), 0.0
    async with aclosing(audio):
        async for part in audio:
            first = first or time.perf_counter() - began
            for begin in range(0, len(part), LONGEST_PART):
                yield _delta(part[begin : begin + LONGEST_PART], request, usage)
    if usage.words:  # in the audio that an encoder had kept back
        yield _delta(b"", request, usage)
    if usage.trace is not None:
        took = {"first_audio": round(first, 6), "seconds": round(time.perf_counter() - began, 6)}
        blocks = [{name: _rounded(value) for name, value in asdict(row).items()} for row in usage.trace.blocks()]
        yield event({"type": "speech.trace", **took, "audio": round(usage.seconds, 6), "blocks": blocks})
    yield event({"type": "speech.audio.done", "usage": usage.content()})


def event(content: dict[str, Any]) -> bytes:
    """Return an object as an event."""
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def _delta(part: bytes, request: SpeechRequest, usage: Usage) -> bytes:
    content: dict[str, Any] = {"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()}
    if request.words:
        content["words"], usage.words = _words(usage.words), []
    return event(content)


def _words(words: Iterable[Event]) -> list[dict[str, Any]]:
    """Return words as clients receive them: times in seconds, spans in characters."""
    return [
        {"text": e.text, "start": round(e.start, 4), "end": round(e.start + e.duration, 4), "span": e.span}
        for e in words
    ]


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
