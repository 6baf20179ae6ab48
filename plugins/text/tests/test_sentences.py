from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from voxstack import Frames, Schedule, StackError, StreamableBlock, Utterance
from voxstack.testing import Case, parametrize_with_checks
from voxstack.timeline import Timeline
from voxstack_text import Sentences
from voxstack_text.sentences import sentences

TEXT = "Dr. Smith came at 5 p.m. today. He left!\n\n *** \n\n  A heading\n\nWhy? “Because.” He said so."
EXPECTED = ["Dr. Smith came at 5 p.m. today.", "He left!", "A heading", "Why?", "“Because.”", "He said so."]


@dataclass
class Letters(StreamableBlock):
    """One frame a character, as many at a time as the schedule says."""

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
    """Letters that cannot do without the place of the sentence."""

    needs = frozenset({"text", "text_start"})


@parametrize_with_checks(
    [Case(Sentences(Letters()), {"text": TEXT}), Case(Sentences(Letters(), longest=20), {"text": TEXT, "text_start": 3})]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_sentences_and_their_places() -> None:
    found = list(sentences(TEXT))
    assert [sentence for _, sentence in found] == EXPECTED
    assert all(TEXT[start : start + len(sentence)] == sentence for start, sentence in found)


def test_the_child_sees_one_sentence_at_a_time() -> None:
    frames = np.concatenate(list(Sentences(Letters()).stream(iter(()), {"text": TEXT, "text_start": 100})))
    assert "".join(chr(int(code)) for code in frames[:, 0]) == "".join(EXPECTED)
    assert sorted(set(frames[:, 1].astype(int))) == [100 + start for start, _ in sentences(TEXT)]


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
    words = [(event.text, event.start, event.duration) for event in timeline.take(1000)]
    assert words == [("Hello there.", 0.0, 1.2), ("Hello again.", 1.2, 1.2)]


def test_long_texts_are_read_as_they_are_needed_and_closing_closes_the_child() -> None:
    closed = []

    @dataclass
    class Closing(Letters):
        """Tells when it is closed."""

        def stream(self, source: Frames, utterance: Utterance) -> Frames:
            try:
                yield from super().stream(source, utterance)
            finally:
                closed.append(utterance["text"])

    stream = Sentences(Closing()).stream(iter(()), {"text": "One is here. Two is not. " * 10000, "schedule": Schedule(first=1, growth=1)})
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert closed == ["One is here."]


@pytest.mark.parametrize("longest", [20, 50, 499])
def test_endless_sentences_are_cut_and_nothing_is_lost(longest: int) -> None:
    text = "and so on, it went on and on without an end " * 40 + "x" * 700
    found = list(sentences(text, longest))
    assert max(len(sentence) for _, sentence in found) <= longest
    assert "".join(sentence for _, sentence in found).replace(" ", "") == text.replace(" ", "")
    assert all(text[start : start + len(sentence)] == sentence for start, sentence in found)


def test_a_cut_at_punctuation_is_better_than_one_at_a_space() -> None:
    text = "one two three four, five six seven eight nine"
    assert [sentence for _, sentence in sentences(text, 30)] == ["one two three four,", "five six seven eight nine"]


def test_what_the_child_needs_is_checked() -> None:
    block = Sentences(Places())
    assert block.needs == {"text"}
    assert block.check_needs({"text": "the request"}, "stack[0]") == {"text": "the request"}
    with pytest.raises(StackError, match="needs 'text'"):
        block.check_needs({}, "stack[0]")
