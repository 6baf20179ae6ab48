"""Streams that go on where another process stopped: bit for bit those that began at the beginning."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

import voxstack
from voxstack import RequestError, Schedule
from voxstack_voice.delivery import Delivery

TEXT = (
    "The lamp was lit at dusk, every day. Dr. Smith paid $5 for it; nobody asked why. The old keeper climbed the "
    "stairs, slowly, and counted them: ninety-nine. Then he slept."
)


@pytest.fixture(scope="module", params=["amber", "cobalt", "amber in fixed"])
def voice(request: pytest.FixtureRequest) -> voxstack.Voice:
    name, _, context = request.param.partition(" in ")
    return voxstack.load(name, context=context or None)


def starts(count: int) -> list[int]:
    """Return starts at the ends of a stream, around a boundary of frames, and at random."""
    random = np.random.default_rng(count).integers(1, count, 12)
    return [0, 1, 199, 200, 201, count // 2, count - 1, *(int(start) for start in random)]


def joined(chunks: list[voxstack.Chunk]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.float32), *(chunk.samples for chunk in chunks)])


def words(events: Any) -> list[tuple[str, float]]:
    return [(event.text, pytest.approx(event.start, abs=1e-6)) for event in events if event.kind == "word"]


def test_the_rest_is_that_of_the_whole(voice: voxstack.Voice) -> None:
    whole = voice.synthesize(TEXT)
    for start in starts(len(whole.samples)):
        chunks = list(voice.stream(TEXT, start=start))
        np.testing.assert_array_equal(joined(chunks), whole.samples[start:], f"from {start}")
        assert chunks[0].start == start
        assert all(len(chunk.samples) or chunk.events for chunk in chunks)
        events = [event for chunk in chunks for event in chunk.events]
        assert min((event.start for event in events), default=start) >= start / voice.sample_rate
        assert words(events) == words(event for event in whole.events if event.start >= start / voice.sample_rate)


@pytest.mark.parametrize("schedule", [Schedule(first=1, growth=1.0), Schedule(first=7, growth=1.5, largest=50)])
def test_the_rest_does_not_depend_on_chunks(voice: voxstack.Voice, schedule: Schedule) -> None:
    whole = voice.synthesize(TEXT).samples
    start = len(whole) * 2 // 3
    np.testing.assert_array_equal(joined(list(voice.stream(TEXT, schedule=schedule, start=start))), whole[start:])


def test_asynchronous_streams_and_texts_in_parts_start_there_too(voice: voxstack.Voice) -> None:
    words = [f"{word} " for word in TEXT.split()]

    async def parts() -> Any:
        for word in words:
            yield word

    async def collect(text: Any, start: int) -> np.ndarray:
        return joined([chunk async for chunk in voice.astream(text, start=start, volume=-3.0)])

    for whole, text in (
        (voice.synthesize(TEXT, volume=-3.0), lambda: TEXT),
        (voice.synthesize(words, volume=-3.0), parts),
    ):
        start = len(whole.samples) // 2 + 17
        np.testing.assert_array_equal(asyncio.run(collect(text(), start)), whole.samples[start:])


def test_markup_with_changes_of_volume_and_pauses() -> None:
    voice = voxstack.load("amber")
    text = (
        '<speak>One, <break time="700ms"/> <prosody volume="-6dB">two and three</prosody>, four. '
        '<prosody rate="80%">Five and six.</prosody> <prosody volume="+3dB">Seven</prosody> eight.</speak>'
    )
    whole = voice.synthesize(text, markup="ssml").samples
    for start in starts(len(whole)):
        found = joined(list(voice.stream(text, markup="ssml", start=start)))
        np.testing.assert_array_equal(found, whole[start:], f"from {start}")


def test_sentences_before_the_start_are_not_decoded() -> None:
    voice = voxstack.load("amber")
    frames = {"decoder": 0, "vocoder": 0}
    for network in voice.addon.opened:
        if network.spec.name in frames:
            _count(network, frames)
    whole = len(voice.synthesize(TEXT).samples)
    complete = dict(frames)
    frames.update(decoder=0, vocoder=0)
    next(voice.stream(TEXT, start=whole - 8000))
    assert all(0 < frames[name] < complete[name] / 4 for name in frames), f"{frames} of {complete}"


def _count(network: Any, frames: dict[str, int]) -> None:
    """Count the frames that a network receives."""
    run, name, stream = network._run, network.spec.name, network.spec.streaming.input

    def counted(**tensors: np.ndarray) -> Any:
        frames[name] += tensors[stream].shape[1]
        return run(**tensors)

    network._run = counted


def test_a_start_after_the_end_yields_nothing(voice: voxstack.Voice) -> None:
    count = len(voice.synthesize("One.").samples)
    assert list(voice.stream("One.", start=count)) == []
    assert list(voice.stream("One.", start=10 * count)) == []


@pytest.mark.parametrize("start", [-1, 1.0, True, "3", None])
def test_a_start_that_is_no_number_of_samples_is_refused(start: Any) -> None:
    with pytest.raises(RequestError, match="number of samples from 0 on"):
        voxstack.load("amber").stream("One.", start=start)


def test_what_is_skipped_teaches_no_costs() -> None:
    """For a stream that goes on produces little audio for the work of the text before it."""
    voice = voxstack.load("amber", scheduler=voxstack.Scheduler())
    count = len(voice.synthesize(TEXT).samples)
    stream = voice._start(TEXT, "text", None, None, {}, Delivery(start=count - 4000))
    chunks = list(stream.chunks())
    ticket = stream._ticket
    assert ticket is not None
    assert ticket.audio * voice.sample_rate == pytest.approx(sum(len(chunk.samples) for chunk in chunks))
    ticket.record_skipped()
    with ticket.turn():
        pass
    assert ticket.seconds == 0


def test_the_end_of_a_speech_alone_teaches_no_cost() -> None:
    """For it is some milliseconds of audio for all work on its text: others would be refused for the load."""
    scheduler = voxstack.Scheduler()
    voice = voxstack.load("amber", scheduler=scheduler)
    count = len(joined(list(voice.stream(TEXT))))
    running = voice.stream(TEXT)
    next(running)
    before = scheduler.demand()
    assert len(joined(list(voice.stream(TEXT, start=count - 20)))) == 20
    assert scheduler.streams == 1
    assert scheduler.demand() == before > 0
