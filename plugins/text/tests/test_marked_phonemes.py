from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import pytest

from voxstack import RequestError, SequenceBlock
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.marked_phonemes import MarkedPhonemes


class PhonemeWord(NamedTuple):
    """A written word and its phonemes, as readers give it."""

    text: str
    start: int
    end: int
    first: int
    phonemes: int


@dataclass
class Upper(SequenceBlock):
    """Writes the text in capitals instead of phonemes, and checks that it has no marks."""

    needs = frozenset({"text"})
    gives = frozenset({"phonemes", "phoneme_words"})

    def __call__(self, utterance):
        text = utterance["text"]
        assert text == text.strip()
        places = [match.span() for match in re.finditer(r"\S+", text)]
        words = [PhonemeWord(text[a:b], a, b, a, b - a) for a, b in places]
        return {"phonemes": list(text.upper()), "phoneme_words": words}


def phonemes(text, **fields):
    return MarkedPhonemes(Upper(), **fields)({fields.get("source", "text"): text})["phonemes"]


@parametrize_with_checks(
    [
        Case(MarkedPhonemes(Upper()), {"text": "a, b."}),
        Case(MarkedPhonemes(Upper(), source="written", spaced=True), {"written": "a, b."}),
    ]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    ("text", "plain", "spaced"),
    [
        ("hi, you there!", "HI, YOU THERE!", "HI , YOU THERE !"),
        ("  hi  ", "  HI  ", "HI"),
        ('"hi" -- (so)...', '"HI" -- (SO)...', '" HI " - - ( SO ) . . .'),
        ("it is 3.50, or 1,000.", "IT IS 3.50, OR 1,000.", "IT IS 3 . 50 , OR 1 , 000 ."),
        (".5 and 5.", ".5 AND 5.", ". 5 AND 5 ."),
        ("!?", "!?", "! ?"),
        ("", "", ""),
    ],
)
def test_marks_stay_where_they_are(text, plain, spaced):
    assert phonemes(text) == plain
    assert phonemes(text, spaced=True) == spaced


def test_marks_between_digits_are_read_as_part_of_the_number():
    seen = []

    @dataclass
    class Seen(SequenceBlock):
        """Notes what it is given."""

        needs = frozenset({"text"})
        gives = frozenset({"phonemes"})

        def __call__(self, utterance):
            seen.append(utterance["text"])
            return {"phonemes": []}

    MarkedPhonemes(Seen())({"text": "It costs $5.50, I think; 3:30 or so"})
    assert seen == ["It costs $5.50", "I think", "3", "30 or so"]


def test_a_long_run_of_marks_and_spaces_is_read_in_linear_time():
    assert len(phonemes(", " * 20_000 + " " * 100_000)) == 140_000


def test_a_text_in_parts_is_refused():
    with pytest.raises(RequestError, match="put Sentences around it"):
        phonemes(iter(["a"]))


@pytest.mark.parametrize(
    ("written", "spaced"), [("so, (we  do)!", False), ("so, (we  do)!", True), ("so, (we do)!,", True)]
)
def test_words_have_their_places_in_the_text_and_among_the_phonemes(written, spaced):
    text = "so, (we  do)!"
    given = MarkedPhonemes(Upper(), source="written", spaced=spaced)({"text": text, "written": written})
    words = given["phoneme_words"]
    assert [text[word.start : word.end] for word in words] == ["so", "we", "do"]
    assert [given["phonemes"][word.first : word.first + word.phonemes] for word in words] == ["SO", "WE", "DO"]
