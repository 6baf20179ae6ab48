"""Examples of a network that are recorded while it is measured, so that they can be compared the next time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

MakeExample = Callable[[np.random.Generator, Mapping[str, int]], Mapping[str, np.ndarray]]
"""A function of a random generator and the size of every named axis."""

Record = list[Any]
"""The bits of the random generator, the sizes, and the digest of the arrays that were returned for them."""


class RecordedExamples:
    """The examples of a source, with a record of each call.

    :param examples: a function that returns examples.
    """

    def __init__(self, examples: MakeExample) -> None:
        self._examples = examples
        self.records: list[Record] = []

    def __call__(self, random: np.random.Generator, sizes: Mapping[str, int]) -> Mapping[str, np.ndarray]:
        state = random.bit_generator.state
        arrays = self._examples(random, sizes)
        record = [_plain(state), dict(sizes), arrays_digest(arrays)]
        if record not in self.records:
            self.records.append(record)
        return arrays


def are_repeated(examples: MakeExample, records: Iterable[Record]) -> bool:
    """Return whether a function returns the arrays that were recorded."""
    return all(arrays_digest(examples(_generator(state), sizes)) == digest for state, sizes, digest in records)


def arrays_digest(arrays: Mapping[str, Any]) -> str:
    """Return a hash of arrays with their names, dtypes and shapes."""
    digest = hashlib.sha256()
    for name, value in arrays.items():
        array = np.ascontiguousarray(value)
        digest.update(f"{name} {array.dtype.str} {np.shape(value)};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    return {**state, "state": dict(state["state"])}


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    generator = np.random.default_rng(0)
    generator.bit_generator.state = dict(state)
    return generator
