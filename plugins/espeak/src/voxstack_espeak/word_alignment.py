"""Alignment of written words with the phonemes of a clause, in which espeak-ng joins, splits and reduces words."""
# ruff: noqa: RUF001 -- letters of the phonetic alphabet are meant

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_STRESS = "ˈˌ"
_ATTACHED = frozenset(_STRESS + "ʲː")  # stress, glides and length
VOWELS = "aeiouyæøœɐɑɒɔəɚɛɜɝɨɪʊʌʉɵᵻ"
_VOWELS = frozenset(VOWELS)
_WORD = re.compile(r"\S+")
_MOST = 250_000
"""Cells of the table for one gap; what is larger is divided in proportion."""

Place = tuple[int, int]


class _Sound(NamedTuple):
    """A character of IPA that stands for a sound, and where it is."""

    character: str
    place: int


def align_words(ipa: str, isolated: Sequence[str]) -> list[Place | None]:
    """Return where each written word is in the IPA of its clause, (first character, end); None: nowhere.

    Words whose IPA is the same by itself and in the clause are anchors (Ratcliff and Obershelp's matching). Between
    them, characters are aligned at the least edit distance, so that the first two of "ʌvðə" belong to "of".

    :param ipa: words separated by spaces, in normal form D.
    :param isolated: the IPA of each written word by itself, in which one may have several.
    """
    spoken = [match.span() for match in _WORD.finditer(ipa)]
    written = [(number, form) for number, words in enumerate(isolated) for form in words.split()]
    heard = ["".join(sound.character for sound in _sounds(ipa, *place)) for place in spoken]
    expected = ["".join(sound.character for sound in _sounds(form, 0, len(form))) for _, form in written]
    owners: dict[int, int] = {}
    matcher = SequenceMatcher(None, heard, expected, autojunk=False)
    for tag, first, end, other, other_end in matcher.get_opcodes():
        places, words = spoken[first:end], written[other:other_end]
        if tag == "equal" or len(places) == len(words) == 1:
            for place, (number, _) in zip(places, words, strict=True):
                owners.update(dict.fromkeys(range(*place), number))
        elif words:
            owners.update(_align_sounds(ipa, places, words))
        else:  # sounds of no word, such as what a sign adds: they belong to the word before, or after
            number = written[max(0, other - 1)][0] if written else 0
            owners.update({index: number for place in places for index in range(*place)})
    owned: dict[int, list[int]] = {}
    for index, number in owners.items():
        owned.setdefault(number, []).append(index)
    return [_place(ipa, owned.get(number, ())) for number in range(len(isolated))]


def _sounds(ipa: str, start: int, end: int) -> Iterator[_Sound]:
    for index in range(start, end):
        if not _is_attached(ipa[index]) and not ipa[index].isspace():
            yield _Sound(ipa[index], index)


def _is_attached(character: str) -> bool:
    return character in _ATTACHED or unicodedata.combining(character) > 0


def _align_sounds(ipa: str, places: Sequence[Place], words: Sequence[tuple[int, str]]) -> dict[int, int]:
    """Return the number of the word of each character in ``places``, those that stand for themselves."""
    heard = [sound for place in places for sound in _sounds(ipa, *place)]
    expected = [(sound.character, number) for number, form in words for sound in _sounds(form, 0, len(form))]
    if not heard or not expected:
        return {sound.place: words[0][0] for sound in heard}
    if len(heard) * len(expected) > _MOST:
        matched = {i: i * len(expected) // len(heard) for i in range(len(heard))}
    else:
        matched = _match([sound.character for sound in heard], [character for character, _ in expected])
    owners, last = {}, expected[min(matched.values(), default=0)][1]
    for i, sound in enumerate(heard):
        last = expected[matched[i]][1] if i in matched else last
        owners[sound.place] = last
    return owners


def _match(heard: Sequence[str], expected: Sequence[str]) -> dict[int, int]:
    """Return the index in ``expected`` of each item of ``heard`` that an alignment of least cost pairs."""
    costs = [[float(j) for j in range(len(expected) + 1)]]
    for i, sound in enumerate(heard, 1):
        row = [float(i)]
        for j, other in enumerate(expected, 1):
            paired = costs[i - 1][j - 1] + _cost(sound, other)
            row.append(min(paired, costs[i - 1][j] + 1, row[j - 1] + 1))
        costs.append(row)
    matched, i, j = {}, len(heard), len(expected)
    while i and j:
        if costs[i][j] == costs[i - 1][j - 1] + _cost(heard[i - 1], expected[j - 1]):
            i, j = i - 1, j - 1
            matched[i] = j
        elif costs[i][j] == costs[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return matched


def _cost(sound: str, other: str) -> float:
    if sound == other:
        return 0.0
    return 0.75 if (sound in _VOWELS) == (other in _VOWELS) else 1.5


def _place(ipa: str, owned: Sequence[int]) -> Place | None:
    """Return the place of characters, with the stress before them and the marks after them."""
    if not owned:
        return None
    start, end = min(owned), max(owned) + 1
    while start > 0 and ipa[start - 1] in _STRESS:
        start -= 1
    while end < len(ipa) and _is_attached(ipa[end]) and ipa[end] not in _STRESS:
        end += 1
    return start, end
