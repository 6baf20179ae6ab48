"""Turns of several texts in one context: their place among the streams, and a voice that is replaced meanwhile."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import pytest
from copies import copied, write_config
from elevenlabs_client import Client, Messages, audio, talk
from serving import serving

import voxstack
from voxstack import Scheduler
from voxstack_serve import Service
from voxstack_serve.elevenlabs import routes
from voxstack_serve.limits import Limits


def spoken(service: Service, voice: str, say: object, **query: str) -> Messages:
    with serving(service, routes=routes(service)) as address:
        base = address.replace("http", "ws")
        found: Messages = talk(f"{base}/v1/text-to-speech/{voice}/multi-stream-input", say, **query)  # type: ignore[arg-type]
    return found


def test_a_context_keeps_its_place_until_it_ends(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"], limits=Limits(streams=1))

    async def say(client: Client) -> Messages:
        await client.send(text="One. ", context_id="a", flush=True)
        await has_audio(client, "a")
        await client.send(text="One too many. ", context_id="b", flush=True)
        refused = await client.until_final("b")
        assert refused[0]["error"] == "system_busy"
        await client.send(text="Two. ", context_id="a", flush=True)
        await client.send(context_id="a", close_context=True)
        first = await client.until_final("a")
        await client.send(text="Now. ", context_id="c", flush=True)
        await client.send(context_id="c", close_context=True)
        assert audio(await client.until_final("c"))
        return first

    messages = spoken(service, "amber", say, output_format="pcm_16000")
    expected = [voices.synthesize("amber", text).samples for text in ("One.", "Two.")]
    assert len(audio(messages)) == 2 * sum(map(len, expected))
    assert service.limits.running == 0


def test_a_context_that_was_admitted_is_not_refused_by_the_scheduler() -> None:
    voices = voxstack.Voices(warm=["amber"], scheduler=Scheduler(load=1e-9))
    service = Service(voices, ["amber"])

    async def say(client: Client) -> Messages:
        await client.send(text="One. ", context_id="a", flush=True)
        await has_audio(client, "a")
        while service.metrics.value("voxstack_streams_running"):
            await asyncio.sleep(0.01)
        async with aclosing(service.stream("amber", "Another stream.")) as other:
            await anext(other)
            await client.send(text="Refused. ", context_id="b", flush=True)
            assert (await client.until_final("b"))[0]["error"] == "system_busy"
            await client.send(text="Two. ", context_id="a", flush=True)
            await client.send(context_id="a", close_context=True)
            return await client.until_final("a")

    messages = spoken(service, "amber", say, output_format="pcm_16000")
    assert not [message for message in messages if "error" in message]


def test_a_fault_is_not_shown(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"])
    del service.metrics.first  # any fault: the stream fails when it counts its first audio

    async def say(client: Client) -> Messages:
        await client.send(text="One. ", context_id="a", flush=True)
        return await client.until_final("a")

    error = spoken(service, "amber", say, output_format="pcm_16000")[0]
    assert (error["error"], error["message"]) == ("internal_error", "the service failed; its log states why")


@pytest.mark.parametrize("output_format", ["pcm_16000", "mp3_24000_48"])
def test_a_voice_that_is_replaced_has_the_rate_of_its_version(tmp_path: Path, output_format: str) -> None:
    folder = copied(tmp_path, "amber", "changing")
    service = Service(voxstack.Voices(), [str(folder)])
    old = voxstack.load(folder).synthesize("One, and more.")

    async def say(client: Client) -> Messages:
        await client.send(text="One, and more. ", context_id="a", flush=True)
        await has_audio(client, "a")
        while service.metrics.value("voxstack_streams_running"):
            await asyncio.sleep(0.01)
        config = json.loads((folder / "addon.json").read_text())
        write_config(folder, {**config, "sample_rate": 8000})
        await client.send(text="Two, and more. ", context_id="a", flush=True)
        await client.send(context_id="a", close_context=True)
        return await client.until_final("a")

    messages = spoken(service, "changing", say, output_format=output_format)
    new = voxstack.load(folder).synthesize("Two, and more.")
    assert new.sample_rate == 8000
    rate = 32_000 if output_format == "pcm_16000" else 6_000  # bytes a second
    assert len(audio(messages)) / rate == pytest.approx(old.duration + new.duration, abs=0.2)
    ends = [message["alignment"] for message in messages if message.get("alignment")]
    seconds = sum(end["charStartTimesMs"][-1] + end["charDurationsMs"][-1] for end in ends) / 1000
    assert seconds == pytest.approx(old.duration + new.duration, abs=0.01)


async def has_audio(client: Client, context: str) -> None:
    while not audio(client.received.get(context, [])):
        await client.next()
