from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from voxstack import Frames, Schedule, StackError, StreamableBlock, Utterance
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.passage import Passage
from voxstack_text.sentences_block import Sentences

TEXT = "Dr. Smith came at 5 p.m. today. He left!\n\n *** \n\n  A heading\n\nWhy? “Because.” He said so."
EXPECTED = ["Dr. Smith came at 5 p.m. today.", "He left!", "A heading", "Why?", "“Because.”", "He said so."]


@dataclass
class Letters(StreamableBlock):
    """Yields one frame per character, in chunks as scheduled."""

    needs = frozenset({"text"})
    head = True
    makes = "frames"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        assert not list(source)
        codes = np.array([[ord(letter), utterance.get("text_start", 0)] for letter in utterance["text"]], np.float32)
        sizes = utterance.get("schedule", Schedule()).sizes()
        while len(codes):
            size = next(sizes)
            yield codes[:size]
            codes = codes[size:]


@dataclass
class Places(Letters):
    """Yields letters, and needs the place of the sentence."""

    needs = frozenset({"text", "text_start"})


@parametrize_with_checks(
    [Case(Sentences(Letters()), {"text": TEXT}), Case(Sentences(Letters(), 30, 20), {"text": TEXT, "text_start": 3})]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_the_child_sees_one_sentence_at_a_time_and_where_it_stands() -> None:
    frames = np.concatenate(list(Sentences(Letters()).stream(iter(()), {"text": TEXT, "text_start": 100})))
    assert "".join(chr(int(code)) for code in frames[:, 0]) == "".join(EXPECTED)
    assert sorted(set(frames[:, 1].astype(int))) == [100 + TEXT.index(sentence) for sentence in EXPECTED]


@dataclass
class Recorder(StreamableBlock):
    """Records the utterances that it receives."""

    needs = frozenset({"text"})
    head = True

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        utterance["seen"].append(utterance)
        yield np.zeros(10, np.float32)


def seen(text: Any, block: Sentences | None = None, **utterance: Any) -> list[Utterance]:
    found: list[Utterance] = []
    for _ in (block or Sentences(Recorder())).stream(iter(()), {"text": text, "seen": found, **utterance}):
        pass
    return found


def test_text_may_arrive_in_parts() -> None:
    found = seen(iter(["Whatever it is, it is ", "goo", "d. Ye", "s."]))
    assert [utterance["text"] for utterance in found] == ["Whatever it is,", "it is good.", "Yes."]
    assert [utterance["text_start"] for utterance in found] == [0, 16, 28]


def test_a_cut_sentence_is_marked_for_the_text_block() -> None:
    passages: list[Passage] = [
        utterance["passage"]
        for utterance in seen("one two three four, five six seven eight nine", Sentences(Recorder(), 30, 30))
    ]
    assert [passage.ending for passage in passages] == [",", ""]
    assert [passage.leading_silence == 0 for passage in passages] == [False, True]


def test_what_is_spoken_at_once_is_the_unit_of_the_child() -> None:
    found = seen("Yes. one two three four, five six seven eight nine", Sentences(Recorder(), 30, 30), text_start=7)
    assert [
        (
            utterance["unit"].kind,
            utterance["unit"].text,
            utterance["text_start"] + utterance["unit"].start,
            utterance["text_start"] + utterance["unit"].end,
        )
        for utterance in found
    ] == [
        ("sentence", "Yes.", 7, 11),
        ("phrase", "one two three four,", 12, 31),
        ("phrase", "five six seven eight nine", 32, 57),
    ]


@pytest.mark.parametrize("text", ["", " \n\n ", "...", "***\n\n—"])
def test_nothing_to_say(text: str) -> None:
    assert list(Sentences(Letters()).stream(iter(()), {"text": text})) == []


def test_each_sentence_has_a_timeline_that_begins_where_it_does() -> None:
    @dataclass
    class Reporting(Letters):
        """Reports its whole text as one word."""

        def stream(self, source: Frames, utterance: Utterance) -> Frames:
            utterance["timeline"].add("word", utterance["text"], 0, len(utterance["text"]))
            yield from super().stream(source, utterance)

    timeline = Timeline(10)
    assert list(Sentences(Reporting()).stream(iter(()), {"text": "Hello there. Hello again.", "timeline": timeline}))
    words = [(event.text, event.start, event.duration) for event in timeline.take(1000) if event.kind == "word"]
    assert words == [
        ("Hello there.", 0.0, pytest.approx(1.2)),
        ("Hello again.", pytest.approx(1.2), pytest.approx(1.2)),
    ]


def test_long_texts_are_read_as_they_are_needed_and_closing_closes_the_child() -> None:
    closed = []

    @dataclass
    class ClosingLetters(Letters):
        """Records when it is closed."""

        def stream(self, source: Frames, utterance: Utterance) -> Frames:
            try:
                yield from super().stream(source, utterance)
            finally:
                closed.append(utterance["text"])

    stream = Sentences(ClosingLetters()).stream(
        iter(()), {"text": "One is here. Two is not. " * 10000, "schedule": Schedule(first=1, growth=1)}
    )
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert closed == ["One is here."]


def test_what_the_child_needs_is_checked() -> None:
    block = Sentences(Places())
    assert block.needs == {"text"}
    assert block.check_needs({"text": "the request"}, "stack[0]") == {"text": "the request"}
    with pytest.raises(StackError, match="needs 'text'"):
        block.check_needs({}, "stack[0]")


def test_another_language_is_a_field() -> None:
    chunks = list(Sentences(Places(), language="ru-RU").stream(iter(()), {"text": "Привет. Пока."}))
    assert chunks
    assert not list(Sentences(Places()).stream(iter(()), {"text": "Привет. Пока."})), (
        "nothing that Text could pronounce"
    )
