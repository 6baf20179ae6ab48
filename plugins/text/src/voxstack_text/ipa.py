"""Transcriptions in the International Phonetic Alphabet as phones of US English."""
# ruff: noqa: RUF001 -- letters that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.pronunciation.symbols import Pronunciation
from voxstack_text.tokens import VOWELS
from voxstack_text.whole_text import cancellable

_TABLE = """
ɑ aa; ɑɹ aa r; a aa; ɒ ao; æ ae; ʌ ah; ɐ ah; ɔ ao; ɔɹ ao r; aʊ aw; aw aw; ə ax; ɨ ih; ᵻ ih; aɪ ay; aj ay; ɛ eh
e eh; ɛɹ eh r
ɝ er; ɜ er; ɚ er; əɹ er; ɜɹ er; eɪ ey; ej ey; ɪ ih; i iy; ɪɹ ih r; oʊ ow; əʊ ow; ow ow; o ow; ɔɪ oy; ɔj oy; ʊ uh
ʊɹ uh r; u uw; ʉ uw
b b; tʃ ch; ʧ ch; d d; ð dh; f f; g g; ɡ g; h hh; ɦ hh; dʒ jh; ʤ jh; k k; x k; l l; ɫ l; m m; n n; ŋ ng; p p
ɹ r; r r; ɻ r; s s; ʃ sh
t t; ɾ d; ʔ t; θ th; v v; w w; ʍ w; j y; z z; ʒ zh; n̩ ax n; m̩ ax m; l̩ ax l; ɫ̩ ax l; ju y uw
"""
_PHONES = {
    ipa: tuple(phones)
    for ipa, *phones in (entry.split() for entry in _TABLE.replace("\n", ";").split(";") if entry.strip())
}
_LETTERS = re.compile("|".join([*sorted(map(re.escape, _PHONES), key=len, reverse=True), "."]), re.DOTALL)
_STRESS_MARKS = "ˈ'"
# Secondary stress has no counterpart in the phone set; length and aspiration follow from the context.
_IGNORED = frozenset("ˌ.ːˑ ‿͜͡ʰ|̯̃̚˞")


def from_ipa(written: str) -> Pronunciation:
    """Return the phones of a word; the longest sequence of letters in the table is taken first, as "aɪ" or "tʃ".

    The vowel after a stress mark is stressed; in a word with one vowel, that one always is.

    :raises ValueError: naming the first character that has no phone in US English.
    """
    text = "".join(character for character in written.strip("/[] ") if character not in _IGNORED)
    phones: list[str] = []
    stressed = False
    for match in cancellable(_LETTERS.finditer(text)):
        if match[0] in _STRESS_MARKS:
            stressed = True
            continue
        if match[0] not in _PHONES:
            raise ValueError(f"{match[0]!r} stands for no phone of US English; use the letters of its transcriptions")
        for phone in _PHONES[match[0]]:
            phones.append(f"{phone}{int(stressed)}" if phone in VOWELS else phone)
            stressed = stressed and phone not in VOWELS
    vowels = [index for index, phone in enumerate(phones) if phone[-1] in "01"]
    if len(vowels) == 1:
        phones[vowels[0]] = phones[vowels[0]][:-1] + "1"
    return tuple(phones)
