# ruff: noqa: RUF001 -- marks of other scripts are the subject here
"""Sentences that have too many tokens for their reader's networks, of which a network alone knows."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from voxstack import Frames, NetworkError, StreamableBlock, Utterance
from voxstack.errors import LengthError
from voxstack.streaming.timeline import Timeline
from voxstack_text.passage import Bookmark, Break, Insert, Passage, ProsodySpan
from voxstack_text.sentences.passage_cuts import cut_to_length
from voxstack_text.sentences_block import Sentences

SENTENCE = (
    "The old bridge across the river was closed for repairs last winter, and nobody knows when it will open again."
)


def texts(passage: Passage, length: int, limit: int, language: str = "en") -> list[str]:
    return [segment.text for segment in cut_to_length(passage, length, limit, language)]


def test_cuts_are_where_a_speaker_would_pause() -> None:
    assert texts(Passage(SENTENCE), 220, 150) == [SENTENCE[:67], SENTENCE[68:]]
    found = texts(Passage(SENTENCE), 220, 90)
    assert found == [SENTENCE[:31], SENTENCE[32:67], SENTENCE[68:]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一、二三四五六，七八九十。", ["一、二三四五六，", "七八九十。"]),
        ("x" * 24, ["x" * 8] * 3),
        ("1,000,000 apples and pears", ["1,000,000", "apples and pears"]),
        ("e\u0301" * 8, ["e\u0301" * 4] * 2),
        ("👩\u200d🚀👩\u200d🚀", ["👩\u200d🚀", "👩\u200d🚀"]),
    ],
)
def test_any_script_and_any_word_can_be_cut(text: str, expected: list[str]) -> None:
    longest = max(map(len, expected))
    assert texts(Passage(text), 100, int(100 * (longest + 1) / len(text) / 0.95), "xx") == expected


def test_raw_phones_are_cut_only_where_nothing_else_is_left() -> None:
    text = "say [[h e l o w e r l d]] to all of them"
    assert texts(Passage(text), 40, 29) == ["say [[h e l o w e r l d]]", "to all of them"]
    inside = cut_to_length(Passage("[[hh ah0 l ow1 w er1 l d]]"), 20, 10)
    assert [(part.phones_before, part.phones_after) for part in inside][:2] == [(False, True), (True, True)]


def test_a_single_character_stays() -> None:
    assert texts(Passage("%"), 30, 20) == ["%"]


def test_markup_goes_with_its_characters() -> None:
    passage = Passage(
        "one two three four",
        start=100,
        leading_silence=0.5,
        origins=tuple((100 + 2 * place, 102 + 2 * place) for place in range(18)),
        inserts=(Insert(8, "III", "three", "text"),),
        breaks=(Break(0, 0.1), Break(8, 0.2), Break(18, 0.3)),
        prosody_spans=(ProsodySpan(4, 13, rate=2.0),),
        bookmarks=(Bookmark(8, "middle"), Bookmark(18, "end")),
    )
    first, second = cut_to_length(passage, 18, 12)
    assert (first.text, second.text) == ("one two", "three four")
    assert (first.start, second.start) == (100, 116)
    assert (first.breaks, second.breaks) == ((Break(0, 0.1), Break(7, 0.2)), (Break(10, 0.3),))
    assert (first.inserts, second.inserts[0].position) == ((), 0)
    assert (first.prosody_spans, second.prosody_spans) == ((ProsodySpan(4, 7, 2.0),), (ProsodySpan(0, 5, 2.0),))
    assert (first.bookmarks, second.bookmarks) == ((), (Bookmark(0, "middle"), Bookmark(10, "end")))
    assert (first.ending, second.ending) == (" ", "")
    assert (first.leading_silence, second.leading_silence) == (0.5, 0.0)


@pytest.mark.parametrize("seed", range(40))
def test_segments_hold_every_character_once_and_end_at_boundaries(seed: int) -> None:
    draw = random.Random(seed)
    characters = [*"aaab ,;. \n你。[]𝄞—", "e\u0301"]
    text = "".join(draw.choice(characters) for _ in range(draw.randint(2, 300))).strip() or "ab"
    length = draw.randint(20, 500)
    limit = draw.randint(1, length - 1)
    segments = texts(Passage(text), length, limit)
    assert "".join("".join(segments).split()) == "".join(text.split())
    assert len(segments) > 1 or len("".join(text.split())) < len(text)
    room = max(1, int(0.95 * limit * len(text) / length))
    if room > 2:
        assert max(map(len, segments)) <= room
        assert not any(unicodedata.combining(segment[0]) for segment in segments)


@dataclass
class Reader(StreamableBlock):
    """Accepts a limited number of tokens, of which letters have several, and yields one frame for each letter.

    :param tokens: tokens of a letter.
    :param limit: the most tokens that its network accepts.
    :param early: frames that it yields before its network refuses.
    """

    tokens: int = 2
    limit: int = 40
    early: int = 0

    needs, head, makes = frozenset({"text"}), True, "frames"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        text, length = utterance["text"], 3 + self.tokens * len(utterance["text"])
        utterance["seen"].append(text)
        if self.early:
            yield np.zeros(self.early, np.float32)
        if length > self.limit:
            raise LengthError(f"{length} tokens", "tokens", length, self.limit)
        utterance["timeline"].add("text", text, 0, len(text))
        yield np.array([ord(letter) for letter in text], np.float32)


def spoken(text: str, block: Reader) -> tuple[str, list[str]]:
    """Return the letters that are output, and the texts that the reader receives."""
    found: list[str] = []
    utterance: dict[str, Any] = {"text": text, "seen": found, "timeline": Timeline(1)}
    chunks = list(Sentences(block).stream(iter(()), utterance))
    events = utterance["timeline"].take(float("inf"))
    joined = "".join(chr(int(code)) for chunk in chunks for code in chunk)
    assert [event.text for event in events] == [joined[int(e.start) : int(e.start + e.duration)] for e in events]
    return joined, found


def test_a_sentence_that_a_network_refuses_is_cut_and_read_again() -> None:
    letters, found = spoken(f"Yes. {SENTENCE} No.", Reader())
    assert letters.replace(" ", "") == f"Yes.{SENTENCE}No.".replace(" ", "")
    assert found[:2] == ["Yes.", SENTENCE]
    assert len(found) < 14  # few are refused


def test_whatever_the_tokens_of_a_character_it_ends() -> None:
    letters, _ = spoken("abcdefghijklmnopqrstuvwxyz" * 10 + ".", Reader(tokens=18, limit=40))
    assert letters == "abcdefghijklmnopqrstuvwxyz" * 10 + "."


def test_a_character_that_is_too_long_by_itself_is_the_error_of_the_network() -> None:
    with pytest.raises(LengthError, match="33 tokens"):
        spoken("No.", Reader(tokens=30, limit=20))


def test_nothing_that_was_heard_is_read_again() -> None:
    with pytest.raises(NetworkError, match="tokens"):
        spoken(SENTENCE, Reader(early=5))
