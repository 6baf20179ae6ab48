"""Streams on a cluster of two nodes: equal to those of this process, whatever happens to their replicas."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
from loop_thread import LoopThread

import voxstack
from voxstack import Chunk, RequestError
from voxstack_serve_ray.deployments import deploy
from voxstack_serve_ray.messages import ReplicaState
from voxstack_serve_ray.remote_stream import RemoteStream
from voxstack_serve_ray.remote_voices import RemoteVoices

pytest.importorskip("ray", reason="other software: pip install -r plugins/serve_ray/tests/ray.txt")

TEXT = "The old lighthouse keeper climbed the spiral staircase every evening, carrying a small brass lamp. " * 6


class Listener:
    """One stream, and what came of it.

    :param voices: of a pool.
    """

    def __init__(self, voices: RemoteVoices, text: Any = TEXT, **request: Any) -> None:
        self.chunks: list[Chunk] = []
        self.replica = ""
        self._voices, self._text, self._request = voices, text, request

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([np.zeros(0, np.float32), *(chunk.samples for chunk in self.chunks)])

    @property
    def words(self) -> list[tuple[str, Any]]:
        events = (event for chunk in self.chunks for event in chunk.events if event.kind == "word")
        return [(event.text, pytest.approx(event.start, abs=1e-6)) for event in events]

    async def listen(self, after: int = -1, act: Callable[[], Any] = lambda: None) -> None:
        """Take the whole stream, and do something once after a chunk."""
        handle = self._voices._handle(self._voices._pools[0])
        stream = RemoteStream(handle, self._voices._channels, "amber", self._text, self._request)
        async with aclosing(stream.chunks()) as chunks:
            async for chunk in chunks:
                self.chunks.append(chunk)
                self.replica = stream._replica
                if len(self.chunks) == after + 1:
                    await act()


async def states(voices: RemoteVoices) -> dict[str, ReplicaState]:
    return {state.replica: state for state in await voices._all("state", voices._pools[0])}


async def kill(voices: RemoteVoices, replica: str) -> None:
    os.kill((await states(voices))[replica].pid, signal.SIGKILL)


async def until_complete(voices: RemoteVoices, count: int) -> None:
    """Wait until there are all replicas again."""
    while True:
        try:
            if len(await states(voices)) == count:
                return
        except Exception:  # one of them is gone
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)


def test_a_stream_equals_that_of_this_process(runner: LoopThread, voices: RemoteVoices, amber: voxstack.Voice) -> None:
    whole = amber.synthesize(TEXT, rate=1.2)
    listener = Listener(voices, rate=1.2)
    runner.run(listener.listen())
    np.testing.assert_array_equal(listener.samples, whole.samples)
    assert listener.words == [(word.text, word.start) for word in whole.words]
    assert {chunk.sample_rate for chunk in listener.chunks} == {16_000}


def test_errors_are_those_of_the_voice(runner: LoopThread, voices: RemoteVoices) -> None:
    with pytest.raises(RequestError, match="amber: rate: 99"):
        runner.run(Listener(voices, rate=99).listen())
    with pytest.raises(RequestError, match="nothing to pronounce"):
        runner.run(Listener(voices, "...").listen())


def test_a_stream_goes_on_when_its_replica_is_killed_and_again(
    runner: LoopThread, voices: RemoteVoices, amber: voxstack.Voice
) -> None:
    whole = amber.synthesize(TEXT)

    async def run() -> None:
        listeners = [Listener(voices) for _ in range(4)]
        used: list[str] = []

        async def act() -> None:
            used.append(listeners[0].replica)
            await kill(voices, used[0])

        await asyncio.gather(listeners[0].listen(2, act), *(other.listen() for other in listeners[1:]))
        assert listeners[0].replica != used[0]
        for listener in listeners:
            np.testing.assert_array_equal(listener.samples, whole.samples)
            assert listener.words == [(word.text, word.start) for word in whole.words]
        await until_complete(voices, 3)

    runner.run(run())


def test_text_in_parts_goes_on_elsewhere(runner: LoopThread, voices: RemoteVoices, amber: voxstack.Voice) -> None:
    parts = [f"{word} " for word in TEXT.split()]
    whole = amber.synthesize(parts)

    async def run() -> None:
        half = asyncio.Event()

        async def written() -> AsyncIterator[str]:
            for number, part in enumerate(parts):
                if number == len(parts) // 2:
                    await half.wait()
                yield part

        listener = Listener(voices, written())

        async def act() -> None:
            await kill(voices, listener.replica)
            half.set()

        await listener.listen(1, act)
        np.testing.assert_array_equal(listener.samples, whole.samples)
        await until_complete(voices, 3)

    runner.run(run())


def test_an_error_of_the_text_is_raised_after_the_audio_before_it(runner: LoopThread, voices: RemoteVoices) -> None:
    async def broken() -> AsyncIterator[str]:
        yield "One sentence is complete. And "
        raise OSError("the writer is gone")

    listener = Listener(voices, broken())
    with pytest.raises(OSError, match="the writer is gone"):
        runner.run(listener.listen())
    assert len(listener.samples) > 8000


def test_a_reader_that_reads_nothing_holds_its_replica_back(runner: LoopThread, voices: RemoteVoices) -> None:
    async def run() -> float:
        before = sum(state.work["amber"][1] for state in (await states(voices)).values() if "amber" in state.work)
        stream = voices.astream("amber", TEXT)
        await anext(stream)
        await asyncio.sleep(1.0)  # without a limit, all would be computed by now
        await stream.aclose()
        while any(state.demand for state in (await states(voices)).values()):
            await asyncio.sleep(0.05)
        return (
            sum(state.work["amber"][1] for state in (await states(voices)).values() if "amber" in state.work) - before
        )

    assert 0 < runner.run(run()) <= 2.0


def test_streams_go_on_while_their_pool_is_renewed(
    runner: LoopThread, voices: RemoteVoices, amber: voxstack.Voice
) -> None:
    whole = amber.synthesize(TEXT)

    async def run() -> None:
        renewed = asyncio.Event()
        listeners = [Listener(voices) for _ in range(3)]
        gathered = asyncio.gather(*(one.listen(1, renewed.wait) for one in listeners))
        before = set(await states(voices))
        deploying = asyncio.create_task(asyncio.to_thread(deploy, voices._pools, {"default": ["amber"]}, True))
        later = Listener(voices)
        while not later.chunks or later.replica in before:  # until new streams run on new replicas
            later = Listener(voices)
            await later.listen()
        np.testing.assert_array_equal(later.samples, whole.samples)
        first = [one.replica for one in listeners]
        assert set(first) <= before
        await asyncio.sleep(1.0)  # longer than a feed is waited for
        renewed.set()
        await gathered
        await deploying  # ends when the last stream on the old replicas has
        for one, replica in zip(listeners, first, strict=True):
            np.testing.assert_array_equal(one.samples, whole.samples)
            assert one.replica == replica, "it was moved, though its replica still ran"
        assert not before & set(await states(voices))

    runner.run(run())
