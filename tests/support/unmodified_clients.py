"""A program that speaks by an unmodified client, and prints what it received as JSON.

    python tests/support/unmodified_clients.py CLIENT URL KEY VOICE

It runs in the environment of the clients, plugins/serve/tests/clients.txt, and imports nothing of this repository.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

SENTENCES = ["Hello there, my friend.", "The quick brown fox is home.", "It is late and the sun has set."]
TEXT = " ".join(SENTENCES)
Found = dict[str, Any]


async def livekit_openai(url: str, key: str, voice: str) -> Found:
    from livekit.plugins import openai

    async with closing(openai.TTS(base_url=f"{url}/v1", api_key=key, voice=voice)) as tts:
        return await heard(tts.synthesize(TEXT))


async def livekit_elevenlabs(url: str, key: str, voice: str, encoding: str = "mp3_22050_32") -> Found:
    async with livekit_tts(url, key, voice, encoding) as tts:
        stream = tts.stream()
        for place in range(0, len(TEXT), 7):  # as a language model writes it
            stream.push_text(TEXT[place : place + 7])
        stream.end_input()
        return await heard(stream)


async def livekit_elevenlabs_pcm(url: str, key: str, voice: str) -> Found:
    return await livekit_elevenlabs(url, key, voice, "pcm_24000")


async def livekit_elevenlabs_whole(url: str, key: str, voice: str) -> Found:
    async with livekit_tts(url, key, voice, "pcm_24000") as tts:
        voices = [found.id for found in await tts.list_voices()]
        return {**await heard(tts.synthesize(TEXT)), "voices": voices}


@asynccontextmanager
async def livekit_tts(url: str, key: str, voice: str, encoding: str) -> AsyncIterator[Any]:
    import aiohttp
    from livekit.plugins import elevenlabs

    options = {"base_url": f"{url}/v1", "api_key": key, "voice_id": voice, "encoding": encoding}
    async with aiohttp.ClientSession() as session, closing(elevenlabs.TTS(**options, http_session=session)) as tts:
        yield tts


@asynccontextmanager
async def closing(tts: Any) -> AsyncIterator[Any]:
    try:
        yield tts
    finally:
        await tts.aclose()


async def heard(stream: Any) -> Found:
    samples, rate, words, content = 0, 0, list[Any](), bytearray()
    async for part in stream:
        samples, rate = samples + part.frame.samples_per_channel, part.frame.sample_rate
        content += bytes(part.frame.data)
        words += [(str(word).strip(), word.start_time) for word in part.frame.userdata.get("lk.timed_transcripts", ())]
    return {"seconds": samples / rate, "rate": rate, "words": words, "pcm": base64.b64encode(content).decode()}


async def pipecat_openai(url: str, key: str, voice: str) -> Found:
    from pipecat.services.openai.tts import OpenAITTSService

    settings = OpenAITTSService.Settings(voice=voice)
    return await spoken(OpenAITTSService(api_key=key, base_url=f"{url}/v1", settings=settings))


async def pipecat_elevenlabs(url: str, key: str, voice: str) -> Found:
    from pipecat.services.elevenlabs.tts import ElevenLabsTTSService

    address, settings = url.replace("http", "ws", 1), ElevenLabsTTSService.Settings(voice=voice)
    return await spoken(ElevenLabsTTSService(api_key=key, url=address, settings=settings))


async def pipecat_elevenlabs_http(url: str, key: str, voice: str) -> Found:
    import aiohttp
    from pipecat.services.elevenlabs.tts import ElevenLabsHttpTTSService

    settings = ElevenLabsHttpTTSService.Settings(voice=voice)
    async with aiohttp.ClientSession() as session:
        return await spoken(
            ElevenLabsHttpTTSService(api_key=key, base_url=url, aiohttp_session=session, settings=settings)
        )


async def pipecat_interrupted(url: str, key: str, voice: str) -> Found:
    """Interrupt a long answer."""
    from pipecat.frames.frames import InterruptionFrame, LLMFullResponseStartFrame, LLMTextFrame
    from pipecat.services.elevenlabs.tts import ElevenLabsTTSService
    from pipecat.tests.utils import SleepFrame

    address, settings = url.replace("http", "ws", 1), ElevenLabsTTSService.Settings(voice=voice)
    service = ElevenLabsTTSService(api_key=key, url=address, settings=settings)
    answer = [LLMFullResponseStartFrame(), LLMTextFrame(f"{TEXT} " * 100), LLMTextFrame("And so on.")]
    return await spoken(service, [*answer, SleepFrame(2.0), InterruptionFrame(), SleepFrame(2.0)])


async def spoken(service: Any, frames: list[Any] | None = None) -> Found:
    """Return what a service speaks of an answer that a language model writes, or of other frames."""
    from pipecat.frames.frames import (
        ErrorFrame,
        LLMFullResponseEndFrame,
        LLMFullResponseStartFrame,
        LLMTextFrame,
        TTSAudioRawFrame,
        TTSTextFrame,
    )
    from pipecat.pipeline.worker import PipelineParams
    from pipecat.tests.utils import SleepFrame, run_test

    parts = [LLMTextFrame(TEXT[place : place + 7]) for place in range(0, len(TEXT), 7)]
    answer = [LLMFullResponseStartFrame(), *parts, LLMFullResponseEndFrame(), SleepFrame(4.0)]
    down, up = await run_test(
        service,
        frames_to_send=frames or answer,
        pipeline_params=PipelineParams(audio_out_sample_rate=24_000),
        start_timeout=20,
    )
    errors = [frame.error for frame in up if isinstance(frame, ErrorFrame)]
    audio = b"".join(frame.audio for frame in down if isinstance(frame, TTSAudioRawFrame))
    texts = [frame.text for frame in down if isinstance(frame, TTSTextFrame)]
    words = [(frame.text, frame.pts) for frame in down if isinstance(frame, TTSTextFrame)]
    return {
        "seconds": len(audio) / 48_000,
        "rate": 24_000,
        "words": words,
        "texts": texts,
        "errors": errors,
        "pcm": base64.b64encode(audio).decode(),
    }


async def elevenlabs_realtime(url: str, key: str, voice: str) -> Found:
    """Speak by the realtime method, whose client builds addresses of TLS only: its own is changed, nothing else."""
    from elevenlabs import ElevenLabs

    client = ElevenLabs(api_key=key, base_url=url)
    client.text_to_speech._ws_base_url = url.replace("http", "ws", 1)
    parts = client.text_to_speech.convert_realtime(
        voice, text=iter([f"{sentence} " for sentence in SENTENCES]), output_format="pcm_24000"
    )
    audio = await asyncio.to_thread(lambda: b"".join(parts))
    return {"seconds": len(audio) / 48_000, "rate": 24_000, "pcm": base64.b64encode(audio).decode()}


async def elevenlabs_requests(url: str, key: str, voice: str) -> Found:
    from elevenlabs import ElevenLabs

    client = ElevenLabs(api_key=key, base_url=url)
    speech, options = client.text_to_speech, {"text": TEXT, "output_format": "pcm_24000"}
    timed = speech.convert_with_timestamps(voice, **options)
    lines = list(speech.stream_with_timestamps(voice, **options))
    return {
        "convert": base64.b64encode(b"".join(speech.convert(voice, **options))).decode(),
        "stream": base64.b64encode(b"".join(speech.stream(voice, **options))).decode(),
        "timed": timed.audio_base_64,
        "lines": base64.b64encode(b"".join(base64.b64decode(line.audio_base_64) for line in lines)).decode(),
        "characters": ["".join(timed.alignment.characters), joined(lines)],
        "voices": [found.voice_id for found in client.voices.get_all().voices],
        "search": [found.voice_id for found in client.voices.search(search=voice).voices],
        "voice": client.voices.get(voice).voice_id,
        "models": [model.model_id for model in client.models.list()],
    }


def joined(lines: list[Any]) -> str:
    return "".join("".join(line.alignment.characters) for line in lines if line.alignment)


if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    print(json.dumps(asyncio.run(globals()[action](*arguments))))
