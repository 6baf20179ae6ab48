# ruff: noqa: RUF001 -- phonetic and typographic characters are meant
from __future__ import annotations

import pytest
from tiny import addon, loaded

from voxstack_espeak.phonemes import EspeakPhonemes
from voxstack_espeak.written_pauses import EditedText, dashes, ellipses, parentheses, periods


def edited(text: str) -> EditedText:
    return EditedText.of(text, [*dashes(text), *ellipses(text), *parentheses(text), *periods(text)])


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("He came -- and left", "He came — and left"),
        ("He came—and left", "He came — and left"),
        ("He came--and left", "He came — and left"),
        ("yes - no, 5 - 3", "yes — no, 5 - 3"),
        ("yes – no, pages 3–5", "yes – no, pages 3–5"),
        ("Wait... what?", "Wait, what?"),
        ('"Wait…" he said', '"Wait," he said'),
        ("so ... and wait...what", "so, and wait, what"),
        ("...and What...?", "...and What...?"),
        ("it (the old one) broke", "it, the old one, broke"),
        ("He left (at five).", "He left, at five ."),
        ("(Yes) item(s) f(x)", "(Yes) item(s) f(x)"),
        ("Dr. Smith, e.g. John, on p. 12.", "Dr  Smith, e.g  John, on p  12."),
        ("(Yes.) So", "(Yes.) So"),
        ("well-known, -5, --flag x", "well-known, -5, --flag x"),
        ("a -- ", "a -- "),
    ],
)
def test_marks_that_are_read_over_become_pauses(text: str, read: str) -> None:
    found = edited(text)
    assert found.text == read
    assert len(found.origins) == len(read)
    for index, character in enumerate(read):
        if character.isalnum():
            assert text[found.origins[index]] == character


def test_periods_stay_where_sentences_end() -> None:
    text = "Dr. Smith came. At 5 p.m. It rained."
    ends = [text.index("At"), text.index("It")]
    assert EditedText.of(text, periods(text, ends)).text == "Dr  Smith came. At 5 p.m. It rained."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He came -- and left.", "hiː kˈeɪm; ænd lˈɛft."),
        ("Wait... what?", "wˈeɪt, wˌʌt?"),
        ("It (the old one) broke.", "ɪt, ðɪ ˈoʊld wˌʌn, bɹˈoʊk."),
        ("Dr. Smith saw Mt. Fuji.", "dˈɑːktɚ smˈɪθ sˈɔː ˌɛmtˈiː fˈuːdʒi."),
        ('"Go!" He left.', "ɡˈoʊ! hiː lˈɛft."),
        ("Go [[ wˈɜːld ]] -- there.", "ɡˈoʊ wˈɜːld ðˈɛɹ."),
    ],
)
def test_phonemes_have_the_pauses_that_are_written(text: str, expected: str) -> None:
    block = loaded(EspeakPhonemes(written_pauses=True), addon())
    given = block({"text": text, "timeline": object()})
    assert "".join(given["phonemes"]) == expected
    for word in given["phoneme_words"]:
        assert text[word.start : word.end] == word.text
        assert "".join(given["phonemes"][word.first : word.first + word.phonemes]).strip(" ,;.!?")


def test_ordinary_text_has_the_same_phonemes() -> None:
    plain, pausing = (loaded(EspeakPhonemes(written_pauses=pauses), addon()) for pauses in (False, True))
    for text in ("Hello, world!", "It costs $3.50, or 1,000 euros; well-known: yes.", "yes – no — so?"):
        assert pausing({"text": text, "timeline": object()}) == plain({"text": text, "timeline": object()})
