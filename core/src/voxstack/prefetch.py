"""Work that is done before it is asked for."""

from __future__ import annotations

import queue
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np

from voxstack.blocks import Frames, StreamableBlock, Utterance
from voxstack.scheduler import current_ticket, waiting


@dataclass
class Prefetch(StreamableBlock):
    """Makes the chunks of everything before it in the stack ahead of those behind it, on a thread of its own.

    So two cores can work on one stream, and behind ``Sentences`` the next sentence is encoded while this one plays. The
    chunks pass untouched. When the stream is closed the thread ends with the chunk that it is at.

    :param chunks: how many are made ahead at most.
    """

    chunks: int = field(default=1, metadata={"minimum": 1})

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        made: queue.SimpleQueue[np.ndarray | BaseException | None] = queue.SimpleQueue()
        room, stop = threading.Semaphore(self.chunks), threading.Event()
        ticket = current_ticket()

        def work() -> None:
            chunk: np.ndarray | BaseException | None = None
            while True:
                room.acquire()
                if stop.is_set():
                    return
                try:
                    with nullcontext() if ticket is None else ticket.turn():
                        chunk = next(source, None)
                except BaseException as error:  # it is raised again where the chunk is taken
                    chunk = error
                made.put(chunk)
                if not isinstance(chunk, np.ndarray):
                    return

        thread = threading.Thread(target=work, name="voxstack-prefetch", daemon=True)
        thread.start()
        try:
            while True:
                chunk = _taken(made)
                if chunk is None:
                    return
                if isinstance(chunk, BaseException):
                    raise chunk
                room.release()
                yield chunk
        finally:
            stop.set()
            room.release()
            with waiting():
                thread.join()


def _taken(made: queue.SimpleQueue[np.ndarray | BaseException | None]) -> np.ndarray | BaseException | None:
    try:
        return made.get_nowait()
    except queue.Empty:
        with waiting():
            return made.get()
