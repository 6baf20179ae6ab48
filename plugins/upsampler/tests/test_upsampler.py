from __future__ import annotations

import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded

from voxstack import NetworkError, Schedule
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_upsampler.frame_positions import frame_positions
from voxstack_upsampler.length_regulator import LengthRegulator
from voxstack_upsampler.upsampler import Upsampler

RNG = np.random.default_rng(3)
ENCODED = RNG.standard_normal((20, 3)).astype(np.float32)
DURATIONS = RNG.uniform(0, 15, 20).astype(np.float32)
UTTERANCE = {"encoded": ENCODED, "durations": DURATIONS}


@parametrize_with_checks(
    [
        Case(Upsampler(), UTTERANCE),
        Case(Upsampler(positions=False, least=0), UTTERANCE),
        Case(
            Upsampler(contours=["f0", "level"]),
            {**UTTERANCE, "f0": RNG.uniform(100, 300, 20), "level": RNG.uniform(-60, -20, 20)},
        ),
        Case(
            Upsampler(contours=["f0"]),
            {"encoded": np.zeros((0, 3), np.float32), "durations": np.zeros(0), "f0": np.zeros(0)},
        ),
        Case(Upsampler(), {"encoded": np.zeros((0, 3), np.float32), "durations": np.zeros(0)}),
        Case(Upsampler(least=0), {"encoded": ENCODED, "durations": np.zeros(20)}),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def join(block: Upsampler, schedule: Schedule | None = None, **utterance: Any) -> list[np.ndarray]:
    return list(block.stream(iter(()), {**UTTERANCE, **utterance, "schedule": schedule or Schedule()}))


def test_each_token_is_repeated_for_its_frames() -> None:
    frames = np.concatenate(join(Upsampler(positions=False), encoded=np.eye(3), durations=np.array([2, 1, 3])))
    np.testing.assert_array_equal(frames, np.eye(3)[[0, 0, 1, 2, 2, 2]])


def test_rounding_never_adds_up() -> None:
    assert Upsampler(least=0).round_durations(np.full(1000, 1.4)).sum() == 1400
    assert Upsampler().round_durations(np.array([0.2, 0.2, 3.0, 0.4])).tolist() == [1, 1, 3, 1]


def test_positions_are_appended() -> None:
    durations = np.array([2, 14])
    frames = np.concatenate(join(Upsampler(), encoded=np.zeros((2, 3), np.float32), durations=durations))
    assert frames.shape == (16, 3 + 4)
    assert frames.dtype == np.float32
    np.testing.assert_array_equal(frames[:, 3:], frame_positions(durations))
    np.testing.assert_allclose(
        frames[:2, 3:], [[0.25, np.log(2) / 3, 0, 0.1], [0.75, np.log(2) / 3, 0.1, 0]], rtol=1e-6
    )
    np.testing.assert_allclose(frames[[2, 15], 5:], [[0, 1], [1, 0]])


def test_the_schedule_says_how_much_to_give() -> None:
    sizes = [
        len(chunk)
        for chunk in join(Upsampler(), Schedule(first=8, growth=2, largest=20, lookahead=3), durations=np.full(20, 5))
    ]
    assert sizes == [11, 16, 20, 20, 20, 13]


def test_the_first_chunk_costs_the_same_for_any_length() -> None:
    """Only the tokens of a chunk are read: a stream of a million starts as fast as one of ten."""
    durations = np.ones(10**6)
    stream = Upsampler().stream(
        iter(()), {"encoded": np.broadcast_to(np.float32(1), (10**6, 64)), "durations": durations}
    )
    assert next(stream).nbytes < 20_000


@pytest.mark.parametrize(
    ("durations", "problem"),
    [
        (np.ones(19), "'encoded' has 20 tokens and 'durations' has 19"),
        (np.full(20, np.nan), "not finite"),
        (np.full(20, -1.0), "negative"),
    ],
)
def test_durations_that_make_no_sense_are_refused(durations: np.ndarray, problem: str) -> None:
    with pytest.raises(NetworkError, match=problem):
        join(Upsampler(), durations=durations)


def test_it_reports_what_is_said_when() -> None:
    """Tokens of 2, 3, 1 and 4 frames; a word of two of them, in a text that begins at character 100."""
    timeline = Timeline(10)
    word = SimpleNamespace(text="hi", start=3, end=5, first_token=1, tokens=2)
    mark = SimpleNamespace(text="here", start=5, end=5, token=3)
    unit = SimpleNamespace(kind="sentence", text="so hi", start=0, end=5)
    utterance = {"words": [word], "phones": ["pau", "h", "i", "pau"], "marks": [mark], "unit": unit, "text_start": 100}
    stream = Upsampler().stream(iter(()), {**tokens_of([2, 3, 1, 4]), **utterance, "timeline": timeline})
    next(stream)
    events = [
        (event.kind, event.text, round(event.start * 10), round(event.duration * 10), event.span)
        for event in timeline.take(9)
    ]
    assert events == [
        ("sentence", "so hi", 0, 10, (100, 105)),
        ("phoneme", "pau", 0, 2, None),
        ("word", "hi", 2, 4, (103, 105)),
        ("phoneme", "h", 2, 3, None),
        ("phoneme", "i", 5, 1, None),
        ("phoneme", "pau", 6, 4, None),
        ("mark", "here", 6, 0, (105, 105)),
    ]


def test_without_a_timeline_or_words_there_is_nothing_to_report() -> None:
    timeline = Timeline(10)
    assert len(next(Upsampler().stream(iter(()), {**tokens_of([2]), "timeline": timeline}))) == 2
    assert timeline.take(9) == ()


def tokens_of(durations: list[int]) -> dict[str, np.ndarray]:
    return {"encoded": np.zeros((len(durations), 3), np.float32), "durations": np.array(durations)}


def test_contours_run_straight_from_middle_to_middle() -> None:
    block = Upsampler(positions=False, contours=["f0"])
    frames = np.concatenate(
        join(block, encoded=np.zeros((3, 1)), durations=np.array([2, 4, 2]), f0=np.array([100.0, 130.0, 70.0]))
    )
    np.testing.assert_allclose(frames[:, 1], [100, 105, 115, 125, 120, 100, 80, 70])


def test_contours_do_not_depend_on_how_the_stream_is_cut() -> None:
    block, f0 = Upsampler(contours=["f0"]), RNG.uniform(100, 300, 20)
    whole = np.concatenate(join(block, f0=f0, schedule=Schedule(first=10_000)))
    cut = np.concatenate(join(block, f0=f0, schedule=Schedule(first=1, largest=3)))
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(cut, whole)


def test_tokens_of_no_frames_have_no_say_in_a_contour() -> None:
    block = Upsampler(positions=False, least=0, contours=["f0"])
    frames = np.concatenate(
        join(block, encoded=np.zeros((3, 1)), durations=np.array([2, 0, 2]), f0=np.array([100.0, 900.0, 100.0]))
    )
    np.testing.assert_allclose(frames[:, 1], 100)


def of_tokens(*names: str) -> dict[str, Any]:
    return {name: {"dtype": "float32", "shape": ["batch", "tokens"]} for name in names}


NETWORKS = {
    "encoder": {"role": "encoder", "outputs": {"encoded": {"dtype": "float32", "shape": ["batch", "tokens", 3]}}},
    "variance": {"role": "encoder", "outputs": of_tokens("f0", "durations", "level")},
    "other": {"role": "pronunciation", "outputs": of_tokens("scores")},
}


@pytest.mark.parametrize(("contours", "needed"), [(None, {"f0", "level"}), ([], set()), (["level"], {"level"})])
def test_unless_contours_are_named_they_are_what_encoders_say_of_each_token(
    contours: list[str] | None, needed: set[str]
) -> None:
    networks = {name: {"inputs": of_tokens("tokens"), "exports": [], **spec} for name, spec in NETWORKS.items()}
    block = loaded(Upsampler(contours=contours), addon(networks=networks))
    assert block.needs == {"encoded", "durations", *needed}
    frames = np.concatenate(join(block, f0=np.full(20, 200.0), level=np.full(20, -30.0)))
    assert frames.shape[1] == 3 + 4 + len(needed)
    if needed == {"f0", "level"}:
        np.testing.assert_allclose(
            frames[:, -2:], np.tile([200.0, -30.0], (len(frames), 1)), err_msg="in the addon's order"
        )


def test_a_block_with_contours_needs_them() -> None:
    assert Upsampler(contours=["f0", "level"]).needs == {"encoded", "durations", "f0", "level"}


@pytest.mark.parametrize(
    ("f0", "problem"),
    [
        (np.ones(19), r"'f0' has the shape \(19,\) and 'durations' \(20,\)"),
        (np.full(20, np.nan), "'f0' has values that are not finite"),
    ],
)
def test_contours_that_cannot_be_drawn(f0: np.ndarray, problem: str) -> None:
    with pytest.raises(NetworkError, match=problem):
        join(Upsampler(contours=["f0"]), f0=f0)


def test_a_long_token_takes_no_more_memory_than_a_chunk() -> None:
    """A network may predict any duration; frames outside the chunk are not computed."""
    tracemalloc.start()
    try:
        utterance = {"encoded": np.ones((2, 3), np.float32), "durations": np.array([9e6, 5])}
        frames = Upsampler().stream(iter(()), {**utterance, "schedule": Schedule()})
        chunks = [next(frames) for _ in range(3)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10**6
    position = np.arange(sum(len(chunk) for chunk in chunks))
    np.testing.assert_allclose(np.concatenate(chunks)[:, 3], (position + 0.5) / 9e6, rtol=1e-6)


def test_frames_are_the_same_wherever_they_are_cut() -> None:
    durations = np.array([3, 0, 12, 1, 0, 30])
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    whole = np.concatenate([np.repeat(rows, durations, axis=0), frame_positions(durations)], 1)
    regulator = LengthRegulator(rows, durations, positions=True)
    for start in range(47):
        for stop in range(start, 47):
            np.testing.assert_array_equal(regulator.frames(start, stop), whole[start:stop])


@pytest.mark.parametrize("durations", [[1e30], [6e6, 6e6], [9e18, 9e18]])
def test_durations_have_a_limit(durations: list[float]) -> None:
    utterance = {"encoded": np.ones((len(durations), 3), np.float32), "durations": np.array(durations)}
    with pytest.raises(NetworkError, match="frames in all, and an utterance has at most 10000000; check the network"):
        next(Upsampler().stream(iter(()), utterance))
