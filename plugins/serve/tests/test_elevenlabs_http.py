"""The requests of ElevenLabs' interface over HTTP have the audio of the call in Python, and the times of its words."""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
import soxr
from serving import serving, until

import voxstack
from voxstack import Chunk
from voxstack_serve import Service
from voxstack_serve.elevenlabs import routes
from voxstack_serve.elevenlabs.http_request import controls_of
from voxstack_serve.elevenlabs.http_speech import LONGEST_PART
from voxstack_serve.elevenlabs.messages import read_message
from voxstack_serve.encoders.wav import wav_header
from voxstack_serve.limits import Limits

TEXT = 'Hello there,\nmy "dear" friend.  It costs $23. Yes, don\'t!  '
LONG = "A very long story that goes on and on, and never comes to its end. " * 30
PATH = "/v1/text-to-speech/amber"


@pytest.fixture(scope="module")
def counted(voices: voxstack.Voices) -> Service:
    return Service(voices, ["amber", "cobalt"], {"rachel": "amber"}, limits=Limits(characters=5000, streams=4))


@pytest.fixture(scope="module")
def base(counted: Service) -> Iterator[str]:
    with serving(counted, keys=["k"], routes=routes(counted)) as found:
        yield found


def ask(base: str, method: str, path: str, body: Any = None, key: str = "k") -> tuple[int, Any, bytes]:
    connection = HTTPConnection(urlsplit(base).netloc, timeout=60)
    try:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, content, {"xi-api-key": key})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def speak(base: str, address: str, text: str = TEXT, **members: Any) -> bytes:
    status, _, content = ask(base, "POST", f"{PATH}{address}", {"text": text, "model_id": "any", **members})
    assert status == 200, content
    return content


def pcm(samples: np.ndarray, rate: int) -> bytes:
    return Chunk(samples if rate == 16_000 else soxr.resample(samples, 16_000, rate, "HQ"), 0).pcm16()


@pytest.fixture(scope="module")
def speech(voices: voxstack.Voices) -> voxstack.Speech:
    return voices.synthesize("amber", TEXT)


@pytest.mark.parametrize("address", ["", "/stream"])
@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 44_100])
def test_pcm_is_that_of_the_call(base: str, speech: voxstack.Speech, address: str, rate: int) -> None:
    assert speak(base, f"{address}?output_format=pcm_{rate}") == pcm(speech.samples, rate)


