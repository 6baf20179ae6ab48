"""Work for a client that may leave before it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from starlette.types import Receive

Result = TypeVar("Result")


async def until_disconnect(receive: Receive, call: Awaitable[Result]) -> Result:
    """Return the result of a call, which is cancelled when the client has gone; either way, it has ended on return.

    :param receive: of the request, whose body has been read.
    :raises ClientDisconnect: if the client has gone.
    """
    from starlette.requests import ClientDisconnect

    work, gone = asyncio.ensure_future(call), asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (work, gone):
            task.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)
    if work.cancelled():
        raise ClientDisconnect
    return work.result()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
