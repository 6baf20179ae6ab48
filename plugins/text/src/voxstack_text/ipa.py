"""The International Phonetic Alphabet as phones of the voice, for US English."""
# ruff: noqa: RUF001 -- letters that look alike are what this is about

from __future__ import annotations

from voxstack_text.pronunciation.symbols import VOWELS, Pronunciation

_TABLE = """
ɑ aa; ɑɹ aa r; a aa; ɒ ao; æ ae; ʌ ah; ɐ ah; ɔ ao; ɔɹ ao r; aʊ aw; aw aw; ə ax; ɨ ih; ᵻ ih; aɪ ay; aj ay; ɛ eh; e eh; ɛɹ eh r
ɝ er; ɜ er; ɚ er; əɹ er; ɜɹ er; eɪ ey; ej ey; ɪ ih; i iy; ɪɹ ih r; oʊ ow; əʊ ow; ow ow; o ow; ɔɪ oy; ɔj oy; ʊ uh; ʊɹ uh r; u uw; ʉ uw
b b; tʃ ch; ʧ ch; d d; ð dh; f f; g g; ɡ g; h hh; ɦ hh; dʒ jh; ʤ jh; k k; x k; l l; ɫ l; m m; n n; ŋ ng; p p; ɹ r; r r; ɻ r; s s; ʃ sh
t t; ɾ d; ʔ t; θ th; v v; w w; ʍ w; j y; z z; ʒ zh; n̩ ax n; m̩ ax m; l̩ ax l; ɫ̩ ax l; ju y uw
"""
_PHONES = {
    ipa: tuple(phones)
    for ipa, *phones in (entry.split() for entry in _TABLE.replace("\n", ";").split(";") if entry.strip())
}
_LONGEST = max(map(len, _PHONES))
_STRESS = "ˈ'"
_WITHOUT_SOUND = frozenset(
    "ˌ.ːˑ ‿͜͡ʰ|̯̃̚˞"
)  # secondary stress is none to this voice; length and aspiration follow by themselves


def from_ipa(written: str) -> Pronunciation:
    """Return a word's phones: of several readings of its beginning the longest, as in "aɪ" or "tʃ".

    The vowel behind a stress mark is stressed; in a word of one vowel, that one.

    :raises ValueError: for a character that stands for no phone of US English, with its name.
    """
    text = "".join(character for character in written.strip("/[] ") if character not in _WITHOUT_SOUND)
    made: list[str] = []
    stressed = False
    while text:
        if text[0] in _STRESS:
            stressed, text = True, text[1:]
            continue
        length = next((size for size in range(_LONGEST, 0, -1) if text[:size] in _PHONES), 0)
        if not length:
            raise ValueError(f"{text[0]!r} stands for no phone of US English")
        for phone in _PHONES[text[:length]]:
            made.append(f"{phone}{int(stressed)}" if phone in VOWELS else phone)
            stressed = stressed and phone not in VOWELS
        text = text[length:]
    vowels = [at for at, phone in enumerate(made) if phone[-1] in "01"]
    if len(vowels) == 1:
        made[vowels[0]] = made[vowels[0]][:-1] + "1"
    return tuple(made)
