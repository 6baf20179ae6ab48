"""The pipes of a worker process: every wait on them ends."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from typing import IO, Any

READ_SIZE = 1 << 16
STEPS = 10
"""Steps in which silence is measured. A time in which this process was suspended itself counts as one step at most."""


class Pipes:
    """Writes to the standard input of a process, and reads its standard output.

    No method takes a lock. One thread uses them at a time.

    :param silence: seconds that the process may go without reading or writing anything while it is waited for. Not
        limited where the system cannot wait for pipes (Windows).
    """

    def __init__(self, writer: IO[bytes], reader: IO[bytes], silence: float) -> None:
        self.silence = silence
        self._files = (writer, reader)  # unbuffered
        self._received, self._start = b"", 0
        self._writable = self._readable = None
        if hasattr(select, "poll"):
            os.set_blocking(writer.fileno(), False)
            self._writable, self._readable = _poll(writer, select.POLLOUT), _poll(reader, select.POLLIN)

    def write(self, contents: bytes) -> None:
        """Write all of ``contents``.

        :raises OSError: if the process has closed its end.
        :raises TimeoutError: if it is silent.
        """
        writer, view = self._files[0], memoryview(contents)
        while view:
            self._wait(self._writable)
            view = view[os.write(writer.fileno(), view) :]

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes.

        :raises EOFError: if the process has closed its end, or :meth:`close` was called.
        :raises TimeoutError: if it is silent.
        """
        start, end = self._start, self._start + size
        if end > len(self._received):
            self._received = b"".join([self._received[start:], *self._parts(end - len(self._received))])
            start, end = 0, size
        self._start = end
        return self._received[start:end]

    def close(self) -> None:
        """Close both pipes. Nothing waits in another method meanwhile."""
        for file in self._files:
            file.close()

    def _parts(self, size: int) -> Iterator[bytes]:
        """Yield what the process writes, until it is ``size`` bytes or more."""
        while size > 0:
            if self._files[1].closed:
                raise EOFError
            self._wait(self._readable)
            part = os.read(self._files[1].fileno(), READ_SIZE)
            if not part:
                raise EOFError
            size -= len(part)
            yield part

    def _wait(self, events: Any) -> None:
        if events is not None and not any(events.poll(1000 * self.silence / STEPS) for _ in range(STEPS)):
            raise TimeoutError


def _poll(file: IO[bytes], events: int) -> Any:
    """Return a poll object for one file; ``select`` could not wait for file numbers above 1023."""
    poll = select.poll()
    poll.register(file, events)
    return poll
