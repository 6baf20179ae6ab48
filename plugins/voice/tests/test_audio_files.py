"""Audio files of every format: their samples, rates, errors, and that they appear whole or not at all."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxstack
from voxstack import AudioFile, RequestError, Speech
from voxstack_voice.audio.encodings import ENCODINGS

RATE = 16000
TIME = np.arange(2 * RATE) / RATE
SAMPLES = (0.4 * np.sin(2 * np.pi * (200 + 50 * TIME) * TIME) * (1 + np.sin(2 * np.pi * 3 * TIME)) / 2).astype(
    np.float32
)
LOSSLESS = {".wav", ".flac"}


def decoded(content: bytes, suffix: str) -> tuple[np.ndarray, int]:
    if ENCODINGS[suffix].library != "av":
        import soundfile

        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        return samples, rate
    import av

    with av.open(io.BytesIO(content)) as container:
        frames = list(container.decode(audio=0))
    resampler = av.AudioResampler("flt", "mono", frames[0].sample_rate)
    arrays = [done.to_ndarray()[0] for frame in frames for done in resampler.resample(frame)]
    return np.concatenate(arrays), frames[0].sample_rate


def best_correlation(found: np.ndarray, expected: np.ndarray, most: int = 4000) -> float:
    """Return the highest correlation of ``expected`` with a part of ``found``, which may begin later."""
    inner, found = expected[2000:-4000], np.pad(found[2000:], (0, len(expected) + most))
    size = 2 ** (len(found) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(found, size) * np.fft.rfft(inner, size).conj(), size)
    lag = int(products[:most].argmax())
    return float(np.corrcoef(inner, found[lag : lag + len(inner)])[0, 1])


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_every_format_holds_the_speech(suffix: str, tmp_path: Path) -> None:
    Speech(SAMPLES, RATE).save(tmp_path / f"hello{suffix}")
    samples, rate = decoded((tmp_path / f"hello{suffix}").read_bytes(), suffix)
    expected = SAMPLES if rate == RATE else Speech(SAMPLES, RATE).resample(rate).samples
    assert len(expected) <= len(samples) <= len(expected) + 0.15 * rate
    assert best_correlation(samples, expected) > (0.99999 if suffix in LOSSLESS else 0.99)
    assert [path.name for path in tmp_path.iterdir()] == [f"hello{suffix}"]


@pytest.mark.parametrize("suffix", ENCODINGS)
@pytest.mark.parametrize("rate", [7000, 22050, 96000])
def test_other_rates_are_held_or_raised(suffix: str, rate: int) -> None:
    speech = Speech(SAMPLES[:8000], rate)
    samples, found = decoded(speech.encode(suffix), suffix)
    rates = ENCODINGS[suffix].rates
    assert found in {rate, 48000, *rates} if suffix != ".webm" else found == 48000  # a decoder of Opus gives 48 kHz
    assert found >= min(rate, 48000)
    assert len(samples) / found == pytest.approx(speech.duration, abs=0.15)


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_chunks_give_the_samples_of_the_whole(suffix: str) -> None:
    whole = decoded(Speech(SAMPLES, RATE).encode(suffix), suffix)[0]
    buffer = io.BytesIO()
    with AudioFile(buffer, f"hello{suffix}", RATE) as file:
        for start in range(0, len(SAMPLES), 1777):
            file.write(SAMPLES[start : start + 1777])
    np.testing.assert_array_equal(decoded(buffer.getvalue(), suffix)[0], whole)


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_no_samples_are_a_file_or_a_clear_error(suffix: str) -> None:
    assert isinstance(Speech(SAMPLES[:0], RATE).encode(suffix), bytes)


def test_samples_beyond_full_scale_are_clipped() -> None:
    loud = decoded(Speech(3 * SAMPLES, RATE).encode("flac"), ".flac")[0]
    assert np.abs(loud).max() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("hello.txt", r"no audio format has the extension '.txt'; use .wav; .flac, .mp3, .ogg, .opus \(pip install "
         r'"voxstack-voice\[audio\]"\); .aac, .m4a, .webm \(pip install "voxstack-voice\[av\]"\)'),
        ("hello", "it has no extension"),
    ],
)  # fmt: skip
def test_an_unknown_extension_lists_the_known_ones(name: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=problem):
        Speech(SAMPLES, RATE).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("library", "call", "extra"),
    [
        ("soundfile", lambda speech: speech.encode("mp3"), "audio"),
        ("av", lambda speech: speech.encode("m4a"), "av"),
        ("soxr", lambda speech: speech.resample(8000), "audio"),
        ("soxr", lambda speech: Speech(SAMPLES, 15999).encode("mp3"), "audio"),
        ("pyloudnorm", lambda speech: speech.normalize(), "audio"),
    ],
)
def test_a_missing_library_names_its_extra(library: str, call: Any, extra: str, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(RequestError, match=rf'{library}, which is not installed.*"voxstack-voice\[{extra}\]"'):
        call(Speech(SAMPLES, RATE))


class Full(io.BytesIO):
    """A disk with room for the beginning."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 3000:
            raise OSError(28, "No space left on device")
        return super().write(data)


@pytest.mark.parametrize("suffix", ENCODINGS)
def test_the_error_of_a_full_disk_comes_through(suffix: str, capsys: Any) -> None:
    noise = np.random.default_rng(0).normal(0, 0.3, 10 * RATE).astype(np.float32)
    with pytest.raises(OSError, match="No space left on device"), AudioFile(Full(), f"a{suffix}", RATE) as file:
        file.write(noise)
    assert "Traceback" not in capsys.readouterr().err


def test_an_interrupt_in_a_library_comes_through() -> None:
    class Interrupted(io.BytesIO):
        def write(self, data: Any) -> int:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), AudioFile(Interrupted(), "a.flac", RATE) as file:
        file.write(SAMPLES)


def test_an_interrupted_save_leaves_the_older_file(tmp_path: Path, monkeypatch: Any) -> None:
    def interrupted(number: int) -> None:
        raise KeyboardInterrupt

    target = tmp_path / "hello.mp3"
    target.write_bytes(b"older")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Speech(SAMPLES, RATE).save(target)
    assert target.read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["hello.mp3"]


def test_the_writer_is_public_and_holds_little(tmp_path: Path) -> None:
    """An hour in one file takes the memory of a chunk: the encoder of each chunk is done with it."""
    import tracemalloc

    path = tmp_path / "long.mp3"
    with path.open("wb") as file, voxstack.AudioFile(file, path, 8000) as audio:
        chunk = np.zeros(80_000, np.float32)
        audio.write(chunk)
        tracemalloc.start()
        for _ in range(20):
            audio.write(chunk)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 5 * chunk.nbytes
