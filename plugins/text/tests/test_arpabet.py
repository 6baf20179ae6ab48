from __future__ import annotations

import numpy as np
import pytest

from voxstack import StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.arpabet import Arpabet
from voxstack_text.text import Text

PHONES = "AA1 AE1 AH0 AH1 AO1 AY1 B D DH EH1 ER0 ER1 HH IH0 IH1 IY1 K L N OW1 R S T W Z , . ?".split()
NUMBERS = {phone: 10 + place for place, phone in enumerate(PHONES)}


def read(text, **marked):
    block = Text()
    block.load(type("Addon", (), {"networks": {}})())
    return {**block({"text": text}), **marked}


def arpabet(text, symbols=NUMBERS, end=(1,)):
    return Arpabet(symbols, list(end))(read(text))


@parametrize_with_checks([Case(Arpabet(NUMBERS, [1]), utterance=read("Hello, world."))])
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("Hello, world.", "HH AH0 L OW1 , W ER1 L D ."),
        ("Is it?", "IH1 Z IH1 T ?"),
        ("The record", "DH AH0 R EH1 K ER0 D ."),
    ],
)
def test_phones_are_written_as_cmudict_writes_them(text, phones):
    entries = arpabet(text)
    assert entries["phones"] == [*phones.split(), "pau"]
    assert entries["tokens"].tolist() == [*(NUMBERS[phone] for phone in phones.split()), 1]
    assert entries["tokens"].dtype == np.int64


def test_words_are_where_their_phones_are():
    entries = arpabet("Hello, world.")
    spoken = {
        word.text: entries["phones"][word.first_token : word.first_token + word.tokens] for word in entries["words"]
    }
    assert spoken == {"Hello": "HH AH0 L OW1".split(), "world": "W ER1 L D".split()}


def test_phones_that_the_table_lacks_are_skipped_with_their_values():
    known = {phone: number for phone, number in NUMBERS.items() if phone not in ("W", "ER1", "L", "D", ",")}
    entries = arpabet("Hello, world.", known, end=(1, 2))
    assert entries["phones"] == ["HH", "AH0", "OW1", ".", "pau", "pau"]
    assert [(word.text, word.tokens) for word in entries["words"]] == [("Hello", 3)]
    assert {len(entries[name]) for name in ("tokens", "silences", "pauses", "rates", "volumes")} == {6}
    assert entries["silences"].tolist() == [False, False, False, True, True, True]


def test_marks_are_reached_where_they_were():
    from voxstack_text.layout import Mark

    marks = [Mark("start", 0, 0, 0), Mark("middle", 7, 7, 6), Mark("end", 13, 13, 10)]
    entries = Arpabet(NUMBERS, [])(read("Hello, world.", marks=marks))
    assert [entries["phones"][mark.token] for mark in entries["marks"]] == ["HH", "W", "."]


def test_a_table_of_something_else_is_refused():
    with pytest.raises(StackError, match="has no vowel of CMUdict, such as AH0 or OW1"):
        Arpabet({"a": 1, "ʃ": 2}).load(None)
