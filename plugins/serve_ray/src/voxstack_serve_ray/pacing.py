"""Audio at the pace of its playback, for clients of which nothing else is known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from voxstack import Chunk


async def paced(chunks: AsyncGenerator[Chunk, None], ahead: float) -> AsyncGenerator[Chunk, None]:
    """Yield chunks so that their audio is at most some seconds ahead of a listener, and the chunk that is next."""
    began, heard = 0.0, 0.0
    async with aclosing(chunks):
        async for chunk in chunks:
            began = began or time.monotonic()
            heard += len(chunk.samples) / chunk.sample_rate
            yield chunk
            await asyncio.sleep(max(0.0, heard - ahead - (time.monotonic() - began)))
