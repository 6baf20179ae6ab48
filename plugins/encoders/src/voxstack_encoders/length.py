"""The block ``Length``, which gives the length of an entry of the utterance as a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxstack import NetworkError, SequenceBlock, Utterance


@dataclass
class Length(SequenceBlock):
    """Gives the length of an entry of the utterance as a number, () int64, for a network that depends on it.

    The length of a string is its number of characters, that of an array the size of its first axis. A network can look
    up the style of a sentence by it.

    :param of: name of the entry.
    :param name: name of the number.
    """

    of: str
    name: str

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.of})

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({self.name})

    def __call__(self, utterance: Utterance) -> Utterance:
        try:
            return {self.name: np.array(len(utterance[self.of]), np.int64)}
        except TypeError as error:
            problem = f"{self.of!r} is a {type(utterance[self.of]).__name__}, which has no length"
            raise NetworkError(f"Length: {problem}; name a string, a list or an array") from error
