"""A block that computes chunks ahead of demand."""

from __future__ import annotations

import queue
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np

from voxstack.blocks import Frames, StreamableBlock
from voxstack.streaming.turn import current_turn, waiting
from voxstack.utterance import Utterance

Result = np.ndarray | BaseException | None
"""A chunk, the error that ended the stream, or None at its end."""


@dataclass
class Prefetch(StreamableBlock):
    """Computes the chunks of the blocks before it ahead of demand, on a thread of its own.

    Two cores can then work on one stream, and after ``Sentences`` the next sentence is encoded while this one plays.
    Chunks pass unchanged. When the stream is closed, the thread ends with its current chunk.

    :param chunks: the most chunks computed ahead.
    """

    chunks: int = field(default=1, metadata={"minimum": 1})

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        ready: queue.SimpleQueue[Result] = queue.SimpleQueue()
        room, stop = threading.Semaphore(self.chunks), threading.Event()
        turn = current_turn()

        def work() -> None:
            result: Result = None
            while True:
                room.acquire()
                if stop.is_set():
                    return
                try:
                    with nullcontext() if turn is None else turn.another():
                        result = next(source, None)
                except BaseException as error:  # raised again where the chunk is read
                    result = error
                ready.put(result)
                if not isinstance(result, np.ndarray):
                    return

        thread = threading.Thread(target=work, name="voxstack-prefetch", daemon=True)
        thread.start()
        try:
            while True:
                result = _read(ready)
                if result is None:
                    return
                if isinstance(result, BaseException):
                    raise result
                room.release()
                yield result
        finally:
            stop.set()
            room.release()
            with waiting():
                thread.join()


def _read(ready: queue.SimpleQueue[Result]) -> Result:
    try:
        return ready.get_nowait()
    except queue.Empty:
        with waiting():
            return ready.get()
