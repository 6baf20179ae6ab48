from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from voxstack import Schedule, StreamableBlock
from voxstack.streaming.timeline import Timeline
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.passage import Passage
from voxstack_text.phrases import Phrases
from voxstack_text.sentences.symbol_cuts import cut_symbols
from voxstack_text.sentences_block import Unit


class PhonemeWord(NamedTuple):
    """A written word and its phonemes, as readers give it."""

    text: str
    start: int
    end: int
    first: int
    phonemes: int


@dataclass
class Sounds(StreamableBlock):
    """Two samples for each symbol of ``phonemes``; reports its words, and appends what it saw to ``seen``."""

    head = True
    needs = frozenset({"phonemes"})
    makes = "samples"

    def stream(self, source, utterance):
        symbols = utterance["phonemes"]
        utterance.get("seen", []).append(utterance)
        timeline = utterance.get("timeline")
        if timeline is not None:
            unit = utterance["unit"]
            timeline.add(unit.kind, unit.text, 0, 2 * len(symbols), (unit.start, unit.end))
            for word in utterance.get("phoneme_words", ()):
                timeline.add("word", word.text, 2 * word.first, 2 * word.phonemes, (word.start, word.end))
        yield np.repeat(np.array([ord(symbol) for symbol in symbols], np.float32), 2)


@parametrize_with_checks(
    [
        Case(
            Phrases(Sounds(), 8),
            {"phonemes": list("abc def, ghi jkl mno."), "unit": Unit("sentence", "abc def, ghi jkl mno.", 0, 21)},
        ),
        Case(Phrases(Sounds(), 100), {"phonemes": list("abc"), "unit": Unit("sentence", "abc", 0, 3)}),
    ]
)
def test_contract(case, check):
    check(case)


def parts(text: str, longest: int) -> list[str]:
    return [text[start:end] for start, end in cut_symbols(list(text), longest)]


@pytest.mark.parametrize(
    ("text", "longest", "expected"),
    [
        ("", 8, [""]),
        ("abc", 8, ["abc"]),
        ("abc. def", 8, ["abc. def"]),
        ("abc. def, ghi", 9, ["abc.", "def, ghi"]),
        ("abc, def ghi", 9, ["abc,", "def ghi"]),
        ("abc def ghi", 8, ["abc def", "ghi"]),
        ("a b c d e f", 8, ["a b c", "d e f"]),  # of similar length, not as long as possible
        ("abcdefghij", 8, ["abcdefgh", "ij"]),
        ("ab   cd      ef", 8, ["ab   cd", "ef"]),
        ("12.50 34.50", 8, ["12.50", "34.50"]),
        ("        abc", 8, ["abc"]),
        ("          ", 8, []),
    ],
)
def test_cuts_are_where_they_disturb_least(text, longest, expected):
    assert parts(text, longest) == expected


@pytest.mark.parametrize("seed", range(20))
def test_nothing_but_space_is_lost_and_no_part_is_too_long(seed):
    random = np.random.default_rng(seed)
    text = "".join(random.choice(list("abcdefg   .,!;"), 2000))
    longest = int(random.integers(8, 300))
    found = parts(text, longest)
    assert max(map(len, found)) <= longest
    assert "".join("".join(found).split()) == "".join(text.split())


def test_many_symbols_are_cut_in_linear_time():
    assert len(cut_symbols(["a", " "] * 200_000, 510)) == 785


def run(text: str, longest: int):
    """Return what the child saw, the samples, and the events as (kind, text, start, duration, span)."""
    seen, timeline = [], Timeline(1.0)
    starts = [index for index, symbol in enumerate(text) if symbol != " " and (not index or text[index - 1] == " ")]
    ends = [text.find(" ", start) if " " in text[start:] else len(text) for start in starts]
    words = [PhonemeWord(text[a:b], a, b, a, b - a) for a, b in zip(starts, ends, strict=True)]
    unit = Unit("sentence", text, 0, len(text))
    own = {"phonemes": list(text), "phoneme_words": words, "unit": unit, "passage": Passage(text)}
    schedule = Schedule()
    chunks = list(
        Phrases(Sounds(), longest).stream(iter(()), {**own, "seen": seen, "schedule": schedule, "timeline": timeline})
    )
    events = [(e.kind, e.text, e.start, e.duration, e.span) for e in timeline.take(math.inf)]
    return seen, np.concatenate(chunks), events


def test_a_short_sentence_passes_as_it_is():
    seen, samples, events = run("abc def", 510)
    assert [own["unit"].kind for own in seen] == ["sentence"]
    assert len(samples) == 14
    assert events[0] == ("sentence", "abc def", 0.0, 14.0, (0, 7))


def test_each_part_is_a_phrase_with_its_words():
    seen, samples, events = run("abc def, ghi jkl", 9)
    assert ["".join(own["phonemes"]) for own in seen] == ["abc def,", "ghi jkl"]
    assert [own["passage"].ending for own in seen] == [",", ""]
    assert [(word.text, word.first) for word in seen[1]["phoneme_words"]] == [("ghi", 0), ("jkl", 4)]
    assert len(samples) == 2 * 15
    assert events == [
        ("phrase", "abc def,", 0.0, 16.0, (0, 8)),
        ("word", "abc", 0.0, 6.0, (0, 3)),
        ("word", "def,", 8.0, 8.0, (4, 8)),
        ("phrase", "ghi jkl", 16.0, 14.0, (9, 16)),
        ("word", "ghi", 16.0, 6.0, (9, 12)),
        ("word", "jkl", 24.0, 6.0, (13, 16)),
    ]