def test_a_whole_wav_has_true_sizes_and_a_stream_unknown_ones(base: str, speech: voxstack.Speech) -> None:
    samples = pcm(speech.samples, 24_000)
    assert speak(base, "?output_format=wav_24000") == wav_header(24_000, len(samples) // 2) + samples
    assert speak(base, "/stream?output_format=wav_24000") == wav_header(24_000, None) + samples


@pytest.mark.parametrize(("name", "subtype"), [("ulaw", "ULAW"), ("alaw", "ALAW")])
def test_samples_of_telephones_are_those_of_g711(base: str, speech: voxstack.Speech, name: str, subtype: str) -> None:
    content = speak(base, f"?output_format={name}_8000")
    decoded, _ = soundfile.read(
        io.BytesIO(content), dtype="float32", format="RAW", subtype=subtype, samplerate=8000, channels=1
    )
    expected = soxr.resample(speech.samples, 16_000, 8000, "HQ")
    assert len(content) == len(expected)
    error = np.abs(decoded - np.clip(expected, -1, 1))
    assert (error <= np.maximum(np.abs(expected) / 16, 1e-3)).all(), "more than half a step of its 8 bits"


@pytest.mark.parametrize("kbps", [32, 64, 192])
def test_opus_has_its_bit_rate(base: str, speech: voxstack.Speech, kbps: int) -> None:
    content = speak(base, f"/stream?output_format=opus_48000_{kbps}")
    samples, rate = soundfile.read(io.BytesIO(content))
    assert (rate, abs(len(samples) / rate - speech.duration) < 0.1) == (48_000, True)
    assert 0.7 < 8 * len(content) / speech.duration / 1000 / kbps < 1.3


@pytest.mark.parametrize(("name", "rate"), [("mp3_22050_32", 22_050), ("mp3_44100_128", 44_100), ("", 44_100)])
def test_mp3_is_that_of_its_name(base: str, speech: voxstack.Speech, name: str, rate: int) -> None:
    query = f"?output_format={name}" if name else ""
    samples, found = soundfile.read(io.BytesIO(speak(base, query)))
    assert found == rate
    assert 0 <= len(samples) / rate - speech.duration < 0.2


def test_the_media_type_is_that_of_the_format(base: str) -> None:
    types = {"mp3_22050_32": "audio/mpeg", "pcm_8000": "audio/pcm", "wav_8000": "audio/wav", "ulaw_8000": "audio/basic"}
    for name, expected in types.items():
        for address in ("", "/stream"):
            _, headers, _ = ask(base, "POST", f"{PATH}{address}?output_format={name}", {"text": "Hi."})
            assert headers["content-type"].startswith(expected)
            assert headers["x-request-id"].startswith("req_")


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


@pytest.mark.parametrize("address", ["/with-timestamps", "/stream/with-timestamps"])
def test_each_character_has_its_time(base: str, speech: voxstack.Speech, address: str) -> None:
    found = lines(speak(base, f"{address}?output_format=pcm_16000"))
    assert b"".join(base64.b64decode(line["audio_base64"]) for line in found) == pcm(speech.samples, 16_000)
    times = [line["alignment"] for line in found if line["alignment"]]
    characters = list(itertools.chain.from_iterable(each["characters"] for each in times))
    starts = list(itertools.chain.from_iterable(each["character_start_times_seconds"] for each in times))
    ends = list(itertools.chain.from_iterable(each["character_end_times_seconds"] for each in times))
    assert characters == list(TEXT)
    assert starts == sorted(starts)
    assert all(start <= end for start, end in zip(starts, ends, strict=True))
    assert ends[-1] == pytest.approx(speech.duration, abs=0.001)
    first: dict[int, float] = {}  # words between blanks begin with their opening marks
    for word in speech.words:
        assert word.span is not None
        first.setdefault(max(TEXT.rfind(blank, 0, word.span[0]) for blank in " \n") + 1, word.start)
    assert len(first) == len(TEXT.split())
    assert {begin: starts[begin] for begin in first} == pytest.approx(first, abs=0.0015)


def test_an_object_with_a_wav_has_true_sizes(base: str, speech: voxstack.Speech) -> None:
    (found,) = lines(speak(base, "/with-timestamps?output_format=wav_16000"))
    samples = pcm(speech.samples, 16_000)
    assert base64.b64decode(found["audio_base64"]) == wav_header(16_000, len(samples) // 2) + samples
    assert "".join(found["alignment"]["characters"]) == TEXT


def test_a_long_object_is_sent_as_it_is_computed(base: str, counted: Service) -> None:
    connection = HTTPConnection(urlsplit(base).netloc, timeout=60)
    before = counted.metrics.value("voxstack_audio_seconds_total", {"voice": "amber"})
    body = json.dumps({"text": LONG * 2}).encode()
    connection.request("POST", f"{PATH}/with-timestamps?output_format=pcm_48000", body, {"xi-api-key": "k"})
    with connection.getresponse() as response:
        assert response.read(18) == b'{"audio_base64": "'
        assert counted.metrics.value("voxstack_audio_seconds_total", {"voice": "amber"}) - before < 120, (
            "of four minutes"
        )
    connection.close()
    until(lambda: counted.limits.running == 0)


def test_a_line_is_as_long_as_clients_read(base: str) -> None:
    content = speak(base, "/stream/with-timestamps?output_format=pcm_48000", LONG)
    found = content.splitlines()
    assert len(found) > 10
    assert max(map(len, found)) < 2**17
    assert max(len(base64.b64decode(json.loads(line)["audio_base64"])) for line in found) <= LONGEST_PART


def test_speed_is_the_rate_of_the_voice_and_what_it_does_not_have_is_ignored(
    base: str, voices: voxstack.Voices
) -> None:
    content = speak(base, "?output_format=pcm_16000", voice_settings={"speed": 1.5, "stability": 0.5}, seed=7)
    assert content == pcm(voices.synthesize("amber", TEXT, rate=1.5).samples, 16_000)
    assert speak(base, "?output_format=pcm_16000", voice_settings=None, seed=None) == speak(
        base, "?output_format=pcm_16000", previous_text="Before.", unknown=1
    )


def test_a_seed_is_for_voices_that_have_one() -> None:
    message = read_message('{"text": "Hi.", "seed": 7}')
    assert controls_of(message, {"rate": {}, "seed": {}}) == {"seed": 7}
    assert controls_of(message, {"rate": {}}) == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/v1/text-to-speech/ambr", {"text": "Hi."}, 404, "voice_not_found"),
        ("POST", PATH, {"text": " "}, 400, "invalid_text"),
        ("POST", PATH, {}, 400, "invalid_text"),
        ("POST", PATH, {"text": 7}, 400, "invalid_message"),
        ("POST", PATH, b"{", 400, "invalid_message"),
        ("POST", PATH, b"[" * 100_000, 400, "invalid_message"),
        ("POST", PATH, {"text": "x" * 5001}, 400, "max_character_limit_exceeded"),
        ("POST", PATH, b'{"text": "' + b"x" * 10**6, 413, "body_too_large"),
        ("POST", f"{PATH}?output_format=mp3_8000_8", {"text": "Hi."}, 400, "invalid_request"),
        ("POST", f"{PATH}/stream", {"text": "Hi.", "voice_settings": {"speed": 99}}, 400, "invalid_value"),
        ("POST", f"{PATH}/stream/with-timestamps", {"text": "..."}, 400, "invalid_value"),
        ("GET", "/v1/voices/ambr", None, 404, "voice_not_found"),
    ],
)
def test_errors_have_the_shape_of_the_protocol(
    base: str, method: str, path: str, body: Any, status: int, code: str
) -> None:
    found, _, content = ask(base, method, path, body)
    detail = json.loads(content)["detail"]
    assert (found, detail["status"]) == (status, code)
    assert detail["message"]


