"""Clauses about what Home Assistant needs of a Wyoming server around speech: its description, errors and ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from wyoming.audio import AudioStart
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize

from voxstack_serve.contract.home_assistant import SpeechError, received, whole
from voxstack_serve.contract.sequences import WYOMING
from voxstack_serve.contract.wyoming_visit import Home, wyoming

TEXT = "Hello there, my friend."


@wyoming(WYOMING)
async def describes_its_voices(home: Home) -> None:
    """Answer describe within 5 seconds with an installed program for tts, and voices that have languages."""
    info = await home.info()
    program = next((program for program in info.tts if program.installed), None)
    assert program is not None, "there is no program for tts that is installed"
    assert program.voices, "the program has no voices"
    assert await home.voices(), "no voice is installed and has languages, so that users see none"


@wyoming(WYOMING, essential=False)
async def announces_that_it_streams(home: Home) -> None:
    """State supports_synthesize_streaming: without it, Home Assistant waits for the whole text."""
    assert (await home.program()).supports_synthesize_streaming, "supports_synthesize_streaming is not true"


@wyoming(WYOMING)
async def speaks_with_each_voice_of_its_list(home: Home) -> None:
    """Speak with the voices of its own description, by name; the first three are tried."""
    for name in list(await home.voices())[:3]:
        assert len(await home.of(name).speak(TEXT)) > 44, f"the voice {name!r} has no audio"


@wyoming(WYOMING)
async def speaks_with_each_speaker_of_its_list(home: Home) -> None:
    """Speak with the speakers that a voice lists; the first and the last are tried."""
    voices = [voice for voice in (await home.program()).voices if voice.speakers]
    home.require(voices, "no voice lists speakers")
    names = [speaker.name for speaker in voices[0].speakers or ()]
    for speaker in {names[0], names[-1]}:
        assert len(await home.of(voices[0].name, speaker).speak(TEXT)) > 44, f"the speaker {speaker!r} has no audio"


@wyoming(WYOMING)
async def ignores_unknown_events(home: Home) -> None:
    """Ignore events that are not known, with their data and payload, and answer those that follow."""
    async with home.client() as client:
        await client.write_event(Event("no-such-event", {"text": "Hello."}, b"\x00\n{}\n" * 100))
        await client.write_event(Event("transcribe", {"language": "en"}))
        await client.write_event(Describe().event())
        assert Info.is_type((await received(client)).type), "describe is not answered after unknown events"
        await client.write_event(Synthesize(TEXT, home.voice).event())
        assert len(await whole(client)) > 44, "there is no audio after unknown events"


@wyoming(WYOMING)
async def ends_requests_without_speech(home: Home) -> None:
    """End the request of an empty text by audio-stop or an error, instead of leaving the client to wait."""
    for text in ("", "..."):
        with suppress(SpeechError):
            await _speak_or_end(home, text)


async def _speak_or_end(home: Home, text: str) -> None:
    async with home.client() as client:
        await client.write_event(Synthesize(text, home.voice).event())
        await home.end(client)


@wyoming(WYOMING, essential=False)
async def an_unknown_voice_is_an_error(home: Home) -> None:
    """Answer a voice that does not exist with an error, whose text users read."""
    async with home.client() as client:
        await client.write_event(Synthesize(TEXT, home.of("no-such-voice-0").voice).event())
        event = await client.read_event()
    assert event is not None, "the connection is closed without an error"
    assert event.type == "error", f"the answer is {event.type}, with another voice"
    assert event.data.get("text"), f"the error has no text: {event.data}"


@wyoming("wyoming 1.10.2", essential=False)
async def answers_pings(home: Home) -> None:
    """Answer ping with pong, and its text."""
    async with home.client() as client:
        await client.write_event(Ping("here").event())
        event = await client.read_event()
        assert event is not None, "the connection is closed"
        assert Pong.is_type(event.type), f"the answer is {event.type}"
        assert Pong.from_event(event).text == "here", "the text is another one"


@wyoming(WYOMING, essential=False)
async def takes_several_requests_on_a_connection(home: Home) -> None:
    """Answer several requests of one connection."""
    async with home.client() as client:
        for _ in range(2):
            await client.write_event(Synthesize(TEXT, home.voice).event())
            assert len(await whole(client)) > 44, "there is no audio"


@wyoming(WYOMING)
async def clients_that_leave_do_no_harm(home: Home) -> None:
    """Serve the next client when others have left in the middle of an answer."""
    for _ in range(4):
        async with home.client() as client:
            await client.write_event(Synthesize(f"{TEXT} " * 40, home.voice).event())
            await _until_audio(client)
    assert len(await home.speak(TEXT)) > 44, "there is no audio"


async def _until_audio(client: AsyncTcpClient) -> None:
    while not AudioStart.is_type((await received(client)).type):
        pass


@wyoming(WYOMING)
async def many_clients_are_served(home: Home) -> None:
    """Answer 8 clients at once, each with its own audio."""
    texts = [TEXT, f"{TEXT} The quick brown fox is home, and the lazy dog sleeps in the sun."]
    expected = [len(await home.speak(text)) for text in texts]
    found = await asyncio.gather(*(home.speak(texts[number % 2]) for number in range(8)))
    for number, content in enumerate(found):
        alone = expected[number % 2]
        assert abs(len(content) - alone) <= 0.25 * alone, f"an answer has {len(content)} bytes; alone it had {alone}"
