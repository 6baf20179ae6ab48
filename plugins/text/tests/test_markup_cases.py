"""Texts with markup, as they are read."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxstack_text.markup.formula import read_formula
from voxstack_text.markup.formula_items import UnknownFormulaError
from voxstack_text.normalise.reader import read_passage
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer
from voxstack_text.sentences_block import Sentences
from voxstack_text.spoken_words import PAUSE
from voxstack_text.text import Text

DATA = Path(__file__).parent / "data"
NAMES = ["frac", "sqrt", "binom", "text", "sum", "left", "right", "alpha", "sin", "hat", "begin{cases}", "end{cases}"]
PRONOUNCER = Pronouncer(Lexicon.built_in())


def rows(name: str) -> list[list[str]]:
    """Return the fields of each line of a table."""
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def block(**fields: object) -> Sentences:
    sentences = Sentences(block=Text(), **fields)  # type: ignore[arg-type]
    sentences._token_limit = 10**6
    return sentences


def read(text: object, markup: str = "text", **fields: object) -> str:
    """Return the words of a text, with pauses as "/" and ends of sentences as "//"."""
    sentences = []
    for passage in block(**fields)._passages({"text": text, "markup": markup}):
        words = ["/" if item.word == PAUSE else item.word for item in read_passage(passage, PRONOUNCER.is_known)]
        sentences.append(" ".join(words))
    return " // ".join(sentences)


@pytest.mark.parametrize(("markup", "written", "words"), rows("markup.tsv"))
def test_markup_is_not_read_aloud(markup: str, written: str, words: str) -> None:
    text = written.replace("\\n", "\n")
    assert read(text, markup).lower() == words.lower()
    assert read(iter(text), markup).lower().replace(" / ", " ").replace(" // ", " ") == (
        words.lower().replace(" / ", " ").replace(" // ", " ")
    )


@pytest.mark.parametrize(("formula", "words"), rows("formulas.tsv"))
def test_formulas_are_words(formula: str, words: str) -> None:
    assert read_formula(formula) == words


@pytest.mark.parametrize("formula", [r"\frac{1}{2", "x^", r"\unknown{x}", r"\frac", "(" * 10 + "{" * 100 + "}" * 100])
def test_formulas_that_cannot_be_read_are_refused(formula: str) -> None:
    with pytest.raises(UnknownFormulaError):
        read_formula(formula)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([*"{}^_&()|'!x1-~%", "\\\\", *(f"\\{name}" for name in NAMES)]), max_size=30).map("".join)
)
def test_any_formula_is_read_or_refused(formula: str) -> None:
    try:
        assert read_formula(formula) is not None
    except UnknownFormulaError as error:
        assert str(error)


def test_a_formula_that_cannot_be_read_is_skipped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert read(r"one $\unknown{x}$ two") == "one two"
    assert r"skipped a formula that cannot be read: $\unknown{x}$: the command \unknown is not known" in caplog.text


def test_ssml_as_plain_text_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert read("<speak>Hello</speak>") == "hello"
    assert "markup='ssml'" in caplog.text


def test_markup_may_be_read_as_it_is_written() -> None:
    sentences = block(reads_markup=False)
    text = "**a** <b>\nRed\nBlue &amp; [x](y)"
    assert [passage.text for passage in sentences._passages({"text": text})] == [text]


def test_other_readers_get_commas_and_words() -> None:
    sentences = block()
    sentences._reads_letters = True
    passages = list(sentences._passages({"text": "Red\nGreen $x^2$\n1. One"}))
    assert [passage.text for passage in passages] == ["Red,\nGreen X squared", "1, One"]
    assert not any(passage.breaks or passage.inserts for passage in passages)
