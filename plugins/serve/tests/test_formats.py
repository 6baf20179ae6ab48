"""Every format decodes to the samples of the call in Python, for voices of several rates."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
from collections.abc import Iterator
from contextlib import aclosing
from importlib.util import find_spec
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
import soxr
from serving import serving

import voxstack
from voxstack_serve import Service
from voxstack_serve.audio import Usage, encoded
from voxstack_serve.speech_request import SpeechRequest

TEXT = "Seven brown foxes went home. Then it rained!"
VOICES = ("amber", "cobalt", *(("espeak",) if find_spec("voxstack_espeak") else ()))  # of 16, 16 and 22.05 kHz


@pytest.fixture(scope="module")
def place(voices: voxstack.Voices) -> Iterator[str]:
    with serving(Service(voices, VOICES)) as address:
        yield urlsplit(address).netloc


@pytest.fixture(scope="module", params=VOICES)
def voice(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def speech(voices: voxstack.Voices, voice: str) -> voxstack.Speech:
    return voices.synthesize(voice, TEXT)


def response(place: str, voice: str, **keys: object) -> bytes:
    connection = http.client.HTTPConnection(place, timeout=60)
    body = {"model": "m", "voice": voice, "input": TEXT, **keys}
    connection.request("POST", "/v1/audio/speech", json.dumps(body))
    found = connection.getresponse()
    assert found.status == 200
    return found.read()


def at_rate(speech: voxstack.Speech, rate: int) -> np.ndarray:
    if rate == speech.sample_rate:
        return speech.samples
    found: np.ndarray = soxr.resample(speech.samples, speech.sample_rate, rate, "HQ")
    return found


def steps(samples: np.ndarray) -> np.ndarray:
    """Return samples rounded to 16 bit."""
    found: np.ndarray = (np.clip(samples, -1, 1) * 32767).round()
    return found


def test_wav_has_the_samples(place: str, voice: str, speech: voxstack.Speech) -> None:
    content = response(place, voice, response_format="wav")
    assert int.from_bytes(content[24:28], "little") == speech.sample_rate
    np.testing.assert_array_equal(np.frombuffer(content[44:], "<i2"), steps(speech.samples))


def test_flac_has_the_samples(place: str, voice: str, speech: voxstack.Speech) -> None:
    content = response(place, voice, response_format="flac", complete=True)
    samples, rate = soundfile.read(io.BytesIO(content), dtype="int16")
    assert rate == speech.sample_rate
    np.testing.assert_array_equal(samples, steps(speech.samples))


@pytest.mark.parametrize("rate", [None, 16_000, 22_050])
def test_pcm_has_the_samples_resampled_as_a_whole(
    place: str, voice: str, speech: voxstack.Speech, rate: int | None
) -> None:
    content = response(place, voice, response_format="pcm", sample_rate=rate)
    np.testing.assert_array_equal(np.frombuffer(content, "<i2"), steps(at_rate(speech, rate or 24_000)))


@pytest.mark.parametrize(("name", "delay", "least"), [("mp3", 1105, 0.998), ("opus", 0, 0.99), ("aac", 1024, 0.99)])
def test_what_is_lost_is_little(
    place: str, voice: str, speech: voxstack.Speech, name: str, delay: int, least: float
) -> None:
    if name == "aac" and not find_spec("av"):
        pytest.skip("PyAV is not installed: pip install 'voxstack-serve[aac]'")
    samples, rate = decoded(response(place, voice, response_format=name), name)
    expected = at_rate(speech, rate)
    aligned = samples[delay : delay + len(expected)]
    assert len(aligned) >= len(expected) - 1
    assert np.corrcoef(aligned, expected[: len(aligned)])[0, 1] > least


def test_the_first_page_of_opus_does_not_wait_for_the_whole_chunk(voices: voxstack.Voices) -> None:
    async def first_part() -> bytes:
        request = SpeechRequest(TEXT, "amber", "opus")
        async with aclosing(encoded(Service(voices, ["amber"]), request, Usage(len(TEXT)), 16_000)) as parts:
            return await anext(parts)

    assert asyncio.run(first_part()).count(b"OggS") == 3  # two of the header; the first chunk of amber has more


def decoded(content: bytes, name: str) -> tuple[np.ndarray, int]:
    if name != "aac":
        found: tuple[np.ndarray, int] = soundfile.read(io.BytesIO(content))
        return found
    import av

    with av.open(io.BytesIO(content)) as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        return np.concatenate(frames), container.streams.audio[0].rate
