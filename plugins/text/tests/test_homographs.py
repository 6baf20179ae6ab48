from __future__ import annotations

from itertools import pairwise

import pytest

from voxstack_text.pronunciation.homograph_table import HOMOGRAPHS
from voxstack_text.pronunciation.homographs import resolve_homographs
from voxstack_text.spoken_words import SpokenWord


def phones(sentence: str, word: str) -> str:
    spoken = resolve_homographs([SpokenWord(item, 0, 1) for item in sentence.split()])
    return " ".join(next(item.phones or () for item in spoken if item.word == word))


@pytest.mark.parametrize(
    "sentence, word, expected",
    [
        ("i want to read it", "read", "r iy1 d"),
        ("she has read it", "read", "r eh1 d"),
        ("they live here", "live", "l ih1 v"),
        ("a live concert", "live", "l ay1 v"),
        ("nine lives", "lives", "l ay1 v z"),
        ("he lives here", "lives", "l ih1 v z"),
        ("lead the way", "lead", "l iy1 d"),
        ("a lead pipe", "lead", "l eh1 d"),
        ("to record it", "record", "r ih0 k ao1 r d"),
        ("the record", "record", "r eh1 k er0 d"),
        ("to present it", "present", "p r ih0 z eh1 n t"),
        ("i object", "object", "ax0 b jh eh1 k t"),
        ("an object", "object", "aa1 b jh eh0 k t"),
        ("the wind blows", "wind", "w ih1 n d"),
        ("wind up the clock", "wind", "w ay1 n d"),
        ("a tear fell", "tear", "t ih1 r"),
        ("tear it", "tear", "t eh1 r"),
        ("close the door", "close", "k l ow1 z"),
        ("so close", "close", "k l ow1 s"),
        ("use it", "use", "y uw1 z"),
        ("no use", "use", "y uw1 s"),
        ("one minute", "minute", "m ih1 n ax0 t"),
        ("minute details", "minute", "m ay0 n uw1 t"),
        ("to separate them", "separate", "s eh1 p r ey0 t"),
        ("two separate rooms", "separate", "s eh1 p r ax0 t"),
        ("my resume", "resume", "r eh1 z ax0 m ey0"),
    ],
)
def test_adjacent_words_choose(sentence: str, word: str, expected: str) -> None:
    assert phones(sentence, word) == expected


def test_a_pause_is_not_an_adjacent_word() -> None:
    assert phones("i , record", "record") == "r eh1 k er0 d"


def test_the_table_is_well_made() -> None:
    for word, variants in HOMOGRAPHS.items():
        assert not variants[-1].before | variants[-1].after, f"{word}: the last variant is the default"
        assert all(variant.before | variant.after for variant in variants[:-1]), word
        assert all(variant.phones != after.phones for variant, after in pairwise(variants)), word


def test_other_words_stay_as_they_are() -> None:
    assert resolve_homographs([SpokenWord("hello", 0, 5)]) == [SpokenWord("hello", 0, 5)]
    assert resolve_homographs([]) == []
