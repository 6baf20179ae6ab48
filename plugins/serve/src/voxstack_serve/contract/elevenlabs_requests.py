"""Clauses about ElevenLabs' requests over HTTP, as the official client, pipecat and LiveKit send them."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from voxstack_serve.contract.clause import NotApplicable, clause
from voxstack_serve.contract.sequences import ELEVENLABS, LIVEKIT, PIPECAT
from voxstack_serve.contract.sounds import decode
from voxstack_serve.contract.visit import Reply, Visit, expect_audio

TEXT = "Hello there, my friend. The quick brown fox is home."
LONGEST_LINE = 2**17
"""Bytes of a line that pipecat's HTTP library reads."""


def _ask(visit: Visit, method: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> Reply:
    headers = {"xi-api-key": key or visit.target.key or "any", "content-type": "application/json"}
    return visit.request(method, path, b"" if body is None else body, headers)


def _speak(visit: Visit, address: str, text: str = TEXT) -> Reply:
    path = f"/v1/text-to-speech/{quote(visit.target.voice)}{address}"
    reply = _ask(visit, "POST", path, {"text": text, "model_id": "eleven_flash_v2_5"})
    if reply.status in (404, 405, 501) and b"detail" not in reply.body:
        raise NotApplicable(f"the server has no POST {path.partition('?')[0]}")
    return reply


@clause("elevenlabs", ELEVENLABS)
def convert_sends_mp3(visit: Visit) -> None:
    """Answer POST /v1/text-to-speech/VOICE with MP3 at 44.1 kHz, by default and as mp3_44100_128."""
    for address in ("", "?output_format=mp3_44100_128"):
        found = decode(expect_audio(_speak(visit, address)).body, "mp3")
        assert found.rate == 44_100, f"the sample rate is {found.rate} Hz"


@clause("elevenlabs", ELEVENLABS, LIVEKIT)
def stream_sends_pcm(visit: Visit) -> None:
    """Answer .../stream?output_format=pcm_RATE with samples of that rate; the content-type begins with audio/."""
    seconds = []
    for rate in (16_000, 24_000):
        reply = expect_audio(_speak(visit, f"/stream?output_format=pcm_{rate}&enable_logging=true"))
        assert reply.media_type.startswith("audio/"), f"the content-type is {reply.media_type!r}"
        assert not reply.body.startswith(b"RIFF"), "pcm begins with the header of a WAV"
        seconds.append(len(reply.body) / 2 / rate)
    assert abs(seconds[0] - seconds[1]) <= 0.05 * seconds[0] + 0.1, f"at 16 and 24 kHz, it lasts {seconds} s"


@clause("elevenlabs", "Twilio's media streams", essential=False)
def telephones_have_a_format(visit: Visit) -> None:
    """Answer output_format=ulaw_8000 with a byte for each sample at 8 kHz."""
    reply = _speak(visit, "/stream?output_format=ulaw_8000")
    if 400 <= reply.status < 500:
        raise NotApplicable("the server refuses ulaw_8000")
    expected = len(expect_audio(_speak(visit, "/stream?output_format=pcm_16000")).body) / 4
    found = len(expect_audio(reply).body)
    assert abs(found - expected) <= 0.05 * expected + 800, f"there are {found} bytes, and {expected:.0f} samples"


@clause("elevenlabs", PIPECAT, ELEVENLABS)
def timed_lines_are_as_clients_read_them(visit: Visit) -> None:
    """Answer .../stream/with-timestamps with lines of JSON up to 128 KiB, each with audio_base64 and alignment."""
    content = expect_audio(_speak(visit, "/stream/with-timestamps?output_format=pcm_24000")).body
    longest = max(map(len, content.splitlines()))
    assert longest < LONGEST_LINE, f"a line has {longest} bytes, and pipecat reads up to {LONGEST_LINE}"
    _check_times([json.loads(line) for line in content.splitlines() if line.strip()])


@clause("elevenlabs", ELEVENLABS)
def timed_objects_are_as_clients_read_them(visit: Visit) -> None:
    """Answer .../with-timestamps with an object of audio_base64 and alignment, in seconds from the start."""
    _check_times([expect_audio(_speak(visit, "/with-timestamps?output_format=pcm_24000")).json()])


def _check_times(parts: list[dict[str, Any]]) -> None:
    audio = b"".join(base64.b64decode(part["audio_base64"], validate=True) for part in parts)
    times = [part["alignment"] for part in parts if part.get("alignment")]
    assert times, "there is no alignment"
    characters = "".join("".join(each["characters"]) for each in times)
    assert characters.split() == TEXT.split(), f"the characters are {characters!r}"
    starts, ends = (
        [time for each in times for time in each[f"character_{name}_times_seconds"]] for name in ("start", "end")
    )
    assert len(starts) == len(ends) == len(characters), "the lists of an alignment differ in length"
    assert starts == sorted(starts), "times run backwards"
    seconds = len(audio) / 48_000
    assert abs(ends[-1] - seconds) <= 0.05 * seconds + 0.12, f"the times end after {ends[-1]} s of {seconds:.2f} s"


@clause("elevenlabs", LIVEKIT, ELEVENLABS, essential=False)
def voices_are_listed(visit: Visit) -> None:
    """List voices at GET /v1/voices, each with voice_id, name and category, and one at GET /v1/voices/VOICE."""
    reply = _ask(visit, "GET", "/v1/voices")
    if reply.status in (404, 405):
        raise NotApplicable("the server has no /v1/voices")
    voices = reply.json()["voices"]
    assert voices, "the list is empty"
    for name in ("voice_id", "name", "category"):
        assert all(isinstance(voice.get(name), str) for voice in voices), f"a voice has no {name}"
    one = _ask(visit, "GET", f"/v1/voices/{quote(voices[0]['voice_id'])}")
    assert one.json().get("voice_id") == voices[0]["voice_id"], f"the page of a voice is {one.body[:80]!r}"


@clause("elevenlabs", ELEVENLABS, essential=False)
def voices_are_searched(visit: Visit) -> None:
    """Answer GET /v2/voices with voices, has_more and total_count."""
    reply = _ask(visit, "GET", "/v2/voices?page_size=10")
    if reply.status in (404, 405):
        raise NotApplicable("the server has no /v2/voices")
    found = reply.json()
    assert isinstance(found.get("voices"), list), "there is no list 'voices'"
    assert isinstance(found.get("has_more"), bool), f"has_more is {found.get('has_more')!r}"
    assert isinstance(found.get("total_count"), int), f"total_count is {found.get('total_count')!r}"


@clause("elevenlabs", ELEVENLABS, LIVEKIT)
def errors_have_a_detail(visit: Visit) -> None:
    """Refuse what cannot succeed with a status by which clients do not try again, and {"detail": ...}."""
    _speak(visit, "/stream")
    for path, body in (
        (f"/v1/text-to-speech/{quote(visit.target.voice)}?output_format=midi_1", {"text": TEXT}),
        (f"/v1/text-to-speech/{quote(visit.target.voice)}/stream", {"text": ""}),
        ("/v1/text-to-speech/no-such-voice-0/stream", {"text": TEXT}),
    ):
        _check_detail(_ask(visit, "POST", path, body))


@clause("elevenlabs", ELEVENLABS, LIVEKIT)
def requests_with_a_wrong_key_are_refused(visit: Visit) -> None:
    """Refuse a request with a wrong key with status 401, and {"detail": ...}."""
    if not visit.target.key:
        raise NotApplicable("no key is known; give --key")
    _speak(visit, "/stream")
    path = f"/v1/text-to-speech/{quote(visit.target.voice)}/stream"
    reply = _ask(visit, "POST", path, {"text": TEXT}, key=f"{visit.target.key}-wrong")
    assert reply.status == 401, f"the status is {reply.status}"
    _check_detail(reply)


def _check_detail(reply: Reply) -> None:
    assert 400 <= reply.status < 500, f"the status is {reply.status}"
    assert reply.status not in (408, 409, 429), f"the status is {reply.status}, after which clients try again"
    detail = reply.json().get("detail")
    assert detail, f"the error has no detail: {reply.body[:120].decode(errors='replace')}"
