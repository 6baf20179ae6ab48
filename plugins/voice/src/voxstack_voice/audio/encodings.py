"""The formats of audio files, each by the extension of its files, and the libraries that write them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from voxstack.errors import RequestError


class Encoding(NamedTuple):
    """A format of audio files.

    :param library: the module that writes it.
    :param format: name of the container in that library.
    :param codec: name of the codec in that library.
    :param rates: sample rates in Hz that it can hold, in order; empty: any.
    :param options: more settings of that library.
    """

    library: str
    format: str
    codec: str
    rates: tuple[int, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def target_rate(self, sample_rate: int) -> int:
        """Return the sample rate of a file: the next that loses nothing, or the highest."""
        if not self.rates:
            return sample_rate
        return next((rate for rate in self.rates if rate >= sample_rate), self.rates[-1])


_MPEG = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS = (8000, 12000, 16000, 24000, 48000)
_BITS = 64_000
"""Bits per second of codecs with a constant rate, for mono speech."""

ENCODINGS = {
    ".wav": Encoding("wave", "WAV", "PCM_16"),
    ".flac": Encoding("soundfile", "FLAC", "PCM_16"),
    ".mp3": Encoding("soundfile", "MP3", "MPEG_LAYER_III", _MPEG),
    ".ogg": Encoding("soundfile", "OGG", "VORBIS"),
    ".opus": Encoding("soundfile", "OGG", "OPUS", _OPUS, (("compression_level", 0.77),)),  # 256 kbit/s less 250 × this
    ".aac": Encoding("av", "adts", "aac", _MPEG, (("bit_rate", _BITS),)),
    ".m4a": Encoding("av", "ipod", "aac", _MPEG, (("bit_rate", _BITS),)),
    ".webm": Encoding("av", "webm", "libopus", _OPUS, (("bit_rate", _BITS),)),
}
"""The formats by the extension of their files."""

EXTRAS = {"soundfile": "audio", "av": "av", "soxr": "audio", "pyloudnorm": "audio", "sounddevice": "play"}
"""The extra of voxstack-voice that installs a library."""


def encoding_of(path: str | Path) -> Encoding:
    """Return the format of a file by its extension, once the library that writes it is imported.

    :raises RequestError: for an unknown extension, or if the library is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in ENCODINGS:
        problem = f"no audio format has the extension {suffix!r}" if suffix else "it has no extension"
        raise RequestError(f"cannot write {str(path)!r}: {problem}; use {'; '.join(_choices())}")
    encoding = ENCODINGS[suffix]
    import_library(encoding.library, f"cannot write {str(path)!r}: {suffix}", "write a .wav file")
    return encoding


def import_library(name: str, purpose: str, otherwise: str) -> Any:
    """Return a library that an extra of this distribution installs.

    :param purpose: the one that needs it, for the error.
    :param otherwise: what can be done without it, for the error.
    :raises RequestError: if it cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise RequestError(
            f'{purpose} needs {name}, which is not installed; try: pip install "voxstack-voice[{EXTRAS[name]}]", '
            f"or {otherwise}"
        ) from error
    except OSError as error:  # the library behind the module is missing
        raise RequestError(f"{purpose} needs {name}, which cannot be loaded ({error}); reinstall it") from error


def _choices() -> Iterator[str]:
    """Yield the extensions of each library."""
    for library in dict.fromkeys(encoding.library for encoding in ENCODINGS.values()):
        suffixes = ", ".join(suffix for suffix, encoding in ENCODINGS.items() if encoding.library == library)
        extra = EXTRAS.get(library)
        yield f'{suffixes} (pip install "voxstack-voice[{extra}]")' if extra else suffixes
