"""Texts as people, programs and language models write them, and as nobody does."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

# ruff: noqa: RUF001, RUF005, E501 -- texts of all kinds are the subject
from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

SCRIPTS = [
    (0x20, 0x7F), (0xA0, 0x180), (0x370, 0x400), (0x400, 0x530), (0x531, 0x590), (0x591, 0x5F5), (0x600, 0x700),
    (0x900, 0x980), (0xE00, 0xE60), (0x1100, 0x1200), (0x1E00, 0x2000), (0x2000, 0x2070), (0x2070, 0x20D0),
    (0x2100, 0x2200), (0x2200, 0x2300), (0x2500, 0x2600), (0x2700, 0x27C0), (0x3040, 0x3100), (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A4), (0xD800, 0xE000), (0xE000, 0xF900), (0xFB00, 0xFB07), (0xFDF0, 0xFE00), (0xFE20, 0xFF60),
    (0x1D400, 0x1D800), (0x1F300, 0x1FAF0), (0x00, 0x20), (0x300, 0x370), (0x200B, 0x2010), (0x1F1E6, 0x1F200),
]  # fmt: skip
"""Ranges of code points: scripts, signs, surrogates, controls, marks that combine, flags."""

WORDS = (
    "the river and garden he said that old kettle was there in 1985 Dr. Smith U.S. don't it's dogs' \"no\" “yes” vs. "
    "O'Neill naïve café well-known A I a.m. St. Louis NASA iPhone VIII chapter IV supercalifragilistic xkcdqw zzz"
).split()
SIGNS = list(" .,;:!?-–—…'\"“”‘’«»()[]{}<>*_~`#@&%$€£°^+=/\\|•·™®©§¶†×÷±≤≥≠≈√∞→½²³\t\n") + ["\n\n", "--", "...", "\r\n"]
SIGNS += ["[[", "]]", "\u200d", "\ufe0f", "\u0301", "\u00a0", "\u2028", "\u202e", "\x00", "\x1b[0m", "\ufeff", "\ua66e"]
NUMBERS = (
    "7 42 1,234 3.14 $3.50 €1,200.50 £5m 50% 1/2 2½ 24/7 5'10\" 5 km/s 10-12 5–7 1985 '90s 1990s 2021-07-04 7/4/2021 "
    "5:30pm 17:45:10 +1 (555) 010-9999 555-1234 v1.2.3 3.10.4 A380 1080p 4K 1st 22nd IV XVIII MMXX 10,000,000 007 -5.5 "
    "9:3 4x 3×4 2^10 x² -40°F 192.168.0.1 ISBN 978-3-16 90210-1234 No.5 #1 1e9 0x1F 100000000000000000000 ٣ ½ Ⅷ ①"
).split(" ")
ADDRESSES = (
    "https://www.example.com/a/b.html?c=d&e=f#g me.you+z@mail.example.co.uk www.a-b.org example.com @voxstack #NoFilter "
    "/usr/local/bin C:\\Temp\\x.txt mailto:a@b.de ftp://x 192.168.1.1:8080 file.tar.gz user@host a@b.c.d.e.f "
    "https://例え.jp/漢字 http://a,b;c"
).split()
MARKDOWN = (
    "# Heading|## 1. Second|- item|* **bold** item|1. first|2) second|> quoted|---|***|| a | b ||| --- | :-: |||```python\n"
    "x = f(y)[0]\n```|`code`|[link](https://a.b/c)|![image](x.png)|~~gone~~|- [ ] to do|[^1]: note|<br/>|&nbsp;|\n\n|***a***"
    '|__b__|$$E = mc^2$$|\\(a+b\\)|{"key": [1, null]}|2024-01-01T00:00:00Z INFO x|:-)|:(|(1) one (2) two|• bullet\n'
).split("|")
PHONES = "aa1 ae0 hh ow1 l ax s ey1 n t iy r k".split()
UNCLOSED = ["“a. ", '"b, ', "(c. ", "[d ", "[[", "[[aa ", "‘e ", "«f. ", "<g. ", "`h ", "{i ", "（", "「", "„"]


def text(draw: Random, longest: int) -> str:
    """Return a text of about ``longest`` characters at most."""
    makers = draw.choices(list(MAKERS), list(MAKERS.values()), k=draw.choice([1, 1, 2, 4, 8]))
    wanted = draw.randint(1, longest)
    parts: list[str] = []
    size = 0
    while size < wanted:
        parts.append(draw.choice(makers)(draw, wanted - size))
        parts.append(draw.choice(["", " ", " ", " ", ". ", ", ", "\n", "\n\n"]))
        size += len(parts[-1]) + len(parts[-2]) + 1
    return "".join(parts)


def _sentence(draw: Random, room: int) -> str:
    words = draw.choices(WORDS + NUMBERS[:8], k=draw.randint(1, 20))
    return " ".join(words).capitalize() + draw.choice(". . . ! ? , : ; ".split(" "))


def _script(draw: Random, room: int) -> str:
    first, last = draw.choice(SCRIPTS)
    words = (
        "".join(chr(draw.randrange(first, last)) for _ in range(draw.randint(1, 9))) for _ in range(draw.randint(1, 8))
    )
    return draw.choice(["", " "]).join(words)


def _joined(parts: list[str]) -> Callable[[Random, int], str]:
    def make(draw: Random, room: int) -> str:
        return draw.choice(["", " ", " ", ", ", "\n"]).join(draw.choices(parts, k=draw.randint(1, 9)))

    return make


def _repeated(draw: Random, room: int) -> str:
    """Return a short unit again and again: what makes patterns go back, and windows search in vain."""
    pool = draw.choice(
        [SIGNS, SIGNS + list("aA1bx"), NUMBERS, UNCLOSED, WORDS, [chr(draw.randrange(*draw.choice(SCRIPTS)))]]
    )
    unit = "".join(draw.choices(pool, k=draw.randint(1, 3))) + draw.choice(["", "", " "])
    return unit * draw.randint(1, max(1, min(room, draw.choice([10, 100, 3000])) // max(1, len(unit))))


def _long_word(draw: Random, room: int) -> str:
    letters = draw.choice(
        ["abc", "x", "0123456789", "aeioust'", "A", "IVXLCDM", "aB1", "é漢я", "a-", "a.", "a_", "a1,"]
    )
    return "".join(draw.choices(letters, k=draw.randint(1, max(1, min(room, 2000)))))


def _phones(draw: Random, room: int) -> str:
    many = draw.choice([1, 3, 8, max(1, min(room, 1500) // 4)])
    names = draw.choices([*PHONES, "xx"] if draw.random() < 0.1 else PHONES, k=many)
    return draw.choice(["[[", "[[", "[[", "[", "[[["]) + " ".join(names) + draw.choice(["]]", "]]", "]]", "]", ""])


def _marks(draw: Random, room: int) -> str:
    """Return letters with many combining marks, and sequences of emoji."""
    if draw.random() < 0.5:
        return "".join(
            chr(draw.randrange(0x300, 0x36F)) if draw.random() < 0.8 else draw.choice("aeo ") for _ in range(40)
        )
    return "\u200d".join(chr(draw.randrange(0x1F466, 0x1F4FF)) for _ in range(draw.randint(1, 9))) + "\ufe0f"


MAKERS: dict[Callable[[Random, int], str], float] = {
    _sentence: 6, _script: 3, _repeated: 3, _long_word: 1, _phones: 1, _marks: 1, _joined(NUMBERS): 2,
    _joined(ADDRESSES): 1, _joined(MARKDOWN): 2, _joined(SIGNS): 2, _joined(UNCLOSED): 1, _joined(WORDS): 2,
}  # fmt: skip
"""Functions that make a stretch of a text, with their weights."""


def parts(draw: Random, whole: str) -> Iterator[str]:
    """Yield a text in parts, cut anywhere, some of them empty."""
    longest = draw.choice([1, 3, 8, 40, 200, 5000])
    start = 0
    while start < len(whole):
        size = draw.randint(0 if draw.random() < 0.1 else 1, longest)
        yield whole[start : start + size]
        start += size
