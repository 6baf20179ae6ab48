# ruff: noqa: RUF001 -- phonetic characters are meant
from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from tiny import addon, loaded

from voxstack import RequestError
from voxstack_espeak.phonemes import EspeakPhonemes


class Words:
    """A lexicon of words with their kind and value, for whole words with perhaps a possessive ending."""

    def __init__(self, **words: tuple[str, str]) -> None:
        self.words = words
        self.entries = [self._entry(word) for word in words]

    def _entry(self, word: str, **place: Any) -> SimpleNamespace:
        kind, value = self.words[word]
        return SimpleNamespace(kind=kind, value=value, where=f"lexicon, {word!r}", **place)

    def find(self, text: str) -> Any:
        for match in re.finditer(r"(\w+)('s)?", text):
            if match[1] in self.words:
                yield self._entry(match[1], start=match.start(), end=match.end(), ending=match[2] or "")


LEXICON = Words(
    Nguyen=("phones", "nwɪn"), SQL=("alias", "sequel"), NY=("alias", "the big apple"), Ib=("ipa", "ˈɪb.sən")
)


@pytest.fixture(scope="module")
def english() -> EspeakPhonemes:
    block: EspeakPhonemes = loaded(EspeakPhonemes(), addon())
    return block


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("Hello Nguyen, how are you?", "həlˈoʊ nwˈɪn, hˈaʊ ɑːɹ juː?"),
        ("The SQL of NY's.", "ðə sˈiːkwəl ʌvðə bˈɪɡ ˈæpəlz."),
        ("(Nguyen's)", "nwˈɪnz"),
        ("the Ib", "ðɪ ˈɪbsən"),
        ("Nguyen-like, anti-Nguyen.", "nwˈɪn lˈaɪk, ˈæntaɪ nwˈɪn."),
        ("Nguyen [[nˈuː]] Nguyen", "nwˈɪn nˈuː nwˈɪn"),
    ],
)
def test_words_are_pronounced_as_the_lexicon_says_among_others(
    english: EspeakPhonemes, text: str, phonemes: str
) -> None:
    assert "".join(english({"text": text, "lexicon": LEXICON})["phonemes"]) == phonemes


def test_their_places_are_those_of_what_is_written(english: EspeakPhonemes) -> None:
    text = "Mr. Nguyen-like NY's, and so on."
    given = english({"text": text, "lexicon": LEXICON, "timeline": object()})
    found = [
        (word.text, text[word.start : word.end], "".join(given["phonemes"][word.first : word.first + word.phonemes]))
        for word in given["phoneme_words"]
    ]
    assert found[1:5] == [
        ("Nguyen", "Nguyen", "nwˈɪn"), ("like", "like", "lˈaɪk"), ("NY's", "NY's", "ðə bˈɪɡ ˈæpəlz"),
        ("and", "and", "ænd"),
    ]  # fmt: skip


def test_without_words_of_the_lexicon_the_phonemes_are_the_same(english: EspeakPhonemes) -> None:
    text = "Dr. Smith paid $3.50, or 1,000 euros: so?"
    assert english({"text": text, "lexicon": LEXICON}) == english({"text": text})


def test_pronunciations_that_are_not_ipa_are_refused_with_their_place(english: EspeakPhonemes) -> None:
    assert english.check_lexicon(LEXICON)
    for value in ("w ih1 n", "ˈ"):
        with pytest.raises(RequestError, match=r"^lexicon, 'Bob': .* is not IPA, which this voice reads"):
            english.check_lexicon(Words(Bob=("phones", value)))
