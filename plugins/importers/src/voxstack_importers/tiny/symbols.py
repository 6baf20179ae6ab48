"""The tokens of tiny-tts, which its files do not contain: the English ones and the marks of MeloTTS."""

from __future__ import annotations

BLANK, TONE, LANGUAGE = 0, 7, 2
"""The token between all others; the first tone of English, which marks have; and its number."""

_PHONES = (
    "aa 21 ae 22 ah 23 ao 27 aw 28 ay 29 b 30 ch 33 d 34 dh 35 eh 39 er 43 ey 44 f 45 g 46 hh 49 ih 59 iy 65 jh 67 "
    "k 68 l 70 m 71 n 73 ng 74 ow 80 oy 81 p 82 r 85 s 87 sh 88 t 89 th 90 uh 99 uw 103 v 14 w 108 y 110 z 111 zh 112"
).split()
_MARKS = "!?…,.'-¿¡"

SYMBOLS = {
    **{phone: int(token) for phone, token in zip(_PHONES[::2], _PHONES[1::2], strict=True)},
    **{mark: 208 + index for index, mark in enumerate(_MARKS)},
}
"""The token of each phone, in lower case and without stress, and of each mark."""
