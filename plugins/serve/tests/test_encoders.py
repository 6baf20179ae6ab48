"""Encoders: every rate, streams cut anywhere, and files that are taken while they are written."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from voxstack_serve.encoders import FORMATS
from voxstack_serve.encoders.sound_files import GrowingFile
from voxstack_serve.encoders.wav import wav_header
from voxstack_serve.resampling import Resampler

SHIPPED = ("mp3", "opus", "flac", "wav", "pcm")


def tone(rate: int, seconds: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def encoded(name: str, rate: int, samples: np.ndarray, step: int, count: int | None = None) -> bytes:
    encoder = FORMATS[name].open(rate, count)
    parts = [encoder.encode(samples[start : start + step]) for start in range(0, len(samples), step)]
    return b"".join([*parts, encoder.finish()])


@pytest.mark.parametrize("name", SHIPPED)
def test_the_bytes_do_not_depend_on_the_cuts(name: str) -> None:
    samples = tone(16_000)
    whole = encoded(name, 16_000, samples, len(samples))
    for step in (77, 1600):
        found = encoded(name, 16_000, samples, step)
        if name == "opus":  # each file has a serial number of its own
            np.testing.assert_array_equal(*(soundfile.read(io.BytesIO(data))[0] for data in (found, whole)))
        else:
            assert found == whole


@pytest.mark.parametrize(("name", "rate"), [(name, rate) for name in ("mp3", "opus") for rate in FORMATS[name].rates])
def test_every_rate_is_encoded(name: str, rate: int) -> None:
    samples = tone(rate)
    decoded, found = soundfile.read(io.BytesIO(encoded(name, rate, samples, 1000)))
    assert found == rate
    assert len(decoded) >= len(samples)
    spectrum = np.abs(np.fft.rfft(decoded[len(decoded) // 4 : -len(decoded) // 4]))
    assert abs(spectrum.argmax() * rate / (2 * len(spectrum)) - 440) < 10


@pytest.mark.parametrize("name", SHIPPED)
def test_audio_leaves_an_encoder_within_a_quarter_of_a_second(name: str) -> None:
    """By default, libsndfile collects a second of Opus."""
    encoder, samples = FORMATS[name].open(16_000, None), tone(16_000, 2.0)
    parts = [encoder.encode(samples[start : start + 4000]) for start in range(0, len(samples), 4000)]
    assert all(len(part) > 200 for part in parts)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_stream_without_samples_is_a_file(name: str) -> None:
    content = encoded(name, 16_000, tone(16_000, 0), 100)
    if name == "wav":
        assert content == wav_header(16_000, None)
    else:
        assert content == b"" or content[:4] in (b"OggS", b"fLaC")


def test_a_rate_that_a_format_lacks_becomes_the_next_one() -> None:
    assert FORMATS["opus"].target_rate(22_050, None) == 24_000
    assert FORMATS["opus"].target_rate(44_100, None) == 48_000
    assert FORMATS["mp3"].target_rate(96_000, None) == 48_000
    assert FORMATS["wav"].target_rate(22_050, None) == 22_050
    assert FORMATS["pcm"].target_rate(16_000, None) == 24_000
    assert FORMATS["pcm"].target_rate(16_000, 8_000) == 8_000


def test_a_file_changes_only_what_has_not_been_taken() -> None:
    file = GrowingFile()
    file.write(b"abcd")
    file.seek(1)
    file.write(b"X")
    file.seek(0, 2)
    assert file.take() == b"aXcd"
    file.write(b"efgh")
    file.seek(3)
    file.write(b"__Y")
    assert (file.tell(), file.take(), file.take()) == (6, b"_Ygh", b"")


@pytest.mark.parametrize(("source", "target"), [(16_000, 24_000), (22_050, 24_000), (24_000, 24_000)])
def test_resampling_goes_on_from_chunk_to_chunk(source: int, target: int) -> None:
    import soxr

    samples = tone(source)
    resampler = Resampler(source, target)
    parts = [resampler.resample(samples[start : start + 333]) for start in range(0, len(samples), 333)]
    found = np.concatenate([*parts, resampler.finish()])
    expected = samples if source == target else soxr.resample(samples, source, target, "HQ")
    np.testing.assert_array_equal(found, expected)
