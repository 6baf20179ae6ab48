"""The trace of a stream, written when the stream has ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from voxstack import Chunk, EventTrace


@contextmanager
def trace_writer(file: IO[bytes], trace: EventTrace) -> Iterator[Callable[[Chunk], None]]:
    """Yield a function that takes the chunks of a stream, and write its trace at the end to an open file, as JSON."""
    yield lambda chunk: None
    file.write(json.dumps(trace.as_json()).encode())
    file.flush()
