"""One piece of text on its way out of Flite."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from queue import SimpleQueue
from typing import NamedTuple

from voxstack.streaming.turn import waiting
from voxstack_flite.process import FliteProcess
from voxstack_flite.sentences import Piece


class Phone(NamedTuple):
    """A phone, where it ends, in seconds, and the number of the token that it belongs to; None for a pause."""

    name: str
    end: float
    token: int | None


class Saying:
    """Flite says a piece, from when this is made, and a thread keeps what has been made until it is wanted.

    Flite is never kept waiting, since nobody else could speak meanwhile. So a piece is what is kept in memory at most: some
    30 s of a sentence of ``LONGEST`` tokens, 1 MiB.

    :param factors: features of the utterance in Flite, each to be multiplied.
    """

    def __init__(self, process: FliteProcess, voice: str, piece: Piece, factors: Mapping[str, float]) -> None:
        tokens = [(token.before, token.name, token.behind) for token in piece.tokens]
        self._request = {"voice": voice, "tokens": tokens, "factors": factors}
        self._process = process
        self._made: SimpleQueue[list[Phone] | bytes | BaseException | None] = SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="flite")
        self._thread.start()

    def parts(self) -> Iterator[list[Phone] | bytes]:
        """Yield the phones, and then the samples, 16 bit, as they are made."""
        try:
            while True:
                with waiting():
                    part = self._made.get()
                if part is None:
                    return
                if isinstance(part, BaseException):
                    raise part
                yield part
        finally:
            self._stopped = True

    def _run(self) -> None:
        try:
            self._process.say(self._request, self._take, lambda: self._stopped)
            self._made.put(None)
        except BaseException as error:  # it is raised where the stream is read
            self._made.put(error)

    def _take(self, kind: str, contents: bytes) -> None:
        self._made.put([Phone(*row) for row in json.loads(contents)] if kind == "p" else contents)
