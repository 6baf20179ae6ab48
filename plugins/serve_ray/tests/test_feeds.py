"""Feeds over TCP: to the streams that they are for, and nothing else over the same port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from voxstack_serve_ray.feed_channels import FeedChannels
from voxstack_serve_ray.feed_listener import FeedListener
from voxstack_serve_ray.messages import Address, Alive, Feed
from voxstack_serve_ray.running_stream import RunningStream


@asynccontextmanager
async def listening(**streams: RunningStream) -> AsyncIterator[Address]:
    listener = FeedListener(streams)
    server = await asyncio.start_server(listener._serve, "127.0.0.1", 0, limit=2**10)
    async with server:
        yield server.sockets[0].getsockname()[:2]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def test_feeds_arrive_in_order_also_before_the_connection_is_made() -> None:
    async def run() -> None:
        one, other = RunningStream(Feed(1.0)), RunningStream(Feed(1.0))
        channels = FeedChannels()
        async with listening(one=one, other=other) as address:
            channels.send(address, "one", Feed(2.0, 0, ("a", "b")))
            channels.send(address, "gone", Feed(9.0))
            channels.send(address, "one", Feed(3.0, 2, ("c é",), True))
            await until(lambda: one.alive() == Alive(3, 3.0, True))
            assert [part async for part in one.text()] == ["a", "b", "c é"]
            assert other.alive() == Alive(0, 1.0)

    asyncio.run(run())


def test_repeated_and_early_feeds_change_nothing() -> None:
    running = RunningStream(Feed(1.0, 0, ("a",)))
    running.feed(Feed(0.5, 0, ("a", "b")))
    running.feed(Feed(1.0, 3, ("d",), True))
    assert running.alive() == Alive(2, 1.0, False)
    running.feed(Feed(1.0, 1, ("b", "c", "d"), True))
    running.feed(Feed(1.0, 4, (), True))
    assert running.alive() == Alive(4, 1.0, True)


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\r\n",
        b'["one", 2]\n',
        b'["one", "x", 0, [], false, false]\n',
        b'["one", 2, 0, [1], false, false]\n',
        b'["one", 2, -1, ["a"], false, false]\n',
        b'{"one": 1}\n',
        b'[["one"], 2, 0, [], false, false]\n',
        b"x" * 2**12,
    ],
)
def test_a_connection_that_sends_something_else_is_closed(line: bytes) -> None:
    async def run() -> None:
        running = RunningStream(Feed(1.0))
        async with listening(one=running) as address:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(line)
            async with asyncio.timeout(20):
                with suppress(ConnectionError):
                    assert await reader.read() == b""
            writer.close()
            assert running.alive() == Alive(0, 1.0)

    asyncio.run(run())


def test_a_lost_connection_is_made_again() -> None:
    async def run() -> None:
        running, channels = RunningStream(Feed(1.0)), FeedChannels()
        async with listening(one=running) as address:
            channels.send(address, "one", Feed(2.0))
            await until(lambda: running.limit == 2.0)
            transport = channels._channels[address]._transport
            assert transport is not None
            transport.abort()
            await until(lambda: not channels._channels)
            channels.send(address, "one", Feed(3.0))
            await until(lambda: running.limit == 3.0)

    asyncio.run(run())


def test_a_replica_that_is_gone_is_forgotten() -> None:
    async def run() -> None:
        channels = FeedChannels()
        async with listening() as address:
            pass
        channels.send(address, "one", Feed(2.0))
        assert address in channels._channels
        await until(lambda: not channels._channels)

    asyncio.run(run())
