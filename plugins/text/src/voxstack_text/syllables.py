"""Spread the stress of vowels over their syllables, as the acoustic models' training labels have it."""

from __future__ import annotations

from itertools import pairwise

from voxstack_text.pronunciation import VOWELS, Pronunciation

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

    Syllables are cut by maximal onset: as many consonants as can begin a syllable belong to the vowel behind them.
    """
    phones = [symbol.rstrip("01") for symbol in pronunciation]
    vowels = [at for at, phone in enumerate(phones) if phone in VOWELS]
    if not vowels:
        return [(phone, 0) for phone in phones]
    starts = [0]
    for before, vowel in pairwise(vowels):
        start = vowel
        while start - 1 > before and tuple(phones[start - 1 : vowel]) in _ONSETS:
            start -= 1
        starts.append(start)
    lengths = [end - start for start, end in zip(starts, [*starts[1:], len(phones)], strict=True)]
    stresses = [int(pronunciation[vowel].endswith("1")) for vowel in vowels]
    return list(zip(phones, [s for s, length in zip(stresses, lengths, strict=True) for _ in range(length)], strict=True))
