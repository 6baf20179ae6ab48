"""A stream of speech as the bytes of a format."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.streaming.timeline import Event
from voxstack.streaming.tracing import Trace
from voxstack_serve.encoders import FORMATS, Encoder
from voxstack_serve.resampling import Resampler
from voxstack_serve.resuming import Remainder, Start, after_the_end, feed_silence, start_at

if TYPE_CHECKING:
    from voxstack import Chunk
    from voxstack_serve.backlog import Pace
    from voxstack_serve.service import Service
    from voxstack_serve.speech_request import SpeechRequest

TOKENS = 20
"""Tokens of output in a second of audio."""

FIRST = 0.1
"""Seconds of audio that a slow encoder receives first: less than 2 ms of work, which needs no thread."""


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


async def encoded(
    service: Service,
    request: SpeechRequest,
    usage: Usage,
    source_rate: int,
    number: int | None = None,
    pace: Pace | None = None,
) -> AsyncGenerator[bytes, None]:
    """Yield the encoded speech from its first required byte on; of a request for a complete response, all at once.

    :param source_rate: sample rate of the voice in Hz.
    :param number: for formats whose files have one; None: a random one.
    :param pace: of the client.
    :raises ApiError: at the end, if it comes before the first required byte.
    """
    target = FORMATS[request.format]
    rate = target.target_rate(source_rate, request.sample_rate)
    start = start_at(request.start_byte, None if request.complete else target.header, source_rate, rate)
    encoder, rest, heard = target.open(rate, None, number), Remainder(start.content), Remainder(start.samples)
    waits = not (request.complete or request.start_byte)  # what comes before the first required byte is never sent
    stream = _stream(service, request, usage, start, pace if waits else None)
    samples = _samples(stream, request, usage, source_rate, Resampler(source_rate, rate), start, heard)
    async with aclosing(samples):
        if request.complete:
            if found := rest.of(await _whole(samples, lambda count: target.open(rate, count, number))):
                yield found
        else:
            first = round(FIRST * rate) if target.slow else 0
            async for part in samples:
                for block, on_thread in ((part[:first], False), (part[first:], target.slow)):
                    if not len(block):
                        continue
                    found = await asyncio.to_thread(encoder.encode, block) if on_thread else encoder.encode(block)
                    if found := rest.of(found):
                        yield found
                first = 0
            if found := rest.of(encoder.finish()):
                yield found
    if rest.missing or heard.missing:
        raise after_the_end()


async def _whole(samples: AsyncGenerator[np.ndarray, None], open_encoder: Callable[[int], Encoder]) -> bytes:
    """Return encoded samples once there are all of them."""
    parts = [part async for part in samples]
    whole = np.concatenate([np.zeros(0, np.float32), *parts])
    encoder = open_encoder(len(whole))
    return await asyncio.to_thread(lambda: encoder.encode(whole) + encoder.finish())


def _stream(
    service: Service, request: SpeechRequest, usage: Usage, start: Start, pace: Pace | None
) -> AsyncGenerator[Chunk, None]:
    """Return the stream of a request, from its first required sample on."""
    extras: dict[str, Any] = {"context": request.context, "trace": usage.trace, "pace": pace}
    extras |= {"start": start.source} if start.source else {}
    return service.stream(
        request.voice, request.text, markup=request.markup, lexicon=request.lexicon, **extras, **request.controls
    )


async def _samples(
    stream: AsyncGenerator[Chunk, None],
    request: SpeechRequest,
    usage: Usage,
    source_rate: int,
    resampler: Resampler,
    start: Start,
    heard: Remainder,
) -> AsyncGenerator[np.ndarray, None]:
    """Yield the samples at the rate of the resampler, no chunk of which is empty, after those that were heard."""
    silence = start.source
    async with aclosing(stream) as chunks:
        async for chunk in chunks:
            if silence:  # only now, as a client may request a start far after the end of the speech
                heard.missing -= await asyncio.to_thread(feed_silence, resampler, silence)
                silence = 0
            usage.seconds = (chunk.start + len(chunk.samples)) / source_rate
            if request.words:
                usage.words += (event for event in chunk.events if event.kind == "word")
            if len(samples := heard.of(resampler.resample(chunk.samples))):
                yield samples
    if len(samples := heard.of(resampler.finish())):
        yield samples
