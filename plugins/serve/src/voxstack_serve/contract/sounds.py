"""Audio as a client finds it: its format by its first bytes, and its duration by decoding it."""

from __future__ import annotations

import io
import struct
from typing import NamedTuple

MEDIA_TYPES = {
    "mp3": ("audio/mpeg", "audio/mp3", "audio/x-mpeg"),
    "opus": ("audio/ogg", "audio/opus"),
    "aac": ("audio/aac", "audio/x-aac"),
    "flac": ("audio/flac", "audio/x-flac"),
    "wav": ("audio/wav", "audio/wave", "audio/x-wav"),
    "pcm": ("audio/pcm", "audio/l16", "application/octet-stream"),
}
"""Media types of each format that clients decode; LiveKit takes others for the format that it requested."""

_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_ADTS_SAMPLES = 1024


class Sound(NamedTuple):
    """Decoded audio: the duration, and the sample rate in Hz."""

    seconds: float
    rate: int


class WavHeader(NamedTuple):
    """Header of a WAV file.

    :param riff: the size that it states for the file without the first 8 bytes.
    :param data: the size that it states for the samples.
    :param begin: place of the first sample.
    """

    rate: int
    frame: int
    riff: int
    data: int
    begin: int


def check_media_type(found: str, format: str) -> None:
    """Check the media type of audio as clients do, which take one that they do not know for that of the format.

    :raises AssertionError: if it is that of another format, or of no audio.
    """
    others = [name for name, types in MEDIA_TYPES.items() if name != format and found in types[:3]]
    assert not others or found == "application/octet-stream", f"the content-type is {found!r}, that of {others[0]}"
    assert found.startswith("audio/") or found == "application/octet-stream", f"the content-type is {found!r}"


def format_of(content: bytes) -> str:
    """Return the format of audio by its first bytes; samples without a header have none: ``pcm``."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        return "wav"
    if content[:4] == b"OggS":
        return "opus" if b"OpusHead" in content[:64] else "ogg"
    if content[:4] == b"fLaC":
        return "flac"
    if content[:1] == b"\xff" and content[1:2] and content[1] & 0xF6 == 0xF0:
        return "aac"
    if content[:3] == b"ID3" or (content[:1] == b"\xff" and content[1:2] and content[1] & 0xE0 == 0xE0):
        return "mp3"
    return "pcm"


def decode(content: bytes, format: str) -> Sound:
    """Return the duration and sample rate of audio in a format; ``pcm`` is taken as clients take it: 24 kHz, mono.

    :raises AssertionError: if it is in another format, or cannot be decoded.
    """
    if format == "pcm":
        assert len(content) % 2 == 0, f"{len(content)} bytes are no whole number of 16-bit samples"
        return Sound(len(content) / 48_000, 24_000)
    found = format_of(content)
    assert found == format, f"the bytes are {found}, not {format}: they begin with {content[:12]!r}"
    if format == "wav":
        header = wav_header(content)
        return Sound((len(content) - header.begin) / header.frame / header.rate, header.rate)
    return _adts(content) if format == "aac" else _by_libsndfile(content)


def wav_header(content: bytes) -> WavHeader:
    """Return the header of a WAV file.

    :raises AssertionError: if it is no WAV of 16-bit mono samples.
    """
    assert format_of(content) == "wav", f"no WAV header: {content[:12]!r}"
    place, form = 12, b""
    while content[place : place + 4] != b"data":
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        assert place + 8 < len(content), "the WAV file has no samples"
        form = content[place + 8 : place + 8 + size] if content[place : place + 4] == b"fmt " else form
        place += 8 + size + size % 2
    assert len(form) >= 16, "the WAV file does not state its format before its samples"
    _, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", form)
    assert (channels, bits) == (1, 16), f"the WAV file has {channels} channels of {bits} bits; clients expect one of 16"
    sizes = int.from_bytes(content[4:8], "little"), int.from_bytes(content[place + 4 : place + 8], "little")
    return WavHeader(rate, frame, *sizes, place + 8)


def _adts(content: bytes) -> Sound:
    place, count, rate = 0, 0, 0
    while place + 7 <= len(content):
        assert format_of(content[place : place + 2]) == "aac", f"no frame of AAC begins at byte {place}"
        rate = _ADTS_RATES[(content[place + 2] >> 2) & 0xF]
        size = (content[place + 3] & 3) << 11 | content[place + 4] << 3 | content[place + 5] >> 5
        assert size >= 7, f"the frame of AAC at byte {place} has {size} bytes"
        place, count = place + size, count + 1
    assert place == len(content), "the last frame of AAC is not complete"
    return Sound(count * _ADTS_SAMPLES / rate, rate)


def _by_libsndfile(content: bytes) -> Sound:
    import soundfile

    endless = content[:4] == b"fLaC" and not content[21] & 0xF and not any(content[22:26])
    count = 0
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            try:
                while len(block := file.read(256 if endless else 65_536, "float32", always_2d=True)):
                    count += len(block)
            except soundfile.LibsndfileError:
                if not (endless and count):  # a streamed FLAC states no number of samples, and its end is an error
                    raise
            return Sound(count / file.samplerate, file.samplerate)
    except soundfile.LibsndfileError as error:
        raise AssertionError(f"it cannot be decoded: {error}") from None
