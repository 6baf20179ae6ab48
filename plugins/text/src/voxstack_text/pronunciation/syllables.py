"""Spread the stress of vowels over their syllables, as the acoustic models' training labels have it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from voxstack_text.pronunciation.symbols import VOWELS, Pronunciation

_ONSETS = frozenset(
    tuple(onset.split())
    for onset in (
        "p,b,t,d,k,g,ch,jh,f,v,th,dh,s,z,sh,zh,hh,m,n,l,r,w,y,p l,p r,b l,b r,t r,t w,d r,d w,k l,k r,k w,k y,g l,g r,g w,f l,f r,"
        "f y,th r,th w,s p,s t,s k,s l,s m,s n,s w,s f,sh r,s p r,s p l,s t r,s k r,s k w,m y,p y,b y,v y,hh y"
    ).split(",")
)
"""Consonants that can begin a syllable in English."""


def phone_stress(pronunciation: Pronunciation) -> list[tuple[str, int]]:
    """Return (phone, stress of its syllable) for each symbol of one word, stress 0 or 1.

    Syllables are cut as in :func:`syllable_starts`.
    """
    phones = [symbol.rstrip("01") for symbol in pronunciation]
    stresses = [int(symbol.endswith("1")) for symbol in pronunciation if symbol.rstrip("01") in VOWELS] or [0]
    bounds = pairwise([*syllable_starts(phones), len(phones)])
    return [
        (phone, stress) for stress, (start, end) in zip(stresses, bounds, strict=True) for phone in phones[start:end]
    ]


def syllable_starts(phones: Sequence[str]) -> list[int]:
    """Where the syllables of one word begin; a word without a vowel is one syllable.

    They are cut by maximal onset: as many consonants as can begin a syllable belong to the vowel behind them.
    """
    vowels = [at for at, phone in enumerate(phones) if phone in VOWELS]
    starts = [0]
    for before, vowel in pairwise(vowels):
        start = vowel
        while start - 1 > before and tuple(phones[start - 1 : vowel]) in _ONSETS:
            start -= 1
        starts.append(start)
    return starts


_SEAMS = re.compile(r"(?<=[aeiouy])(?=[^aeiouy])")


def letter_groups(word: str, most: int) -> list[str]:
    """Cut a written word to parts of at most so many letters, of about one length, behind vowels where there are any near."""
    parts = []
    while len(word) > most:
        wanted = -(-len(word) // -(-len(word) // most))
        places = [match.start() for match in _SEAMS.finditer(word) if wanted // 2 < match.start() <= most]
        place = min(places, key=lambda place: abs(place - wanted), default=wanted)
        parts.append(word[:place])
        word = word[place:]
    return [*parts, word] if word else parts
