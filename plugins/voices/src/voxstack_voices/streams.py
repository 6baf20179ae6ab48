"""Streams that give something back when they end."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator

from voxstack import Chunk
from voxstack.blocks import close


class Leased(Iterator[Chunk]):
    """Chunks of a stream; ``release`` is called once when it has ended, failed, is closed, or nobody has it any more."""

    def __init__(self, chunks: Iterator[Chunk], release: Callable[[], None]) -> None:
        self._chunks = chunks
        self._release = weakref.finalize(self, release)

    def __next__(self) -> Chunk:
        try:
            return next(self._chunks)
        except BaseException:
            self._release()
            raise

    def close(self) -> None:
        """Stop: nothing is computed any more."""
        close(self._chunks)  # type: ignore[arg-type]
        self._release()
