from __future__ import annotations

import numpy as np
import pytest

from voxstack_text.pronunciation.g2p_network import LETTERS, STEPS_PER_LETTER, decode, encode, letter_groups
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer, before_vowel
from voxstack_text.pronunciation.syllables import phone_stress
from voxstack_text.pronunciation.symbols import SYMBOLS, checked

PRONOUNCER = Pronouncer(Lexicon.built_in())


def pronounced(word: str, pronouncer: Pronouncer = PRONOUNCER) -> str:
    return " | ".join(f"{name}: {' '.join(phones)}" for name, phones in pronouncer.pronounce(word))


@pytest.mark.parametrize(
    "word, expected",
    [
        ("hello", "hello: hh ax0 l ow1"),
        ("a", "a: ax0"),
        ("A", "_a: ey1"),
        ("B", "b: b iy1"),
        ("that", "that: dh ae1 t"),
        ("that's", "that: dh ae1 t | 's: s"),
        ("john's", "john: jh aa1 n | 's: z"),
        ("church's", "church: ch er1 ch | 's: ax0 z"),
        ("dogs'", "dogs: d aa1 g z"),
        ("D's", "d: d iy1 | 's: z"),
        ("you'll", "you: y uw1 | 'll: l"),
        ("that'll", "that: dh ae1 t | 'll: ax0 l"),
        ("we've", "we: w iy1 | 've: v"),
        ("john'd", "john: jh aa1 n | 'd: ax0 d"),
        ("shouldn't've", "shouldn't: sh uh1 d n t | 've: ax0 v"),
        ("don't", "don't: d ow1 n t"),
        ("we're", "we're: w iy1 r"),
        ("there're", "there: dh eh1 r | 're: er0"),
        ("o'clock", "o'clock: ax0 k l aa1 k"),
    ],
)
def test_words_and_their_endings(word: str, expected: str) -> None:
    assert pronounced(word) == expected


def test_without_a_network_unknown_words_are_spelled() -> None:
    assert pronounced("qzx") == "q: k y uw1 | z: z iy1 | x: eh1 k s"
    assert pronounced("qzx's") == "q: k y uw1 | z: z iy1 | x: eh1 k s | 's: ax0 z"


def test_a_network_pronounces_what_no_table_has() -> None:
    requested = []

    def network(word: str) -> tuple[str, ...]:
        requested.append(word)
        return ("z", "uw1") if word == "zyxoo" else ()

    pronouncer = Pronouncer(Lexicon.built_in(), network)
    assert pronounced("zyxoo's", pronouncer) == "zyxoo: z uw1 | 's: z"
    assert pronounced("xq", pronouncer) == "x: eh1 k s | q: k y uw1", "what the network cannot pronounce is spelled"
    assert pronounced("hello", pronouncer) == "hello: hh ax0 l ow1"
    assert requested == ["zyxoo", "xq"]


def test_the_changes_before_a_vowel() -> None:
    the = PRONOUNCER.pronounce("the")
    assert before_vowel(the, ("ae1", "p", "ax0", "l"))[0][1] == ("dh", "iy0")
    assert before_vowel(the, ("p", "eh1", "r"))[0][1] == ("dh", "ax0")
    assert before_vowel(the, ()) == the
    assert before_vowel(PRONOUNCER.pronounce("a"), ("ae1",))[0][1] == ("ax0",)


@pytest.mark.parametrize(
    "phones, stressed",
    [
        ("hh ax0 l ow1", "l ow"),
        ("s t r ae1 ng g er0", "s t r ae ng"),
        ("k ax0 n s t r ah1 k sh ax0 n", "s t r ah k"),
        ("ae1 p ax0 l", "ae"),
        ("z", ""),
        ("iy1 s t er0", "iy"),
    ],
)
def test_stress_spreads_over_the_syllable_by_maximal_onset(phones: str, stressed: str) -> None:
    assert " ".join(phone for phone, stress in phone_stress(tuple(phones.split())) if stress) == stressed


def test_letters_and_symbols() -> None:
    assert len(set(SYMBOLS)) == len(SYMBOLS) == 56
    np.testing.assert_array_equal(encode("ab'"), [0, 1, LETTERS.index("'")])
    with pytest.raises(ValueError, match="substring not found"):
        encode("é")
    with pytest.raises(ValueError, match="'word' is pronounced with 'q'"):
        checked(["q"], "word")


def test_decoding_drops_repeats_then_blanks() -> None:
    b, iy = SYMBOLS.index("b") + 1, SYMBOLS.index("iy1") + 1
    classes = [0, b, b, 0, b, iy, iy, 0, 0]
    logits = np.eye(len(SYMBOLS) + 1, dtype=np.float32)[classes]
    assert len(logits) == STEPS_PER_LETTER * 3
    assert decode(logits) == ("b", "b", "iy1")
    assert decode(logits[:0]) == ()


@pytest.mark.parametrize(
    "word, limit, parts",
    [
        ("antidisestablishment", 8, "antidi sestabli shment"),
        ("antidisestablishment", 32, "antidisestablishment"),
        ("strengths", 4, "stre ngt hs"),
        ("zzzzzzzz", 3, "zzz zzz zz"),
        ("abc", 1, "a b c"),
        ("", 5, ""),
    ],
)
def test_long_words_are_cut_after_vowels_if_possible(word: str, limit: int, parts: str) -> None:
    groups = letter_groups(word, limit)
    assert groups == parts.split()
    assert "".join(groups) == word
    assert all(0 < len(group) <= limit for group in groups)


def test_any_number_of_endings_is_pronounced() -> None:
    many = PRONOUNCER.pronounce("dog" + "'s" * 5000)
    assert (many[0][0], len(many)) == ("dog", 5001)
    assert pronounced("'ll's") == pronounced("'ll") + " " + pronounced("'s") or pronounced("'ll's")


def test_long_words_are_not_remembered() -> None:
    lexicon = Lexicon.built_in()
    before = lexicon._cached_find.cache_info().currsize
    assert lexicon.get("x" * 10_000) is None
    assert lexicon._cached_find.cache_info().currsize == before
