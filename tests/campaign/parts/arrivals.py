"""Texts whole and in parts: the words and the sentences that are read depend on the text alone.

The first sentence of an arriving text is read in phrases, which are joined here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from typing import Any

import voxstack
from tests.campaign.parts._texts import parts, text
from tests.campaign.report import Report
from voxstack.errors import RequestError

FULL, SHORT, LIMIT = 10_000, 150, 30.0
LENGTHS = (20, 60, 150)  # characters; quotations that stay open for 500 may end at other places
MIXED = (
    "1. Apples|2) Pears|a) yes|Dr. Smith left at 5:30 p.m.|“Who are you?” she asked.|(see Fig. 3)|It was odd."
    "|He paid $1,234.56 in 1999, and 2,000 people came.|[[hh ax0 l ow1]] there|e.g. this|U.S.A.|日本語 です。"
    "|😀 😀|…|?!|—|1 000 000|No. 5|No. I will not.|Chapter IV.|pp. iv-x|A, B, C;|well: fine|Mr.|J. R. Tolkien|, ,|!!!"
    "|.NET is|10-20|$5|-3|a@b.co|<b>x</b>|end.Next|ok?Yes|«ça»|2024-05-01|# Title|> quoted|```|$x^2$|&amp;|Привет"
).split("|")


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    logging.getLogger("voxstack.text").setLevel(logging.ERROR)
    voice = voxstack.load("amber")
    for number, draw in report.each(cases):
        made = _mixed(draw) if number % 2 else text(draw, draw.choice(LENGTHS))
        whole, arriving = (_readings(voice, source) for source in (made, parts(draw, made)))
        report.count("same" if whole == arriving else "different")
        if whole[0] != arriving[0]:
            report.finding(f"other words: {made!r:.300}: {_difference(whole[0], arriving[0])}")
        elif whole[1] != arriving[1]:
            report.finding(f"other sentences: {made!r:.300}: {_difference(whole[1], arriving[1])}")


def _mixed(draw: Any) -> str:
    pieces = (draw.choice(MIXED) + draw.choice([" ", " ", " ", "", "\n", ". "]) for _ in range(draw.randint(1, 9)))
    return draw.choice(["", " "]).join(pieces)


def _readings(voice: voxstack.Voice, source: str | Iterator[str]) -> tuple[list[Any], list[Any]]:
    """Return the words with their places, and the sentences with theirs and their letters; errors count as words."""
    words: list[Any] = []
    sentences: list[Any] = []
    try:
        for reading in voice.read(source):
            words += [(word.start, word.end, word.spoken) for word in reading.words]
            letters = re.sub(r"\W", "", reading.text)
            if reading.kind == "phrase" and sentences and not sentences[-1][2]:
                sentences[-1] = [sentences[-1][0], sentences[-1][1] + letters, False]
            else:
                sentences.append([reading.start, letters, reading.kind == "sentence"])
    except RequestError as error:
        words.append(re.sub(r"\d+", "", str(error)))
    return words, [sentence[:2] for sentence in sentences]


def _difference(one: list[Any], other: list[Any]) -> str:
    index = next((index for index, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    index = min(len(one), len(other)) if index is None else index
    return f"{one[index : index + 3]} against {other[index : index + 3]}"
