# ruff: noqa: RUF001 -- typographic quotes are meant
from __future__ import annotations

import pytest

from voxstack_flite.sentences import MAX_TOKENS, split_sentences


def sentences(text: str) -> list[str]:
    return [text[sentence.first : sentence.end] for sentence in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("Really?! (Yes.) 'No!' She left", ["Really?!", "(Yes.)", "'No!'", "She left"]),
        ("Dr. Smith met J. Doe, e.g. U.S.A. Inc. at noon.", ["Dr. Smith met J. Doe, e.g. U.S.A. Inc. at noon."]),
        ("approx. five", ["approx. five"]),
        ("A heading\n\nand text", ["A heading", "and text"]),
        ("a line\nand more", ["a line\nand more"]),
        ("It costs 3.50. That is all", ["It costs 3.50.", "That is all"]),
        ("Is it? yes", ["Is it? yes"]),
        (" ... — \n", []),
        ("", []),
    ],
)
def test_where_sentences_end(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


def test_where_ends_are_known_sentences_end_there() -> None:
    text = "At 5 p.m. It rained. So"
    ends = [text.index(" It"), text.index(" So")]
    parts = [text[sentence.first : sentence.end] for sentence in split_sentences(text, ends)]
    assert parts == ["At 5 p.m.", "It rained.", "So"]
    assert [sentence.first for sentence in split_sentences(text, [])] == [0]


def test_tokens_know_their_characters_and_are_ascii() -> None:
    text = "“Naïve” cafés — don’t, (Ångström)! 日本 € 100%"
    tokens = [token for sentence in split_sentences(text) for token in sentence.tokens]
    assert [(token.before, token.name, token.after) for token in tokens] == [
        ('"', "Naive", '"'),
        ("", "cafes", ""),
        ("", "don't", ","),
        ("(", "Angstrom", ")!"),
        ("", "100%", ""),
    ]
    assert [text[token.first : token.end] for token in tokens] == ["Naïve", "cafés", "don’t", "Ångström", "100%"]


def test_long_sentences_are_cut_at_a_comma_or_else_anywhere() -> None:
    text = "one two, " * MAX_TOKENS + "three " * (2 * MAX_TOKENS)
    parts = list(split_sentences(text))
    assert {part.kind for part in parts} == {"phrase"}
    assert all(len(part.tokens) <= MAX_TOKENS for part in parts)
    assert parts[0].tokens[-1].after == ","
    assert [token.name for part in parts for token in part.tokens] == text.replace(",", "").split()


def test_a_word_without_end_is_cut() -> None:
    tokens = [token for sentence in split_sentences("x" * 10_000) for token in sentence.tokens]
    assert max(len(token.name) for token in tokens) <= 40
    assert sum(len(token.name) for token in tokens) == 10_000
