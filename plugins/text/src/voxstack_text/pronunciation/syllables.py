"""Syllables of a pronunciation, and the stress of their phones, as in the training labels of the acoustic models."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from voxstack_text.pronunciation.symbols import Pronunciation
from voxstack_text.tokens import VOWELS

_ONSETS = frozenset(
    tuple(onset.split())
    for onset in (
        "p,b,t,d,k,g,ch,jh,f,v,th,dh,s,z,sh,zh,hh,m,n,l,r,w,y,p l,p r,b l,b r,t r,t w,d r,d w,k l,k r,k w,"
        "k y,g l,g r,g w,f l,f r,f y,th r,th w,s p,s t,s k,s l,s m,s n,s w,s f,sh r,s p r,s p l,s t r,s k r,"
        "s k w,m y,p y,b y,v y,hh y"
    ).split(",")
)
"""Consonants that can begin a syllable in English."""


def phone_stress(pronunciation: Pronunciation) -> list[tuple[str, int]]:
    """Return (phone, stress of its syllable) for each symbol of one word; the stress is 0 or 1.

    Syllables are those of :func:`syllable_starts`.
    """
    phones = [symbol.rstrip("01") for symbol in pronunciation]
    stresses = [int(symbol.endswith("1")) for symbol in pronunciation if symbol.rstrip("01") in VOWELS] or [0]
    bounds = pairwise([*syllable_starts(phones), len(phones)])
    return [
        (phone, stress) for stress, (start, end) in zip(stresses, bounds, strict=True) for phone in phones[start:end]
    ]


def syllable_starts(phones: Sequence[str]) -> list[int]:
    """Return the index of the first phone of each syllable of one word; a word without a vowel is one syllable.

    Words are cut by maximal onset: as many consonants as can begin a syllable belong to the vowel that follows them.
    """
    vowels = [index for index, phone in enumerate(phones) if phone in VOWELS]
    starts = [0]
    for before, vowel in pairwise(vowels):
        start = vowel
        while start - 1 > before and tuple(phones[start - 1 : vowel]) in _ONSETS:
            start -= 1
        starts.append(start)
    return starts
