from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from voxstack import Frames, NetworkError, SequenceBlock, StreamableBlock, Utterance
from voxstack.streaming.timeline import Timeline
from voxstack_text.passage import Bookmark, Break, Insert, Passage, ProsodySpan
from voxstack_text.sentences.end_cuts import cut_passage, paragraphs
from voxstack_text.sentences_block import Sentences


@dataclass
class EveryPeriod(SequenceBlock):
    """Ends a sentence after every period and the space after it."""

    needs = frozenset({"text"})
    gives = frozenset({"sentence_ends"})

    def __call__(self, utterance: Utterance) -> Utterance:
        text = utterance["text"]
        ends = [i + 2 for i, letter in enumerate(text[:-2]) if letter == "."]
        return {"sentence_ends": np.array([*ends, len(text)])}


@dataclass
class Recorded(StreamableBlock):
    """Yields a frame for each character, and records the texts that it was given."""

    seen: list[str] = field(default_factory=list)
    needs = frozenset({"text"})
    head = True
    makes = "frames"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        self.seen.append((utterance["text"], utterance["text_start"]))
        unit = utterance["unit"]
        utterance["timeline"].add(unit.kind, unit.text, 0, len(unit.text), (unit.start, unit.end))
        yield np.zeros((len(utterance["text"]), 1), np.float32)


def spoken(text: Any, **fields: Any) -> list[tuple[str, int]]:
    inner = Recorded()
    timeline = Timeline(1.0)
    list(Sentences(inner, ends=EveryPeriod(), **fields).stream(iter(()), {"text": text, "timeline": timeline}))
    events = timeline.take(1e9)
    assert [event.text for event in events] == [text for text, _ in inner.seen]
    assert [event.start for event in events] == np.cumsum([0, *(len(text) for text, _ in inner.seen)])[:-1].tolist()
    return inner.seen


def test_sentences_end_where_the_block_ends_them():
    assert spoken("Dr. Smith and Mt. Fuji. Yes") == [("Dr. ", 0), ("Smith and Mt. ", 4), ("Fuji. ", 18), ("Yes", 24)]


def test_a_reader_sees_the_end_of_a_paragraph():
    assert spoken("One\n\n Two\n\n\n") == [("One\n\n ", 0), ("Two\n\n\n", 6)]
    assert [(passage.text, passage.start) for passage in paragraphs("a.\n\nb\n \n\nc")] == [
        ("a.\n\n", 0),
        ("b\n \n\n", 4),
        ("c", 9),
    ]


def test_no_sentence_is_cut_at_a_number_of_characters():
    long = "word " * 200
    assert [text for text, _ in spoken(long.strip(), first=20, longest=20)] == [long.strip()]


@pytest.mark.parametrize("text", ["Привет. Мир", "こんにちは。", "😀", "5 %", "@"])
def test_readers_decide_what_is_pronounced(text):
    assert "".join(part for part, _ in spoken(text)) == text


def test_what_nothing_reads_is_skipped():
    assert spoken("... -- !? \n\n «»") == []


def test_a_text_in_parts_is_cut_by_the_rules_of_the_language_first():
    assert spoken(iter(["Dr. Smith ", "left. He", " did. Yes"])) == [
        ("Dr. ", 0),
        ("Smith left.", 4),
        ("He did.", 16),
        ("Yes", 24),
    ]


def test_markup_goes_with_its_sentence():
    passage = Passage(
        "Aa. Bb. Cc",
        100,
        origins=tuple((100 + 2 * i, 101 + 2 * i) for i in range(10)),
        inserts=(Insert(5, "x", "y", "words"),),
        breaks=(Break(4, 1.0), Break(10, 2.0)),
        bookmarks=(Bookmark(0, "a"), Bookmark(9, "c")),
        prosody_spans=(ProsodySpan(2, 6, rate=2.0),),
    )
    first, second, third = cut_passage(passage, [4, 8, 10])
    assert [part.text for part in (first, second, third)] == ["Aa. ", "Bb. ", "Cc"]
    assert [part.start for part in (first, second, third)] == [100, 108, 116]
    assert second.inserts == (Insert(1, "x", "y", "words"),)
    assert [part.breaks for part in (first, second, third)] == [(), (Break(0, 1.0),), (Break(2, 2.0),)]
    assert [part.bookmarks for part in (first, second, third)] == [(Bookmark(0, "a"),), (), (Bookmark(1, "c"),)]
    assert first.prosody_spans == (ProsodySpan(2, 4, rate=2.0),)
    assert second.prosody_spans == (ProsodySpan(0, 2, rate=2.0),)


@pytest.mark.parametrize("ends", [[5, 3], [0], [4, 99], [-1]])
def test_ends_outside_the_text_are_an_error(ends):
    with pytest.raises(NetworkError, match="ends of sentences of 10 characters"):
        list(cut_passage(Passage("Aa. Bb. Cc"), ends))
