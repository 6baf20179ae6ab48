"""A block that computes chunks ahead of demand."""

from __future__ import annotations

import functools
import threading
import weakref
from contextlib import nullcontext
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import numpy as np

from voxstack.blocks import Frames, StreamableBlock
from voxstack.streaming.closing import close
from voxstack.streaming.turn import Turn, check_cancelled, current_turn, waiting
from voxstack.utterance import Utterance

Result = np.ndarray | BaseException | None
"""A chunk, the error that ended the stream, or None at its end."""

_CHECK = 0.2  # seconds between two looks at whether the thread still runs, and whether the stream is still wanted


@dataclass
class Prefetch(StreamableBlock):
    """Computes the chunks of the blocks before it ahead of demand, on a thread of its own.

    Two cores can then work on one stream, and after ``Sentences`` the next sentence is encoded while this one plays.
    Chunks pass unchanged. When the stream is closed, the thread ends with its current chunk, and closes the blocks
    before it. If no thread can be started, chunks are computed on demand.

    :param chunks: the most chunks computed ahead.
    """

    chunks: int = field(default=1, metadata={"minimum": 1, "maximum": 1000})

    lookback = 0

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        ahead = _Ahead(source, self.chunks, current_turn())
        run = functools.partial(_run, weakref.ref(ahead), ahead.room)
        thread = threading.Thread(target=run, name="voxstack-prefetch", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            yield from source
            return
        try:
            while (chunk := _read(ahead.ready, thread)) is not None:
                ahead.room.put(True)
                yield chunk
        finally:  # maybe in a garbage collection, on any thread: it waits for nothing, and SimpleQueue.put is reentrant
            ahead.stopped = True
            ahead.room.put(False)


class _Ahead:
    """The chunks that are computed ahead of one stream."""

    def __init__(self, source: Frames, chunks: int, turn: Turn | None) -> None:
        self.stopped = False
        self.ready: SimpleQueue[Result] = SimpleQueue()
        self.room: SimpleQueue[bool] = SimpleQueue()  # True: there is room for a chunk; False: the stream is closed
        self._source, self._turn = source, turn
        for _ in range(chunks):
            self.room.put(True)

    def compute(self) -> bool:
        """Compute a chunk; return whether there may be another one."""
        try:
            with nullcontext() if self._turn is None else self._turn.another():
                result: Result = next(self._source, None)
        except BaseException as error:  # raised again where the chunk is read
            result = error
        self.ready.put(result)
        if self.stopped:
            close(self._source)
        return isinstance(result, np.ndarray) and not self.stopped


def _run(reference: weakref.ref[_Ahead], room: SimpleQueue[bool]) -> None:
    """Compute chunks while there is room, up to the end of the source.

    While it waits, the thread has no reference to the stream: an abandoned one must become garbage.
    """
    more = True
    while more and room.get():
        ahead = reference()
        more = ahead is not None and not ahead.stopped and ahead.compute()
        del ahead


def _read(ready: SimpleQueue[Result], thread: threading.Thread) -> np.ndarray | None:
    """Return the next chunk, or None at the end.

    :raises BaseException: the error that ended the stream.
    """
    try:
        result = ready.get_nowait()
    except Empty:
        with waiting():
            result = _wait(ready, thread)
    if isinstance(result, BaseException):
        raise result
    return result


def _wait(ready: SimpleQueue[Result], thread: threading.Thread) -> Result:
    while True:
        try:
            return ready.get(timeout=_CHECK)
        except Empty:
            check_cancelled()
        if not thread.is_alive() and ready.empty():
            raise RuntimeError("the thread that computes ahead is gone, as in a forked child; start the stream again")
