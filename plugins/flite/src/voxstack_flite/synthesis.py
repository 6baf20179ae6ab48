"""The synthesis of one sentence: the replies of the process, read by a thread."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from queue import SimpleQueue
from typing import NamedTuple

from voxstack import CapacityError, VoxstackError, waiting
from voxstack.errors import CancelledError
from voxstack.streaming.turn import interruptible
from voxstack_flite.process import FliteProcess, Reply
from voxstack_flite.sentences import Sentence


class Phone(NamedTuple):
    """A phone, its end in seconds, and the index of the token that it belongs to; None for a pause."""

    name: str
    end: float
    token: int | None


class Synthesis:
    """Synthesizes a sentence, beginning at once, and keeps the results until they are requested.

    A thread reads the results, so that Flite never waits for a listener: no other stream could synthesize meanwhile. So
    at most one sentence is kept in memory: some 30 s for ``MAX_TOKENS`` tokens, 1 MiB.

    :param factors: features of the utterance in Flite, and the factor to multiply each with.
    :raises CapacityError: if no thread can be started.
    """

    def __init__(self, process: FliteProcess, voice: str, sentence: Sentence, factors: Mapping[str, float]) -> None:
        tokens = [(token.before, token.name, token.after) for token in sentence.tokens]
        self._request = {"voice": voice, "tokens": tokens, "factors": factors}
        self._process = process
        self._results: SimpleQueue[list[Phone] | bytes | BaseException | None] = SimpleQueue()
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name="flite", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise CapacityError(
                f"Flite: no thread can be started ({error}); end other streams, or allow this program more threads "
                "(ulimit -u, the limits of its container), then try again"
            ) from error

    def results(self) -> Generator[list[Phone] | bytes, None, None]:
        """Yield the phones, and then the samples, 16 bit, as they are produced. Closing the generator stops Flite.

        :raises VoxstackError: if the process fails, or in a forked child, which lacks the thread of its parent.
        """
        try:
            while True:
                if not self._thread.is_alive() and self._results.empty():
                    raise VoxstackError(
                        "Flite: this stream belongs to the parent process; start a new one in this process"
                    )
                with waiting(), interruptible(self._interrupt):
                    result = self._results.get()
                if result is None:
                    return
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:  # perhaps on another thread, where the garbage collector runs
            self._cancelled = True

    def _interrupt(self) -> None:
        self._cancelled = True
        self._results.put(CancelledError("the stream missed its deadline while Flite was at work"))

    def _run(self) -> None:
        try:
            self._process.run(self._request, self._receive, lambda: self._cancelled)
            self._results.put(None)
        except BaseException as error:  # raised again where the stream is read
            self._results.put(error)

    def _receive(self, reply: Reply) -> None:
        self._results.put([Phone(*row) for row in reply.json()] if reply.kind == "p" else reply.contents)
