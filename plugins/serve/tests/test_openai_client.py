"""The unmodified client of OpenAI receives the samples of the call in Python, in every format."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

import voxstack

openai = pytest.importorskip("openai", reason="the client of OpenAI is not installed; try: pip install openai")
TEXT = "Hello there, my friend. The quick brown fox is home."


@pytest.fixture(scope="module")
def client(address: str) -> Any:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="any", max_retries=0) as found:
        yield found


@pytest.fixture(scope="module")
def speech(voices: voxstack.Voices) -> voxstack.Speech:
    return voices.synthesize("amber", TEXT)


def create(client: Any, **keys: Any) -> bytes:
    request = {"model": "tts-1", "voice": "alloy", "input": TEXT, **keys}
    return client.audio.speech.create(**request).content


def integers(speech: voxstack.Speech) -> np.ndarray:
    """Return the samples as the Python API writes them to files."""
    with wave.open(io.BytesIO(speech.wav())) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_pcm_is_the_speech_resampled_to_24_khz(client: Any, speech: voxstack.Speech) -> None:
    expected = soxr.resample(speech.samples, 16_000, 24_000, "HQ")
    received = np.frombuffer(create(client, response_format="pcm"), "<i2")
    np.testing.assert_array_equal(received, (np.clip(expected, -1, 1) * 32767).round())


@pytest.mark.parametrize("complete", [False, True])
def test_wav_has_the_samples_of_the_call(client: Any, speech: voxstack.Speech, complete: bool) -> None:
    content = create(client, response_format="wav", extra_body={"complete": complete})
    np.testing.assert_array_equal(np.frombuffer(content[44:], "<i2"), integers(speech))
    sizes = int.from_bytes(content[4:8], "little"), int.from_bytes(content[40:44], "little")
    assert sizes == ((len(content) - 8, len(content) - 44) if complete else (0xFFFFFFFF, 0xFFFFFFFF))
    if complete:
        assert content == speech.wav()


@pytest.mark.parametrize("complete", [False, True])
def test_flac_has_the_samples_of_the_call(client: Any, speech: voxstack.Speech, complete: bool) -> None:
    content = bytearray(create(client, response_format="flac", extra_body={"complete": complete}))
    written = int.from_bytes(content[22:26], "big")  # the number of samples in the header; 0: unknown
    assert written == (len(speech.samples) if complete else 0)
    content[22:26] = len(speech.samples).to_bytes(4, "big")  # libsndfile reads no file without it
    samples, rate = soundfile.read(io.BytesIO(content), dtype="int16")
    assert rate == 16_000
    np.testing.assert_array_equal(samples, integers(speech))


@pytest.mark.parametrize(
    ("format", "rate", "delay", "least"),
    [("mp3", 16_000, 1105, 0.9999), ("mp3", 24_000, 1105, 0.9999), ("opus", 16_000, 0, 0.999)],
)
def test_lossy_formats_decode_to_the_speech(
    client: Any, speech: voxstack.Speech, format: str, rate: int, delay: int, least: float
) -> None:
    """Aligned by the delay of the encoder, which files of MP3 do not state."""
    extra = {} if rate == 16_000 else {"sample_rate": rate}
    decoded, found = soundfile.read(io.BytesIO(create(client, response_format=format, extra_body=extra)))
    assert found == rate
    expected = soxr.resample(speech.samples, 16_000, rate, "HQ")
    assert len(decoded) >= len(expected)
    assert max(correlation(expected, decoded[delay:]) for delay in range(1200)) > least


def correlation(expected: np.ndarray, decoded: np.ndarray) -> float:
    length = min(len(expected), len(decoded))
    a, b = expected[:length], decoded[:length]
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def test_events_carry_the_same_bytes_and_the_usage(client: Any) -> None:
    plain = create(client, response_format="pcm")
    lines = create(client, response_format="pcm", stream_format="sse").decode().split("\n\n")
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line]
    *deltas, done = events
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    assert b"".join(base64.b64decode(event["audio"]) for event in deltas) == plain
    assert done == {
        "type": "speech.audio.done",
        "usage": {
            "input_tokens": len(TEXT),
            "output_tokens": round(20 * len(plain) / 48_000),
            "total_tokens": len(TEXT) + round(20 * len(plain) / 48_000),
        },
    }


@pytest.mark.parametrize(
    ("format", "media_type"),
    [("mp3", "audio/mpeg"), ("opus", "audio/ogg"), ("flac", "audio/flac"), ("wav", "audio/wav"), ("pcm", "audio/pcm")],
)
def test_a_response_has_its_media_type_and_an_id(client: Any, format: str, media_type: str) -> None:
    response = client.audio.speech.with_raw_response.create(
        model="tts-1", voice="nova", input="Hi.", response_format=format
    )
    assert response.headers["content-type"] == media_type
    assert response.headers["x-request-id"].startswith("req_")


def test_speed_is_the_rate_of_the_voice(client: Any, voices: voxstack.Voices) -> None:
    fast = voices.synthesize("amber", TEXT, rate=2.0)
    assert create(client, response_format="wav", speed=2, extra_body={"complete": True}) == fast.wav()


def test_voices_have_ids_aliases_and_names_of_openai(client: Any, voices: voxstack.Voices) -> None:
    amber, cobalt = (voices.synthesize(name, "Hi.").wav() for name in ("amber", "cobalt"))
    expected = {"amber": amber, "anna": amber, "alloy": amber, "ash": cobalt, "cobalt": cobalt}
    for name, content in expected.items():
        extra = {"complete": True}
        assert create(client, input="Hi.", voice=name, response_format="wav", extra_body=extra) == content
        assert create(client, input="Hi.", voice={"id": name}, response_format="wav", extra_body=extra) == content


def test_markup_lexicon_and_controls_are_those_of_the_call(client: Any, voices: voxstack.Voices) -> None:
    request: dict[str, Any] = {"markup": "markdown", "lexicon": {"Nguyen": "w ih1 n"}, "pitch": 2.0}
    expected = voices.synthesize("amber", "**Nguyen** it is.", **request)
    extra = {**request, "complete": True}
    assert create(client, input="**Nguyen** it is.", response_format="wav", extra_body=extra) == expected.wav()


def test_aac_states_what_to_install_or_works(client: Any, speech: voxstack.Speech) -> None:
    try:
        import av
    except ImportError:
        with pytest.raises(openai.BadRequestError, match=r"pip install 'voxstack-serve\[aac\]'"):
            create(client, response_format="aac")
        return
    with av.open(io.BytesIO(create(client, response_format="aac"))) as file:
        decoded = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    assert correlation(speech.samples, decoded[1024:]) > 0.9999


def test_models_are_listed(client: Any) -> None:
    assert "tts-1" in [model.id for model in client.models.list()]
    assert client.models.retrieve("tts-1").id == "tts-1"
    with pytest.raises(openai.NotFoundError, match="GET /v1/models"):
        client.models.retrieve("other")


@pytest.mark.parametrize(
    ("keys", "param", "code", "message"),
    [
        ({"voice": "amberr"}, "voice", "voice_not_found", "did you mean 'amber'"),
        ({"voice": 3}, "voice", "invalid_type", "names no voice"),
        ({"input": " "}, "input", "invalid_value", "empty"),
        ({"input": "x" * 20_001}, "input", "string_above_max_length", "20001 characters; send at most 20000"),
        ({"response_format": "mp4"}, "response_format", "invalid_value", "did you mean 'mp3'"),
        ({"stream_format": "events"}, "stream_format", "invalid_value", "'audio', 'sse'"),
        ({"speed": 5}, "speed", "invalid_value", "from 0.25 to 4"),
        ({"extra_body": {"markdown": True}}, "markdown", "unknown_parameter", "unknown key 'markdown'"),
        ({"extra_body": {"lexicon": "/etc/passwd"}}, "lexicon", "invalid_type", "an object of words"),
        ({"extra_body": {"lexicon": {"GIF": 3}}}, None, "invalid_value", "GIF"),
        ({"extra_body": {"sample_rate": 1}}, "sample_rate", "invalid_value", "from 8000 to 48000"),
        ({"extra_body": {"pitch": 100}}, "pitch", "invalid_value", "100 is too large; write 6 or less"),
        ({"extra_body": {"pitch": "x"}}, "pitch", "invalid_value", "'x' is not a number"),
        ({"extra_body": {"rate": 2}, "speed": 2}, "speed", "invalid_value", "use one of them"),
        ({"extra_body": {"complete": "yes"}}, "complete", "invalid_type", "true or false"),
        ({"input": "<speak><break", "extra_body": {"markup": "ssml"}}, None, "invalid_value", ""),
        ({"input": "?!"}, None, "invalid_value", "pronounce"),
    ],
)
@pytest.mark.parametrize("stream_format", ["audio", "sse"])
def test_a_bad_request_is_refused_with_its_key(
    client: Any, keys: dict[str, Any], param: str | None, code: str, message: str, stream_format: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        create(client, **{"stream_format": stream_format, **keys})
    assert (caught.value.param, caught.value.code, caught.value.type) == (param, code, "invalid_request_error")
    assert message in caught.value.message
