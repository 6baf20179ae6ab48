"""Streams over a handle that loses, delays, refuses and repeats, which a real cluster does not on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

import voxstack_serve_ray.attempts as attempts
import voxstack_serve_ray.feeding as feeding
from voxstack import CapacityError, RequestError
from voxstack.streaming.timeline import Events
from voxstack_serve_ray.errors import ReplicaLostError, VoiceReplacedError
from voxstack_serve_ray.messages import Audio, End, Failure, Feed, Message, Opened
from voxstack_serve_ray.remote_stream import RemoteStream
from voxstack_serve_ray.replica import _with_heartbeats
from voxstack_serve_ray.running_stream import RunningStream

RATE, CHUNK = 100, 25
"""A second has 100 samples, a chunk a quarter of that."""


class Call:
    """A call of ``synthesize`` on one replica of the fake deployment."""

    def __init__(self, replica: FakeReplica, arguments: dict[str, Any]) -> None:
        self.arguments, self.running = arguments, RunningStream(arguments["feed"])
        self.silent = self.cancelled = False
        self.reports: list[Message] = []
        self._messages = _with_heartbeats(replica.speech(self), self.running)

    def __aiter__(self) -> Call:
        return self

    async def __anext__(self) -> Message:
        message = self.reports.pop() if self.reports else await anext(self._messages)
        if self.silent:
            await asyncio.sleep(3600)
        return message

    def cancel(self) -> None:
        self.cancelled = True


class FakeReplica:
    """Speaks the numbers of its samples, one second for each part of a text, up to ``fails_at``."""

    def __init__(
        self, name: str, seconds: int = 4, fails_at: int = 10**9, failure: Exception | None = None, version: str = "1"
    ) -> None:
        self.name, self.seconds, self.fails_at, self.failure, self.version = name, seconds, fails_at, failure, version
        self.made = 0

    async def speech(self, call: Call) -> AsyncIterator[Message]:
        start = call.arguments["request"].get("start", 0)
        if call.arguments["version"] not in ("", self.version):
            yield Failure(self.name, VoiceReplacedError("it was replaced"))
            return
        yield Opened(self.name, (self.name, 0), self.version, RATE)
        length = 0
        async for _ in self._text(call):
            for first in range(length, length + RATE, CHUNK):
                samples = np.arange(max(first, start), first + CHUNK, dtype=np.float32)
                if first + CHUNK > self.fails_at:
                    await self._fail(call)
                    yield Failure(self.name, self.failure or RuntimeError())
                    return
                if len(samples):
                    self.made = first + CHUNK
                    yield Audio(samples, int(samples[0]), Events())
                    await call.running.room((first + CHUNK) / RATE)
            length += RATE
        yield End()

    async def _fail(self, call: Call) -> None:
        if self.failure is None:
            raise ConnectionError("the replica is gone")
        call.silent = isinstance(self.failure, TimeoutError)

    async def _text(self, call: Call) -> AsyncIterator[str]:
        if call.arguments["text"] is not None:
            for _ in range(self.seconds):
                yield ""
            return
        async for part in call.running.text():
            yield part


class FakeHandle:
    """A deployment whose calls of ``synthesize`` go to its replicas in turn.

    :param fate: of each feed, by its number: whether it arrives.
    """

    def __init__(self, *replicas: FakeReplica, fate: Callable[[int], bool] = lambda _: True) -> None:
        self.replicas, self.fate = list(replicas), fate
        self.calls: list[Call] = []
        self.feeds: list[Feed] = []

    def options(self, stream: bool) -> Any:
        handle = self

        class Streams:
            class synthesize:
                @staticmethod
                def remote(**arguments: Any) -> Call:
                    replica = handle.replicas[min(len(handle.calls), len(handle.replicas) - 1)]
                    handle.calls.append(Call(replica, arguments))
                    return handle.calls[-1]

        return Streams()

    def send(self, address: Any, stream: str, feed: Feed) -> None:
        """Send a feed, as :class:`FeedChannels` do."""
        self.feeds.append(feed)
        if self.fate(len(self.feeds) - 1):
            for call in self.calls:
                if call.arguments["stream"] == stream:
                    asyncio.get_running_loop().call_soon(call.running.feed, feed)


async def collected(handle: FakeHandle, text: Any = "", **request: Any) -> np.ndarray:
    stream = RemoteStream(handle, handle, "voice", text, request)
    found = [chunk.samples async for chunk in stream.chunks()]
    return np.concatenate(found) if found else np.zeros(0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "PATIENCE", 0.6)
    monkeypatch.setattr(feeding, "ARRIVAL", 0.1)
    monkeypatch.setattr(attempts, "BEFORE", 1.5)
    monkeypatch.setattr(attempts, "AFTER", 1.5)


def check(samples: np.ndarray, seconds: int = 4, start: int = 0) -> None:
    np.testing.assert_array_equal(samples, np.arange(start, seconds * RATE))


def test_a_stream_is_fed_to_its_end() -> None:
    handle = FakeHandle(FakeReplica("a", seconds=20))
    check(asyncio.run(collected(handle)), 20)
    assert len(handle.feeds) < 25, "a feed for each second, not for each chunk"


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_lost_feeds_are_sent_again(lost: int) -> None:
    handle = FakeHandle(FakeReplica("a"), fate=lambda number: number != lost)
    check(asyncio.run(collected(handle)))
    assert len(handle.calls) == 1


def test_old_reports_are_no_losses() -> None:
    """While a client takes nothing, reports of a stream that waits accumulate."""
    handle = FakeHandle(FakeReplica("a"))

    async def run() -> None:
        found = []
        async for chunk in RemoteStream(handle, handle, "voice", "", {}).chunks():
            found.append(chunk.samples)
            if len(found) == 4:
                handle.calls[0].reports = [handle.calls[0].running.alive()] * 100
        check(np.concatenate(found))

    asyncio.run(run())
    assert len(handle.calls) == 1
    assert len(handle.feeds) < 20


def test_a_replica_that_takes_no_feeds_is_left() -> None:
    handle = FakeHandle(FakeReplica("a"), FakeReplica("b"), fate=lambda _: len(handle.calls) > 1)
    check(asyncio.run(collected(handle)))
    assert [call.arguments["avoid"] for call in handle.calls] == [[], ["a"]]


@pytest.mark.parametrize("failure", [None, TimeoutError()], ids=["gone", "silent"])
@pytest.mark.parametrize("at", [0, CHUNK, 3 * RATE, 4 * RATE - 1])
def test_a_lost_replica_is_replaced(failure: Exception | None, at: int) -> None:
    handle = FakeHandle(FakeReplica("a", fails_at=at, failure=failure), FakeReplica("b"))
    check(asyncio.run(collected(handle)))
    taken = at // CHUNK * CHUNK
    assert handle.calls[1].arguments["request"].get("start", 0) == taken
    assert handle.calls[1].arguments["request"].get("admitted", False) == (taken > 0)


def test_a_start_of_the_client_is_kept() -> None:
    handle = FakeHandle(FakeReplica("a", fails_at=200), FakeReplica("b"))
    check(asyncio.run(collected(handle, start=130)), start=130)
    assert [call.arguments["request"]["start"] for call in handle.calls] == [130, 200]


def test_text_in_parts_is_sent_again_to_another_replica() -> None:
    handle = FakeHandle(FakeReplica("a", fails_at=250), FakeReplica("b"), fate=lambda number: number % 3 != 1)

    async def parts() -> AsyncIterator[str]:
        for number in range(5):
            await asyncio.sleep(0.01)
            yield str(number)

    check(asyncio.run(collected(handle, parts())), 5)
    assert handle.calls[1].arguments["feed"].parts[:2] == ("0", "1")


def test_a_refused_stream_is_tried_once_more() -> None:
    full = CapacityError("full")
    handle = FakeHandle(FakeReplica("a", fails_at=0, failure=full), FakeReplica("b"))
    check(asyncio.run(collected(handle)))
    handle = FakeHandle(*(FakeReplica(name, fails_at=0, failure=full) for name in "abc"))
    with pytest.raises(CapacityError, match="full"):
        asyncio.run(collected(handle))
    assert len(handle.calls) == 2


def test_a_stream_that_has_begun_waits_for_capacity() -> None:
    full = FakeReplica("b", fails_at=0, failure=CapacityError("full"))
    handle = FakeHandle(FakeReplica("a", fails_at=200), full, full, full, FakeReplica("c"))
    check(asyncio.run(collected(handle)))


def test_it_does_not_look_for_a_replica_for_ever() -> None:
    with pytest.raises(CapacityError, match="no replica answers"):
        asyncio.run(collected(FakeHandle(FakeReplica("a", fails_at=0, failure=TimeoutError()))))
    with pytest.raises(ReplicaLostError, match="sent nothing"):
        asyncio.run(
            collected(FakeHandle(FakeReplica("a", fails_at=200), FakeReplica("b", fails_at=0, failure=TimeoutError())))
        )


@pytest.mark.parametrize("at", [0, 200])
def test_a_stream_that_ends_each_replica_is_given_up(at: int) -> None:
    handle = FakeHandle(FakeReplica("a", fails_at=at))
    with pytest.raises(ReplicaLostError, match="the replica is gone"):
        asyncio.run(collected(handle))
    assert len(handle.calls) == 5


def test_it_never_goes_on_with_another_version() -> None:
    replicas = [FakeReplica("a", fails_at=200), FakeReplica("b", version="2"), FakeReplica("c")]
    check(asyncio.run(collected(FakeHandle(*replicas))))
    with pytest.raises(VoiceReplacedError):
        asyncio.run(collected(FakeHandle(*replicas[:2])))


def test_errors_of_the_request_are_not_repeated() -> None:
    handle = FakeHandle(FakeReplica("a", fails_at=100, failure=RequestError("no such control")))
    with pytest.raises(RequestError, match="no such control"):
        asyncio.run(collected(handle))
    assert len(handle.calls) == 1


def test_a_reader_that_stops_holds_the_replica_back() -> None:
    replica = FakeReplica("a", seconds=60)
    handle = FakeHandle(replica)

    async def run() -> None:
        stream = RemoteStream(handle, handle, "voice", "", {}).chunks()
        for _ in range(20):
            await anext(stream)
        await asyncio.sleep(0.05)
        assert replica.made <= (20 * CHUNK) + 2 * RATE
        await stream.aclose()

    asyncio.run(run())


def test_cancelling_its_task_ends_a_stream() -> None:
    async def run() -> None:
        handle = FakeHandle(FakeReplica("a", fails_at=0, failure=TimeoutError()))
        task = asyncio.create_task(collected(handle))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(handle.calls) == 1
        assert handle.calls[0].cancelled

    asyncio.run(run())