def test_a_wrong_key_has_the_shape_of_its_protocol(base: str) -> None:
    for path in ("/v1/voices", "/v2/voices", "/v1/models", PATH):
        status, _, content = ask(base, "GET", path, key="wrong")
        assert (status, json.loads(content)["detail"]["status"]) == (401, "invalid_api_key")


def test_one_stream_too_many_is_refused_with_the_time_to_retry(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"], limits=Limits(streams=0))
    with serving(service, routes=routes(service)) as base:
        status, headers, content = ask(base, "POST", f"{PATH}/stream", {"text": "Hi."})
    assert (status, json.loads(content)["detail"]["status"], headers["retry-after"]) == (503, "system_busy", "1")


def test_voices_and_models_are_listed(base: str) -> None:
    def page(path: str) -> Any:
        return json.loads(ask(base, "GET", path)[2])

    assert [voice["voice_id"] for voice in page("/v1/voices")["voices"]] == ["amber", "cobalt"]
    assert page("/v1/voices/rachel")["name"] == "amber"
    found = page("/v2/voices?search=COB&page_size=10")
    assert ([voice["voice_id"] for voice in found["voices"]], found["total_count"]) == (["cobalt"], 1)
    assert all(model["can_do_text_to_speech"] for model in page("/v1/models"))


def test_a_client_that_leaves_ends_its_stream(base: str, counted: Service) -> None:
    cancelled = {"voice": "amber", "outcome": "cancelled"}
    before = counted.metrics.value("voxstack_streams_total", cancelled)
    for address in ("/stream", "/stream/with-timestamps"):
        connection = HTTPConnection(urlsplit(base).netloc, timeout=60)
        body = json.dumps({"text": LONG * 2}).encode()
        connection.request("POST", f"{PATH}{address}?output_format=pcm_48000", body, {"xi-api-key": "k"})
        response = connection.getresponse()
        response.read(1000)
        response.close()
        connection.close()
        until(lambda: counted.limits.running == 0)
    assert counted.metrics.value("voxstack_streams_total", cancelled) == before + 2


@pytest.mark.parametrize("address", ["", "/with-timestamps"])
def test_a_client_that_leaves_before_a_whole_wav_ends_its_stream(address: str, voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"])
    with serving(service, routes=routes(service)) as base:
        connection = HTTPConnection(urlsplit(base).netloc, timeout=60)
        connection.request("POST", f"{PATH}{address}?output_format=wav_24000", json.dumps({"text": LONG * 40}))
        until(lambda: service.limits.running == 1)
        connection.close()
        until(lambda: service.limits.running == 0)
    assert service.metrics.value("voxstack_streams_total", {"voice": "amber", "outcome": "cancelled"}) == 1
    assert service.metrics.value("voxstack_streams_total", {"voice": "amber", "outcome": "complete"}) == 0


def test_a_body_that_breaks_off_raises_in_the_client(voices: voxstack.Voices) -> None:
    class Failing(Service):
        async def stream(self, *arguments: Any, **options: Any) -> Any:
            yield Chunk(np.zeros(1600, np.float32), 0, sample_rate=16_000)
            raise voxstack.VoxstackError("the network failed")

    service = Failing(voices, ["amber"])
    with serving(service, routes=routes(service)) as base, pytest.raises(Exception, match="IncompleteRead"):
        ask(base, "POST", f"{PATH}/stream?output_format=pcm_16000", {"text": "Hi."})
