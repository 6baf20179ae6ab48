"""Checks of what blocks read: the chunks of a stream, tensors and controls of the utterance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from voxstack import Frames, NetworkError, RequestError, Utterance


def sample_chunks(source: Frames, block: str) -> Frames:
    """Yield the chunks of a stream of samples.

    :param block: name of the block that reads them, for errors.
    :raises NetworkError: for a chunk that is something else.
    """
    for chunk in source:
        yield floats(chunk, 1, block, "samples, (samples,)")


def floats(chunk: np.ndarray, dimensions: int, block: str, expected: str) -> np.ndarray:
    """Return a chunk of floating-point numbers with this number of dimensions.

    :param expected: what the block takes, for errors.
    :raises NetworkError: for anything else.
    """
    if not isinstance(chunk, np.ndarray) or chunk.ndim != dimensions or chunk.dtype.kind != "f":
        raise NetworkError(f"{block}: takes {expected}, float32; the block before gave {_form(chunk)}")
    return chunk


def vector(value: Any, name: str, block: str, length: int | None = None) -> np.ndarray:
    """Return an entry of the utterance that has one real number for each token.

    :param length: number of tokens, if it is known.
    :raises NetworkError: for anything else.
    """
    array = np.asarray(value)
    if array.ndim != 1 or array.dtype.kind not in "biuf" or (length is not None and len(array) != length):
        tokens = "tokens" if length is None else length
        raise NetworkError(f"{block}: {name!r} is ({tokens},), a number for each token; got {_form(array)}")
    return array


def finite(array: np.ndarray, name: str, block: str) -> np.ndarray:
    """Return an array whose values are finite.

    :raises NetworkError: for any other.
    """
    if not np.isfinite(array).all():
        raise NetworkError(f"{block}: {name!r} has values that are not finite; check the network that gives them")
    return array


def control(utterance: Utterance, name: str, default: float, block: str, required: str = "a finite number") -> float:
    """Return a control of the request that is a finite number.

    :param required: the values that are accepted, for errors.
    :raises RequestError: for anything else.
    """
    value = utterance.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise RequestError(f"{block}: {name} is {value!r}, and must be {required}; {default:g} changes nothing")
    return number


def _form(value: object) -> str:
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
