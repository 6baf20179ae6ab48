# ruff: noqa: RUF001 -- phonetic letters are the subject here
from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from voxstack import RequestError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.characters import Characters

TABLE = {"a": [1], "b": [2], "c": [3], " ": [4], "aɪ": [5], "é": [6], "e": [7], "\u0301": [8], "x": [9, 10]}


def tokens(value="abc", source="text", **fields):
    return Characters(TABLE, source=source, **fields)({source: value})["tokens"].tolist()


@parametrize_with_checks(
    [
        Case(Characters(TABLE), utterance={"text": "abc a"}),
        Case(Characters(TABLE, "phonemes", [20], [0], [21], merged=["aɪ"]), utterance={"phonemes": ["a", "aɪ"]}),
        Case(Characters(TABLE, lower=True, form="NFD", merged=["aɪ"]), utterance={"text": "Aɪ É"}),
    ]
)
def test_contract(case, check):
    check(case)


def test_tokens_are_integers_of_the_table():
    tokens = Characters(TABLE)({"text": "ab x"})["tokens"]
    assert tokens.dtype == np.int64
    assert tokens.tolist() == [1, 2, 4, 9, 10]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"start": [20], "blank": [0], "end": [21]}, [20, 0, 1, 0, 2, 0, 3, 0, 21]),  # Piper
        ({"blank": [0]}, [0, 1, 0, 2, 0, 3, 0]),  # VITS, Matcha-TTS
        ({"start": [0], "end": [0]}, [0, 1, 2, 3, 0]),  # Kokoro
    ],
)
def test_blanks_start_and_end_are_where_models_were_trained_with_them(fields, expected):
    assert tokens(**fields) == expected


def test_a_list_is_looked_up_as_it_is_and_a_string_by_its_characters():
    assert tokens(["aɪ", "a", "b"], "phonemes") == [5, 1, 2]
    assert tokens("aɪb") == [1, 2], "ɪ alone is not in the table"


def test_the_longest_sequence_is_one_symbol():
    assert tokens("baɪa", merged=["aɪ"]) == [2, 5, 1]
    assert tokens(["b", "a", "ɪ", "a"], "phonemes", merged=["aɪ"]) == [2, 5, 1]


def test_white_space_that_is_not_in_the_table_counts_as_a_space():
    assert tokens("a\nb\u00a0c") == [1, 4, 2, 4, 3]
    assert Characters({**TABLE, "\n": [30]})({"text": "a\nb"})["tokens"].tolist() == [1, 30, 2]
    assert Characters({"a": [1]})({"text": "a\na"})["tokens"].tolist() == [1, 1], (
        "without a space in the table it is skipped"
    )


def test_runs_of_white_space_are_squeezed_where_the_model_was_trained_so():
    assert tokens("a  \n b") == [1, 4, 4, 4, 4, 2]
    assert tokens("a  \n b", squeeze=True) == [1, 4, 2]
    assert tokens("  a \t", squeeze=True, strip=True) == [1]


def test_strings_are_normalised_as_the_model_was_trained():
    assert tokens("é") == [6]
    assert tokens("é", form="NFD") == [7, 8]
    assert tokens("e\u0301", form="NFC") == [6]
    assert tokens("ABC", lower=True) == [1, 2, 3]


def test_what_is_not_in_the_table_is_skipped_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert tokens("a?b?!") == [1, 2]
    assert "skipped '?', '!'" in caplog.text


def test_nothing_to_say_is_an_error():
    with pytest.raises(RequestError, match="nothing in '!!' is in the symbol table"):
        tokens("!!")


def test_spaces_that_nothing_known_is_around_are_left_out():
    table = {" ": [1], "a": [2], "b": [3]}
    stripped = Characters(table, strip=True)
    for text, tokens in {" a b ": [2, 1, 3], "! a b ?!": [2, 1, 3], "a": [2]}.items():
        np.testing.assert_array_equal(stripped({"text": text})["tokens"], tokens)
    np.testing.assert_array_equal(Characters(table)({"text": " a "})["tokens"], [1, 2, 1])
    with pytest.raises(RequestError, match="nothing in"):
        stripped({"text": " ! "})


def test_each_token_has_its_symbol_and_blanks_have_none():
    given = Characters({**TABLE, "^": [20], "$": [21]}, start=[20], blank=[0], end=[21])({"text": "ax"})
    assert given["tokens"].tolist() == [20, 0, 1, 0, 9, 10, 0, 21]
    assert given["phones"] == ["^", "", "a", "", "x", "", "", "$"]
    assert Characters(TABLE, start=[20])({"text": "a"})["phones"] == ["", "a"], "no symbol has this token"


@pytest.mark.parametrize(
    ("fields", "text", "expected"),
    [
        ({}, "ab c", [("ab", 0, 2, 0, 2), ("c", 3, 4, 3, 1)]),
        ({"start": [20], "blank": [0]}, "ab c", [("ab", 0, 2, 2, 4), ("c", 3, 4, 8, 2)]),
        ({"squeeze": True}, " a \n  b", [("a", 1, 2, 1, 1), ("b", 6, 7, 3, 1)]),
        ({"strip": True}, " a b", [("a", 1, 2, 0, 1), ("b", 3, 4, 2, 1)]),
        ({"form": "NFD"}, "é a", [("é", 0, 1, 0, 2), ("a", 2, 3, 3, 1)]),
        ({"merged": ["aɪ"]}, "aɪ b", [("aɪ", 0, 2, 0, 1), ("b", 3, 4, 2, 1)]),
        ({}, "a ?? b", [("a", 0, 1, 0, 1), ("b", 5, 6, 3, 1)]),
    ],
)
def test_words_of_a_text_are_between_white_space(fields, text, expected):
    assert [tuple(word) for word in Characters(TABLE, **fields)({"text": text})["words"]] == expected


def test_words_of_phonemes_are_where_their_reader_places_them():
    words = [SimpleNamespace(text="Eye", start=0, end=3, first=0, phonemes=2)]
    words += [SimpleNamespace(text="see", start=4, end=7, first=3, phonemes=1)]
    utterance = {"phonemes": ["a", "ɪ", " ", "c"], "phoneme_words": words}
    for fields, expected in (({"merged": ["aɪ"]}, [(0, 1), (2, 1)]), ({}, [(0, 1), (2, 1)])):
        given = Characters(TABLE, source="phonemes", **fields)(utterance)
        assert [word[3:] for word in given["words"]] == expected
        assert [word[:3] for word in given["words"]] == [("Eye", 0, 3), ("see", 4, 7)]


def test_spans_are_those_in_the_request():
    moved = SimpleNamespace(span=lambda start, end: (start + 10, end + 10))
    assert Characters(TABLE)({"text": "a b", "passage": moved})["words"][1][:3] == ("b", 12, 13)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ab c", [(0, 6), (6, 4)]),  # "^", blank, a, blank, b, blank; space, blank, c, blank
        ("a, b", [(0, 4), (8, 2)]),  # the comma and the space after it stay silent
        (" a", [(0, 6)]),
        ("a  b", [(0, 4), (4, 6)]),
    ],
)
def test_spaces_count_to_the_word_after_them(text, expected):
    block = Characters({**TABLE, ",": [30]}, start=[20], blank=[0], end=[21], spaces_lead=True)
    assert [word[3:] for word in block({"text": text})["words"]] == expected
