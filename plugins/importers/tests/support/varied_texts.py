"""Texts of many kinds and lengths, drawn by a seed."""

from __future__ import annotations

import random
import string

WORDS = (
    "the old bridge across river was closed for repairs last winter and nobody knows when it will open again please "
    "leave your muddy boots outside kitchen door she bought three pounds of fresh apples at market this morning we "
    "watched children play football in park until dark he could not remember where had parked committee meet on "
    "Thursday afternoon to look plans new library who would like speak should send short letter before noon captain "
    "took his chair out terrace lit pipe began tell about ice that sang night under weight moving water Xanthiphane "
    "Brzezowska phthisis strengths queue colonel rhythm thoroughly"
).split()

LONG_WORDS = (
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "pneumonoultramicroscopicsilicovolcanoconiosis" * 4,
    "a" * 180,
)


def varied_texts(count: int, longest: int = 60, seed: int = 0) -> list[str]:
    """Return texts of 1 to ``longest`` words, among them single letters, digits and very long words."""
    draw = random.Random(seed)
    special = [*string.ascii_lowercase[:12], "7", "42", "1985", "3.14", "1,000,000", "%", "½", "I", "A.", "No!"]
    special += [*LONG_WORDS, "123456789012345", "1234567890 " * 12, "Dr. Who?", "wait", "Hm.", "(yes)"]
    texts = [special[number] for number in range(min(len(special), count // 5))]
    while len(texts) < count:
        size = 1 + len(texts) * 37 % longest
        texts.append(_sentence(draw, size))
    return texts


def _sentence(draw: random.Random, size: int) -> str:
    """Return a text of so many words: one sentence or several, with punctuation or without any."""
    words = [draw.choice(WORDS) for _ in range(size)]
    if draw.random() < 0.3:
        words[draw.randrange(size)] = str(draw.randrange(10 ** draw.randint(1, 7)))
    mark, stop = draw.choice((0.0, 0.1, 0.25)), draw.choice((0.0, 0.0, 0.08))
    for number in range(size - 1):
        chance = draw.random()
        words[number] += draw.choice(".?!") if chance < stop else draw.choice(",,;:") if chance < stop + mark else ""
    return (" ".join(words) + draw.choice((".", "?", "!", "", "…"))).capitalize()
