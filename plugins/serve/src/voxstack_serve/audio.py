"""A stream of speech as the bytes of a format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.streaming.timeline import Event
from voxstack.streaming.tracing import Trace
from voxstack_serve.encoders import FORMATS
from voxstack_serve.resampling import Resampler

if TYPE_CHECKING:
    from voxstack_serve.service import Service
    from voxstack_serve.speech_request import SpeechRequest

TOKENS = 20
"""Tokens of output in a second of audio."""

FIRST = 0.1
"""Seconds of audio that a slow encoder receives first: the rest of the first chunk waits until those are sent."""


@dataclass
class Usage:
    """The usage of a request: a token of input for each character, and :data:`TOKENS` of output for each second.

    :param words: events of the words that no part of the response has carried yet, if the request asks for them.
    :param trace: of the stream, if the request asks for one.
    """

    characters: int
    seconds: float = 0.0
    words: list[Event] = field(default_factory=list)
    trace: Trace | None = None

    @classmethod
    def of(cls, request: SpeechRequest) -> Usage:
        """Return the usage of a request before its first audio."""
        return cls(len(request.text), trace=Trace() if request.trace else None)

    def content(self) -> dict[str, int]:
        """Return the usage as clients receive it."""
        output = round(TOKENS * self.seconds)
        return {"input_tokens": self.characters, "output_tokens": output, "total_tokens": self.characters + output}


def media_type(request: SpeechRequest) -> str:
    """Return the media type of the audio; with the rate of samples without header, if it is not the usual one."""
    found = FORMATS[request.format]
    if request.format == "pcm" and request.sample_rate not in (None, found.rate):
        return f"{found.media_type};rate={request.sample_rate}"
    return found.media_type


async def encoded(service: Service, request: SpeechRequest, usage: Usage) -> AsyncGenerator[bytes, None]:
    """Yield the encoded speech as it is produced; of a request for a complete response, all at once."""
    source_rate, target = await service.sample_rate(request.voice), FORMATS[request.format]
    rate = target.target_rate(source_rate, request.sample_rate)
    async with aclosing(_samples(service, request, usage, Resampler(source_rate, rate))) as samples:
        if request.complete:
            parts = [part async for part in samples]
            whole = np.concatenate([np.zeros(0, np.float32), *parts])
            encoder = target.open(rate, len(whole))
            yield await asyncio.to_thread(lambda: encoder.encode(whole) + encoder.finish())
            return
        encoder, first = target.open(rate, None), round(FIRST * rate) if target.slow else 0
        async for part in samples:
            for block in filter(len, np.split(part, [first])):
                if found := await asyncio.to_thread(encoder.encode, block) if target.slow else encoder.encode(block):
                    yield found
            first = 0
        if rest := encoder.finish():
            yield rest


async def _samples(
    service: Service, request: SpeechRequest, usage: Usage, resampler: Resampler
) -> AsyncGenerator[np.ndarray, None]:
    """Yield the samples at the rate of the resampler, no chunk of which is empty."""
    source_rate = await service.sample_rate(request.voice)
    extras: dict[str, Any] = {"context": request.context, "trace": usage.trace}
    stream = service.stream(
        request.voice, request.text, markup=request.markup, lexicon=request.lexicon, **extras, **request.controls
    )
    async with aclosing(stream) as chunks:
        async for chunk in chunks:
            usage.seconds += len(chunk.samples) / source_rate
            if request.words:
                usage.words += (event for event in chunk.events if event.kind == "word")
            if len(samples := resampler.resample(chunk.samples)):
                yield samples
    if len(rest := resampler.finish()):
        yield rest
