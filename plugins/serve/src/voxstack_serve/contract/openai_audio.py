"""Clauses about the audio of OpenAI's speech API: formats, sample rates, headers and events."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from voxstack_serve.contract.clause import Clause, NotApplicable, clause
from voxstack_serve.contract.sequences import LIVEKIT, OPENAI, PIPECAT, livekit_speech, pipecat_speech
from voxstack_serve.contract.sounds import MEDIA_TYPES, check_media_type, decode, format_of, wav_header
from voxstack_serve.contract.visit import SPEECH, Reply, Visit, expect_audio

TEXT = "Hello there, my friend. The quick brown fox is home, and the lazy dog sleeps in the sun."
UNKNOWN_SIZES = (0, 0x7FFF_FFFF, 0xFFFF_FFFF)
"""Sizes in headers of WAV files by which writers state that they do not know them yet."""
NEAR, DELAY = 0.07, 0.15
"""Share and seconds by which durations of one text may differ: some models vary, and encoders add a delay."""


def _format_clause(name: str, essential: bool) -> Clause:
    def trial(visit: Visit) -> None:
        reply = visit.post(input=TEXT, response_format=name)
        if not essential and 400 <= reply.status < 500:
            raise NotApplicable(f"the server refuses {name}")
        found = decode(expect_audio(reply).body, name)
        assert found.seconds > 1, f"a text of two sentences lasts {found.seconds:.2f} s"
        check_media_type(reply.media_type, name)

    trial.__name__ = f"{name}_is_{name}"
    trial.__doc__ = f"Answer response_format {name!r} with decodable audio in it, and not with the type of another one."
    return clause("openai", OPENAI, LIVEKIT, essential=essential)(trial)


FORMATS = tuple(
    _format_clause(name, name in ("mp3", "wav", "pcm")) for name in ("mp3", "opus", "aac", "flac", "wav", "pcm")
)


@clause("openai", OPENAI, essential=False)
def media_types_are_those_of_formats(visit: Visit) -> None:
    """State the media type of the format, such as audio/mpeg, in the content-type."""
    for name, expected in MEDIA_TYPES.items():
        reply = visit.post(response_format=name)
        known = reply.status != 200 or reply.media_type in expected
        assert known, f"for {name}, it is {reply.media_type!r}, not {' or '.join(expected[:2])}"


@clause("openai", OPENAI)
def default_format_is_mp3(visit: Visit) -> None:
    """Answer a request without response_format with MP3."""
    reply = visit.speech()
    assert format_of(reply.body) == "mp3", f"the bytes are {format_of(reply.body)}: they begin with {reply.body[:12]!r}"


@clause("openai", PIPECAT, OPENAI)
def pcm_is_24_khz(visit: Visit) -> None:
    """Send pcm as 16-bit mono samples at 24 kHz without a header, also for a voice with another sample rate."""
    reply = expect_audio(visit.request("POST", SPEECH, pipecat_speech(TEXT, visit.target.voice)))
    assert format_of(reply.body) == "pcm", f"the bytes begin with the header of {format_of(reply.body)}"
    expected = decode(visit.speech(input=TEXT, response_format="wav").body, "wav").seconds
    found = len(reply.body) / 48_000
    assert _near(found, expected), (
        f"at 24 kHz it lasts {found:.2f} s, but the WAV of the same text {expected:.2f} s: clients play it "
        f"{expected / found:.2f} times as fast"
    )


@clause("openai", OPENAI)
def sizes_of_streamed_wav_are_unknown_or_true(visit: Visit) -> None:
    """State sizes in the header of a WAV that are true, or that players know as unknown: 0xFFFFFFFF."""
    _check_sizes(visit.speech(input=TEXT, response_format="wav"), UNKNOWN_SIZES)


@clause("openai", "AstrBot", "pocket-tts' users", essential=False)
def sizes_of_whole_wav_are_true(visit: Visit) -> None:
    """State true sizes in the header of a WAV whose length is known, for strict players."""
    reply = visit.post(input=TEXT, response_format="wav", complete=True)  # a key of voxstack; others ignore it
    if reply.status != 200 or "content-length" not in reply.headers:
        raise NotApplicable("the server sends no WAV with its length")
    _check_sizes(reply, ())


def _check_sizes(reply: Reply, others: Sequence[int]) -> None:
    header = wav_header(reply.body)
    true = len(reply.body) - 8, len(reply.body) - header.begin
    for found, expected, name in ((header.riff, true[0], "RIFF"), (header.data, true[1], "data")):
        assert found in (expected, *others), f"the size of {name!r} is {found}, and there are {expected} bytes"


@clause("openai", LIVEKIT)
def content_type_decides(visit: Visit) -> None:
    """Answer stream_format 'sse' with events, or with plain audio; the content-type states which it is."""
    reply = expect_audio(visit.request("POST", SPEECH, livekit_speech(TEXT, visit.target.voice)))
    if reply.media_type == "text/event-stream":
        assert _events(reply), "the content-type is text/event-stream, but no line begins with 'data: '"
        return
    assert not reply.body.startswith((b"data:", b"event:", b"{")), f"events have the content-type {reply.media_type!r}"
    format = next((name for name, types in MEDIA_TYPES.items() if reply.media_type in types), "mp3")
    assert decode(reply.body, format).seconds > 1, "two sentences last less than a second"


@clause("openai", LIVEKIT, OPENAI)
def events_are_deltas_and_a_done(visit: Visit) -> None:
    """Send events speech.audio.delta with audio in base64, and speech.audio.done with the usage at the end."""
    *deltas, last = _require_events(visit, "mp3")
    kinds = sorted({str(event.get("type")) for event in deltas})
    assert kinds == ["speech.audio.delta"], f"before the last, there are events {kinds}"
    assert last.get("type") == "speech.audio.done", f"the last event is {last.get('type')!r}, not speech.audio.done"
    usage = last.get("usage")
    assert isinstance(usage, dict), f"the usage is {usage!r}, and clients read an object"
    numbers = [usage.get(name) for name in ("input_tokens", "output_tokens", "total_tokens")]
    assert all(type(number) is int and number >= 0 for number in numbers), f"the usage is {usage}"


@clause("openai", LIVEKIT, OPENAI)
def events_carry_the_whole_audio(visit: Visit) -> None:
    """Send the audio of a plain response in events, which join to one file."""
    events = _require_events(visit, "mp3")
    content = b"".join(base64.b64decode(event["audio"], validate=True) for event in events if event.get("audio"))
    found = decode(content, "mp3").seconds
    expected = decode(visit.speech(input=TEXT, response_format="wav").body, "wav").seconds
    assert _near(found, expected), f"the audio of the events lasts {found:.2f} s, and the plain one {expected:.2f} s"


def _require_events(visit: Visit, format: str) -> list[dict[str, Any]]:
    body = {**livekit_speech(TEXT, visit.target.voice), "response_format": format}
    reply = visit.request("POST", SPEECH, body)
    if reply.media_type != "text/event-stream":
        raise NotApplicable("the server sends no events")
    events = _events(reply)
    assert events, "there are no events"
    return events


def _events(reply: Reply) -> list[dict[str, Any]]:
    """Return the events as LiveKit reads them: each a line."""
    lines = reply.body.decode(errors="replace").splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(text) for text in data if text != "[DONE]"]


@clause("openai", OPENAI, LIVEKIT, essential=False)
def speed_changes_the_duration(visit: Visit) -> None:
    """Speak faster by a speed above 1."""
    slow, fast = (visit.post(input=TEXT, response_format="wav", speed=speed) for speed in (1.0, 1.5))
    if fast.status in (400, 422):
        raise NotApplicable("the voice has one speed")
    seconds = [decode(expect_audio(reply).body, "wav").seconds for reply in (slow, fast)]
    assert seconds[1] < 0.85 * seconds[0], f"at speed 1.5 it lasts {seconds[1]:.2f} s, at speed 1 {seconds[0]:.2f} s"


def _near(found: float, expected: float) -> bool:
    return abs(found - expected) <= NEAR * expected + DELAY
