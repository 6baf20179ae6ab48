from __future__ import annotations

import bisect
import time
import zlib

import pytest

from voxstack_text.pronunciation.lexicon import MAGIC, Lexicon, pack
from voxstack_text.pronunciation.symbols import SYMBOLS

SMALL = {
    "b": ("b", "iy1"),
    "a": ("ax0",),
    "aa": ("aa1",),
    "zebra's": ("z", "iy1", "b", "r", "ax0", "z"),
    "can't": ("k", "ae1", "n", "t"),
}


def test_what_was_packed_is_found_and_nothing_else() -> None:
    lexicon = Lexicon(pack(SMALL, SYMBOLS))
    assert {word: lexicon.get(word) for word in SMALL} == SMALL
    assert list(lexicon) == sorted(SMALL)
    for word in ("", "'", "A", "aaa", "c", "can", "zebra", "zzz", "é", "a\n", MAGIC.decode(), "aa0"):
        assert lexicon.get(word) is None, word
        assert word not in lexicon


def test_no_words() -> None:
    assert Lexicon(pack({}, SYMBOLS)).get("a") is None


@pytest.mark.parametrize("word", ["A", "é", "a ", "a\n"])
def test_words_are_plain(word: str) -> None:
    with pytest.raises(ValueError, match="is not a word for a lexicon"):
        pack({word: ("ax0",)}, SYMBOLS)


def test_an_unknown_symbol_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'cat' is pronounced with 'ae'"):
        pack({"cat": ("k", "ae", "t")}, SYMBOLS)


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not zlib-compressed"):
        Lexicon(b"hello")
    with pytest.raises(ValueError, match="begins with b'voxstack-lexicon 9'"):
        Lexicon(zlib.compress(b"voxstack-lexicon 9\nb\n"))


def test_the_built_in_lexicon_is_whole_and_in_order() -> None:
    lexicon = Lexicon.built_in()
    words = list(lexicon)
    assert len(words) > 100_000
    assert words == sorted(words)
    for word in [*words[::997], words[0], words[-1]]:
        phones = lexicon.get(word)
        assert phones
        assert set(phones) <= set(SYMBOLS)
    assert bisect.bisect_left(words, "zygote") < len(words)


def test_every_letter_has_a_name() -> None:
    assert all(Lexicon.built_in().get(letter) for letter in "abcdefghijklmnopqrstuvwxyz")


def test_opening_costs_no_parsing() -> None:
    from voxstack_text.pronunciation import lexicon

    packed = lexicon._BUILT_IN.read_bytes()
    assert len(packed) < 1_200_000
    best = min(_seconds(packed) for _ in range(5))
    assert best < 0.1, "opening decompresses about two megabytes, in about 10 ms, and does nothing else"


def _seconds(packed: bytes) -> float:
    start = time.perf_counter()
    Lexicon(packed)
    return time.perf_counter() - start
