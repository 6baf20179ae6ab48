"""Clauses about speech over the Wyoming protocol, whole and streamed."""

from __future__ import annotations

import io
import wave

from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from voxstack_serve.contract.home_assistant import SpeechError, received
from voxstack_serve.contract.sequences import WYOMING
from voxstack_serve.contract.wyoming_visit import Home, wyoming

PARTS = ["Hello there, ", "my friend. The qu", "ick brown fox is home, and the lazy ", "dog sleeps in the sun."]
TEXT = "".join(PARTS)


@wyoming(WYOMING)
async def speaks_a_whole_text(home: Home) -> None:
    """Answer synthesize with audio-start, audio-chunks and audio-stop."""
    with wave.open(io.BytesIO(await home.speak(TEXT))) as file:
        seconds = file.getnframes() / file.getframerate()
        assert seconds > 1, f"two sentences last {seconds:.2f} s"


@wyoming(WYOMING)
async def audio_has_the_format_of_its_start(home: Home) -> None:
    """Send all chunks in the format of the first audio-start: 16-bit samples of one rate, before audio-stop."""
    async with home.client() as client:
        await client.write_event(Synthesize(TEXT, home.voice).event())
        event = await received(client)
        assert AudioStart.is_type(event.type), f"the first event is {event.type}, not audio-start"
        start = AudioStart.from_event(event)
        assert start.width == 2, f"samples have {start.width} bytes"
        while not AudioStop.is_type((event := await received(client)).type):
            if AudioChunk.is_type(event.type):
                chunk = AudioChunk.from_event(event)
                found = (chunk.rate, chunk.width, chunk.channels)
                assert found == (start.rate, start.width, start.channels), f"a chunk has rate, width, channels {found}"
                assert len(chunk.audio) % (chunk.width * chunk.channels) == 0, "a chunk ends within a sample"


@wyoming(WYOMING)
async def speaks_a_text_in_parts_once(home: Home) -> None:
    """Speak a text that arrives in parts, cut anywhere, and not again the synthesize that repeats it."""
    await home.require_streaming()
    whole = len(await home.speak(TEXT)) - 44
    found = len(await home.stream(PARTS))
    assert abs(found - whole) <= 0.25 * whole, f"in parts it has {found} bytes, and as a whole {whole}"


@wyoming(WYOMING)
async def ends_a_stream_with_stopped(home: Home) -> None:
    """End the answer to a stream with synthesize-stopped, after its audio-stop."""
    await home.require_streaming()
    async with home.client() as client:
        for event in (SynthesizeStart(home.voice), *map(SynthesizeChunk, PARTS), SynthesizeStop()):
            await client.write_event(event.event())
        kinds = [(await received(client)).type]
        while not SynthesizeStopped.is_type(kinds[-1]):
            kinds.append((await received(client)).type)
    assert len(kinds) > 1, "synthesize-stopped comes without audio"
    assert AudioStop.is_type(kinds[-2]), f"before synthesize-stopped comes {kinds[-2]}, not audio-stop"


@wyoming(WYOMING, essential=False)
async def speaks_while_text_arrives(home: Home) -> None:
    """Send the first audio of a stream while its text is open."""
    await home.require_streaming()
    async with home.client() as client:
        await client.write_event(SynthesizeStart(home.voice).event())
        for _ in range(4):
            await client.write_event(SynthesizeChunk(f"{TEXT} ").event())
        await home.until(client, AudioChunk, "while the text is open")
        await client.write_event(SynthesizeStop().event())
        await home.until(client, SynthesizeStopped, "after the text has ended")


@wyoming(WYOMING)
async def an_empty_stream_ends(home: Home) -> None:
    """End a stream without text by synthesize-stopped or an error, and take the next one on the connection."""
    await home.require_streaming()
    async with home.client() as client:
        for event in (SynthesizeStart(home.voice), SynthesizeStop()):
            await client.write_event(event.event())
        await home.end(client)
    assert await home.stream(PARTS), "the stream after it has no audio"


@wyoming(WYOMING, essential=False)
async def ssml_is_not_read_aloud(home: Home) -> None:
    """Read a text of text_format 'ssml' without its tags."""
    plain = len(await home.speak(TEXT))
    try:
        found = len(await home.speak(f"<speak><p>{TEXT}</p></speak>", "ssml"))
    except SpeechError as error:
        home.require(False, f"the server refuses SSML: {error}")
    assert abs(found - plain) <= 0.4 * plain, f"it has {found} bytes as SSML, and {plain} as text"
