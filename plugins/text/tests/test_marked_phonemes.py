from __future__ import annotations

from dataclasses import dataclass

import pytest

from voxstack import RequestError, SequenceBlock
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.marked_phonemes import MarkedPhonemes


@dataclass
class Upper(SequenceBlock):
    """Writes the text in capitals instead of phonemes, and checks that it has no marks."""

    needs = frozenset({"text"})
    gives = frozenset({"phonemes"})

    def __call__(self, utterance):
        text = utterance["text"]
        assert text == text.strip()
        return {"phonemes": list(text.upper())}


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
