"""Mix and CrossFade: sums, joins, events, and what is pulled when."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from sources import Whole

import voxstack
from voxstack import Schedule, StackError, StreamableBlock, StreamableStack
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_dsp.cross_fade import CrossFade
from voxstack_dsp.fade import Fade
from voxstack_dsp.gain import Gain
from voxstack_dsp.limiter import Limiter
from voxstack_dsp.mix import Mix

RATE = 1000
RANDOM = np.random.default_rng(9)
SPEECH = RANDOM.standard_normal(700).astype(np.float32)


@dataclass
class Bed(StreamableBlock):
    """A tone of ``length`` samples in chunks of ``size``, with a mark at its beginning; counts what is pulled."""

    length: int = 500
    size: int = 90
    pulled: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    head = True
    makes = "samples"

    def stream(self, source, utterance):
        if "timeline" in utterance:
            utterance["timeline"].add("mark", "bed", 0, self.length)
        try:
            for start in range(0, self.length, self.size):
                stop = min(start + self.size, self.length)
                self.pulled.append(stop)
                yield tone(start, stop)
        finally:
            self.closed.append(1)


def tone(start: int, stop: int) -> np.ndarray:
    return (0.1 * np.sin(np.arange(start, stop) * 0.2)).astype(np.float32)


@dataclass
class Hum(StreamableBlock):
    """A tone of ``length`` samples."""

    length: int = 300

    head = True
    makes = "samples"

    def stream(self, source, utterance):
        for start in range(0, self.length, 37):
            yield tone(start, min(start + 37, self.length))


UTTERANCE = {"samples": SPEECH}


@parametrize_with_checks(
    [
        Mix([Gain(-3.0), Gain(1.0)], [0.0, -6.0]),
        Mix([Gain(), Limiter(8000), Fade(8000)]),
        Case(Mix([Whole(), Hum()], [0.0, -12.0]), UTTERANCE),
        Case(Mix([Hum(), Whole()], length="first"), UTTERANCE),
        Case(Mix([StreamableStack([Whole(), Limiter(8000)]), Hum(900)], [-1.0, -12.0], "first"), UTTERANCE),
        Case(CrossFade(Whole(), Hum(), RATE), UTTERANCE),
        Case(CrossFade(Hum(), StreamableStack([Whole(), Fade(8000)]), RATE, 250, "linear"), UTTERANCE),
        Case(CrossFade(Hum(10), Hum(5), RATE, 250), UTTERANCE),
        Case(CrossFade(Hum(10), Hum(100), RATE, 0), UTTERANCE),
    ]
)
def test_contract(case, check):
    check(case)


def run(block: StreamableBlock, source: list[np.ndarray] = (), **utterance) -> np.ndarray:
    chunks = list(block.stream(iter(source), {**UTTERANCE, **utterance}))
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


def test_streams_are_added_with_their_gains():
    made = run(Mix([Whole(), Bed(500)], [-6.0, 6.0]))
    expected = SPEECH * np.float32(10**-0.3)
    expected[:500] += tone(0, 500) * np.float32(10**0.3)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize(("speech", "length"), [(700, 700), (200, 500)])
def test_a_mix_is_as_long_as_its_longest_stream_or_its_first(speech, length):
    assert len(run(Mix([Whole(), Bed(500)]), samples=SPEECH[:speech])) == length
    assert len(run(Mix([Whole(), Bed(500)], length="first"), samples=SPEECH[:speech])) == speech


def test_effects_are_mixed_with_their_source_which_is_pulled_once():
    pulled = []

    def source():
        for start in range(0, 700, 50):
            pulled.append(start)
            yield SPEECH[start : start + 50]

    stream = Mix([Gain(), Limiter(8000, lookahead_ms=10)], [0.0, -6.0]).stream(source(), {})
    first = next(stream)
    assert pulled == [0, 50], "the limiter looks 80 samples ahead"
    whole = np.concatenate([first, *stream])
    assert pulled == list(range(0, 700, 50))
    limited = run(Limiter(8000, lookahead_ms=10), [SPEECH])
    np.testing.assert_array_equal(whole, SPEECH + limited * np.float32(10**-0.3))


def test_a_stream_is_pulled_only_where_its_samples_are_missing():
    bed = Bed(10_000, 90)
    stream = Mix([Whole(), bed], length="first").stream(
        iter(()), {**UTTERANCE, "schedule": Schedule(100, growth=1.0, largest=100)}
    )
    count = 0
    assert bed.pulled == []
    for chunk in stream:
        count += len(chunk)
        assert count <= bed.pulled[-1] < count + 90 + 1
    assert count == len(SPEECH)
    assert bed.closed == [1], "what is left of a longer stream is closed at the end"


def test_leaving_a_mix_closes_all_its_streams():
    beds = [Bed(1000), Bed(1000)]
    stream = Mix(beds).stream(iter(()), {})
    next(stream)
    stream.close()
    assert [bed.closed for bed in beds] == [[1], [1]]


def test_blocks_that_do_not_fit_are_errors_with_their_place():
    @dataclass
    class Halve(StreamableBlock):
        """Halves the rate."""

        hop = 0.5

        def stream(self, source, utterance):
            yield from source

    @dataclass
    class Mels(StreamableBlock):
        """Another kind of stream."""

        makes = "mel"

        def stream(self, source, utterance):
            yield from source

    with pytest.raises(StackError, match=r"blocks: .*as many samples each; .* Gain 1, Halve 0.5; put what changes"):
        Mix([Gain(), Halve()]).load(None)
    with pytest.raises(StackError, match="gains_db: 1 gains for 2 blocks; write one for each"):
        Mix([Gain(), Gain()], [1.0]).load(None)
    with pytest.raises(StackError, match=r"stack.blocks\[1\]: Mels gives 'mel', and Mix adds samples"):
        Mix([Gain(), Mels()]).check_needs({}, "stack")
    with pytest.raises(StackError, match=r"stack\.second: Gain begins no stream; write all blocks from its head on"):
        CrossFade(Hum(), Gain(), RATE).check_needs({}, "stack")
    with pytest.raises(StackError, match=r"stack\.first: Mels"):
        CrossFade(Mels(), Hum(), RATE).check_needs({}, "stack")


@pytest.mark.parametrize("shape", ["power", "linear"])
def test_two_streams_overlap(shape):
    made = run(CrossFade(Whole(), Bed(500), RATE, 100, shape))
    assert len(made) == 700 + 500 - 100
    np.testing.assert_array_equal(made[:600], SPEECH[:600])
    np.testing.assert_array_equal(made[700:], tone(100, 500))
    rise = (np.arange(100) + 0.5) / 100
    up, down = (rise, 1 - rise) if shape == "linear" else (np.sin(rise * math.pi / 2), np.cos(rise * math.pi / 2))
    np.testing.assert_allclose(made[600:700], SPEECH[600:] * down + tone(0, 100) * up, atol=1e-6)


def test_a_linear_fade_of_a_stream_into_itself_changes_nothing():
    made = run(CrossFade(Hum(200), StreamableStack([Whole()]), RATE, 100, "linear"), samples=tone(100, 400))
    np.testing.assert_allclose(made, tone(0, 400), atol=1e-7)


@pytest.mark.parametrize(("first", "second"), [(0, 50), (50, 0), (0, 0), (30, 500), (500, 30), (1, 1)])
def test_short_streams_overlap_as_far_as_they_go(first, second):
    made = run(CrossFade(Bed(first), Bed(second), RATE, 100))
    assert len(made) == first + second - min(first, second, 100)


@pytest.mark.parametrize("size", [1, 30, 400])
def test_events_of_the_second_move_with_it(size):
    timeline = Timeline(1.0)
    own = {"timeline": timeline, "schedule": Schedule(size, growth=1.0), "reported": [("word", "a", 20, 30)]}
    run(CrossFade(Whole(), Bed(500), RATE, 100), **own)
    assert [(event.text, event.start, event.duration) for event in timeline.take(math.inf)] == [
        ("a", 20.0, 30.0),
        ("bed", 600.0, 500.0),
    ]


def test_the_second_begins_when_the_first_has_ended():
    second = Bed(500)
    stream = CrossFade(Bed(1000, 100), second, RATE, 100).stream(iter(()), {})
    count = 0
    while count < 900:
        assert second.pulled == []
        count += len(next(stream))
    assert len(next(stream)) > 0
    assert second.pulled == [90, 180]
    stream.close()
    assert second.closed == [1]


def test_a_composite_builds_from_json():
    import voxstack_dsp

    spec = {"type": "Mix", "blocks": [{"type": "Gain"}, [{"type": "Gain"}]], "gains_db": [0, -9]}
    spec["blocks"][1] = {"type": "StreamableStack", "stack": spec["blocks"][1]}
    built = voxstack.build(spec, registry=voxstack.Registry({"dsp": voxstack_dsp}))
    assert built == Mix([Gain(), StreamableStack([Gain()])], [0, -9])
    with pytest.raises(StackError, match=r"stack.blocks\[0\]: no block named 'Gian'; did you mean 'Gain'"):
        voxstack.build({"type": "Mix", "blocks": [{"type": "Gian"}]}, registry=voxstack.Registry({"dsp": voxstack_dsp}))
