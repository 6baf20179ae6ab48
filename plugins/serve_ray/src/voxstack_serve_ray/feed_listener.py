"""The port on which a replica takes the feeds of its streams."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping

from voxstack_serve_ray.messages import Address, Feed
from voxstack_serve_ray.running_stream import RunningStream

_LOG = logging.getLogger("voxstack.serve_ray")

LONGEST = 2**21
"""Bytes of a line: a feed with the longest text in escaped JSON."""


class FeedListener:
    """Takes feeds, as lines of JSON, for the streams of a replica, from clients that know their ids.

    A call of Ray Serve takes many times the work of a feed, and does not reach a replica that is drained.

    :param streams: that run, by their ids, which are secrets.
    """

    def __init__(self, streams: Mapping[str, RunningStream]) -> None:
        self._streams = streams
        self._starting: asyncio.Task[Address] | None = None

    async def address(self) -> Address:
        """Return where this listens, from the first call on."""
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        return await asyncio.shield(self._starting)

    async def _start(self) -> Address:
        import ray.util

        host = ray.util.get_node_ip_address()
        server = await asyncio.start_server(self._serve, host, 0, limit=LONGEST)
        self._server = server
        return host, server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the feeds of a connection until it ends, or has something else."""
        try:
            while line := await reader.readline():
                stream, *fields = json.loads(line)
                if (running := self._streams.get(stream)) is not None:
                    running.feed(_feed(*fields))
        except (ValueError, TypeError) as error:
            _LOG.warning("a connection is closed, as it sent something else than feeds: %s", error)
        except OSError:  # it is gone
            pass
        finally:
            writer.close()


def _feed(limit: float, first: int, parts: list[str], ended: bool, broken: bool) -> Feed:
    """Return a feed from JSON.

    :raises TypeError: if it is something else.
    """
    if not all(isinstance(part, str) for part in parts) or not first >= 0:
        raise TypeError("the parts of a text are strings, from a number on")
    return Feed(float(limit), int(first), tuple(parts), bool(ended), bool(broken))
