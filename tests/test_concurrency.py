"""Many streams of the default voice at once, long texts, and abandoned streams: their audio, and what they leave."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import aclosing, suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import voxstack
from voxstack.networks.addon import Addon

TEXTS = [
    "She bought three pounds of fresh apples at the market this morning.",
    "Yes.",
    "Nothing is where it was. Who has been here?",
    "One, two, three, four, five, six, seven, eight, nine, ten.",
    "The train to the coast leaves at half past nine, if the snow in the hills is not too deep.",
]


@pytest.fixture(scope="module")
def voice() -> voxstack.Voice:
    return voxstack.load("amber", scheduler=voxstack.Scheduler(workers=2, load=None, patience=None))


@pytest.fixture(scope="module")
def alone(voice: voxstack.Voice) -> dict[str, np.ndarray]:
    return {text: voice.synthesize(text).samples for text in TEXTS}


def equals(chunks: list[np.ndarray], expected: np.ndarray) -> bool:
    joined = np.concatenate(chunks)
    return joined.shape == expected.shape and bool(np.abs(joined - expected).max() <= 1e-5 * np.abs(expected).max())


def test_streams_in_threads_and_in_asyncio_say_what_they_say_alone(
    voice: voxstack.Voice, alone: dict[str, np.ndarray]
) -> None:
    """40 streams on two workers; a third of them are closed half way."""
    results: list[bool] = []

    def threaded(number: int) -> None:
        text = TEXTS[number % len(TEXTS)]
        results.append(equals([chunk.samples for chunk in voice.stream(text)], alone[text]))

    async def stream(number: int) -> bool:
        text, received = TEXTS[number % len(TEXTS)], []
        async with aclosing(voice.astream(text)) as chunks:
            async for chunk in chunks:
                received.append(chunk.samples)
                if number % 3 == 0:
                    return True
        return equals(received, alone[text])

    async def many() -> list[bool]:
        return await asyncio.gather(*map(stream, range(30)))

    workers = [threading.Thread(target=threaded, args=(number,)) for number in range(10)]
    for worker in workers:
        worker.start()
    assert all(asyncio.run(many()))
    for worker in workers:
        worker.join(60)
    assert results == [True] * 10


def test_nothing_grows_with_streams(voice: voxstack.Voice) -> None:
    """File handles after 240 streams are those after 60, and no object remains for each stream.

    There are never more threads than streams at once and workers; how many there are of these depends on the machine.
    """
    others = threading.active_count()

    async def stream(number: int) -> None:
        async with aclosing(voice.astream("Yes, of course.")) as chunks:
            async for _ in chunks:
                if number % 3 == 0:
                    break

    async def streams(count: int) -> None:
        for start in range(0, count, 20):
            await asyncio.gather(*map(stream, range(start, start + 20)))

    def state() -> tuple[int, int, int]:
        end = time.monotonic() + 20
        while voice.scheduler.streams:  # those that were left are closed on threads
            assert time.monotonic() < end, "streams are counted that have ended"
            time.sleep(0.005)
        gc.collect()
        return threading.active_count(), handles(), len(gc.get_objects())

    asyncio.run(streams(60))
    before = state()
    asyncio.run(streams(180))
    after = state()
    assert after[0] <= others + 20 + voice.scheduler.workers
    assert after[1] <= before[1]
    assert after[2] < before[2] + 180, "a stream leaves an object behind"


def handles() -> int:
    """Return the number of open files, but for the one that each thread has for its clock as long as it lasts."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the list itself
            found += not os.readlink(f"/proc/self/fd/{name}").endswith("/schedstat")
    return found


PEAK = """
import json, re, sys
from pathlib import Path
import voxstack
voice = voxstack.load("amber")
text = "The station was almost empty when she arrived, and a clerk was sweeping the floor. " * int(sys.argv[1])
samples = sum(len(chunk.samples) for chunk in voice.stream(text))
print(json.dumps([samples, int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux reports the peak memory of one process")
def test_ten_minutes_of_one_paragraph_take_no_more_memory_than_one() -> None:
    (one, low), (ten, high) = (
        json.loads(
            subprocess.run([sys.executable, "-c", PEAK, count], check=True, capture_output=True, text=True).stdout
        )
        for count in ("13", "130")
    )
    assert one > 50 * 16000
    assert ten == pytest.approx(10 * one, rel=0.01)
    assert 20_000 < high <= 1.1 * low  # kB


def test_the_first_audio_of_a_long_text_does_not_wait_for_the_rest(voice: voxstack.Voice) -> None:
    """No more than the sentence window is read before the first chunk."""
    read = 0

    def sentences() -> object:
        nonlocal read
        for _ in range(10_000):
            read += 1
            yield "The station was almost empty when she arrived. "

    stream = voice.stream(sentences())
    assert len(next(stream).samples)
    stream.close()
    assert read <= 3


def test_a_stream_that_fails_leaves_the_others_alone(voice: voxstack.Voice, alone: dict[str, np.ndarray]) -> None:
    async def broken() -> object:
        yield "Well, this begins "
        raise OSError("the line is dead")

    async def received(text: object) -> list[np.ndarray]:
        return [chunk.samples async for chunk in voice.astream(text)]

    async def all_of_them() -> list[object]:
        return await asyncio.gather(received(TEXTS[0]), received(broken()), received(TEXTS[2]), return_exceptions=True)

    first, error, third = asyncio.run(all_of_them())
    assert equals(first, alone[TEXTS[0]])
    assert equals(third, alone[TEXTS[2]])
    assert isinstance(error, OSError), "the exception of who writes the text"
    assert str(error) == "the line is dead"


def test_the_next_sentence_is_encoded_while_this_one_plays(voice: voxstack.Voice) -> None:
    """``Prefetch`` after ``Sentences`` runs the encoders of the second sentence before the listener pulls its audio."""
    encoded, second = [], threading.Event()

    @voxstack.hookimpl
    def voxstack_wrap_network(network: object, spec: object, context: object) -> object:
        def watched(**tensors: np.ndarray) -> object:
            encoded.append(tensors["tokens"].shape[1])
            if len(encoded) == 2:
                second.set()
            return network(**tensors)

        return watched if spec.name == "encoder" else None

    registry = voxstack.Registry.installed().with_plugins(
        {"watch": SimpleNamespace(voxstack_wrap_network=voxstack_wrap_network)}
    )
    addon = Addon.open("amber", registry)
    block = voxstack.build([*addon.config["stack"], {"type": "Prefetch", "chunks": 2}], addon)
    request = voice.request("Yes. No, not at all.")
    stream = block.stream(iter(()), request)
    first = next(stream)
    assert second.wait(10), "the second sentence is not encoded while the first chunk plays"
    assert len(first) < 2 * 16000
    stream.close()
    for thread in threading.enumerate():
        if thread.name == "voxstack-prefetch":
            thread.join(10)
            assert not thread.is_alive()
