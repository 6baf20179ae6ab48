"""Responses that go on where one was broken off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from voxstack_serve.errors import ApiError, invalid
from voxstack_serve.resampling import Resampler

Part = TypeVar("Part", bytes, np.ndarray)

SILENCE = 65_536
"""Samples of silence that a resampler receives at once."""

_WARM_UP = 2048  # twice what the filters of libsoxr read of the past, at the lower of both rates; measured


@dataclass(frozen=True)
class Start:
    """The place where a response starts.

    :param source: sample of the voice from which its stream is needed.
    :param samples: samples at the rate of the response that are left out before they are encoded.
    :param content: bytes that are left out after that.
    """

    source: int = 0
    samples: int = 0
    content: int = 0


def start_at(count: int, header: int | None, source_rate: int, rate: int) -> Start:
    """Return where a response starts that is to be sent without its first ``count`` bytes.

    :param header: bytes before the samples of 16 bits of the format; None for other formats, all of which is encoded.
    """
    if header is None or count <= header:
        return Start(content=count)
    samples = (count - header) // 2
    # one sample before it shows that the speech is as long
    warm_up = 1 if source_rate == rate else _WARM_UP * (1 + math.ceil(source_rate / rate))
    return Start(max(0, samples * source_rate // rate - warm_up), samples, count - 2 * samples)


def feed_silence(resampler: Resampler, count: int) -> int:
    """Let a resampler take silence for samples that are left out, and return how many it gives for them.

    It works in blocks, which stay where they are; its output is exact once its filters have read enough of the rest.
    """
    given = 0
    for start in range(0, count, SILENCE):
        given += len(resampler.resample(np.zeros(min(SILENCE, count - start), np.float32)))
    return given


class Remainder:
    """The rest of a sequence that arrives in parts, after its first ``count`` items."""

    def __init__(self, count: int) -> None:
        self.missing = count
        """Items still to be left out."""

    def of(self, part: Part) -> Part:
        """Return the items of the next part that belong to the rest."""
        left_out = min(self.missing, len(part))
        self.missing -= left_out
        return part[left_out:]


def after_the_end() -> ApiError:
    """Return the error for a start after the end of the audio."""
    return invalid("start_byte: the audio ends before it; send the number of bytes that were received", "start_byte")
