"""The options that a client sets in the address of its connection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from voxstack_serve.elevenlabs.messages import ProtocolError

PATIENCE = 20.0
"""Seconds without a message after which a context that waits for text ends."""
LONGEST_PATIENCE = 180.0
PCM_RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
_MP3 = ("mp3_22050_32", "mp3_24000_48", *(f"mp3_44100_{kbps}" for kbps in (32, 64, 96, 128, 192)))
FORMATS = (*(f"pcm_{rate}" for rate in PCM_RATES), *_MP3, "ulaw_8000", "alaw_8000")
"""Formats whose encoders take so little time that they run between the messages of a connection."""
HTTP_FORMATS = (
    *FORMATS,
    *(f"wav_{rate}" for rate in PCM_RATES),
    *(f"opus_48000_{kbps}" for kbps in (32, 64, 96, 128, 192)),
)
_FORMAT = re.compile(r"(?P<codec>[a-z0-9]+)_(?P<rate>\d+)(?:_(?P<kbps>\d+))?")


@dataclass(frozen=True)
class Options:
    """Options of a connection.

    :param codec: such as ``pcm`` or ``mp3``, of the ``rate`` in Hz; ``kbps`` is 0 for those without a bit rate.
    :param absolute: whether times count from the start of a context, not of a message.
    :param whole_messages: whether each message is a whole sentence or phrase, to be synthesized at once.
    :param marked: whether texts are SSML.
    :param patience: seconds without a message after which a context that waits for text ends.
    """

    codec: str = "mp3"
    rate: int = 44100
    kbps: int = 128
    absolute: bool = False
    whole_messages: bool = False
    marked: bool = False
    patience: float = PATIENCE


def read_options(query: Mapping[str, str]) -> Options:
    """Return the options of a connection; unknown ones have no effect.

    :raises ProtocolError: for a format that is not available, or a value that an option does not have.
    """
    codec, rate, kbps = _read_format(query, FORMATS)
    return Options(
        codec,
        rate,
        kbps,
        absolute=_read_switch(query, "sync_alignment"),
        whole_messages=_read_switch(query, "auto_mode"),
        marked=_read_switch(query, "enable_ssml_parsing"),
        patience=_read_patience(query.get("inactivity_timeout", str(PATIENCE))),
    )


def read_http_options(query: Mapping[str, str]) -> Options:
    """Return the options of a request; unknown ones have no effect.

    :raises ProtocolError: for a format that is not available.
    """
    codec, rate, kbps = _read_format(query, HTTP_FORMATS)
    return Options(codec, rate, kbps, absolute=True)


def _read_format(query: Mapping[str, str], formats: Sequence[str]) -> tuple[str, int, int]:
    name = query.get("output_format", "mp3_44100_128")
    found = _FORMAT.fullmatch(name)
    if found is None or name not in formats:
        raise _invalid(f"output_format is one of {', '.join(formats)}, not {name!r}")
    return found["codec"], int(found["rate"]), int(found["kbps"] or 0)


def _read_switch(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise _invalid(f"{name} is true or false, not {value!r}")
    return value in ("true", "1")


def _read_patience(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= LONGEST_PATIENCE:
        raise _invalid(f"inactivity_timeout is a number of seconds up to {LONGEST_PATIENCE:g}, not {value!r}")
    return seconds


def _invalid(problem: str) -> ProtocolError:
    return ProtocolError("invalid_request", problem)
