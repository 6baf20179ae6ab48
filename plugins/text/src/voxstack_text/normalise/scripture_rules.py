"""Rules for chapter and verse, and the names of the books of the Bible."""
# ruff: noqa: RUF001 -- dashes that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.abbreviations import BOOKS
from voxstack_text.normalise.rule import IsKnown, Reading, Rule, alternatives, by_group, rule

_ORDINALS = {"1": "first", "2": "second", "3": "third", "I": "first", "II": "second", "III": "third"}


def _verse(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read "1 Cor. 13:4-7" as "first corinthians thirteen four to seven"."""
    last = f"to {numbers.cardinal(int(match['last']))}" if match["last"] else ""
    return by_group(
        match,
        part=_ORDINALS[match["part"]] if match["part"] else "",
        book=BOOKS[match["book"].rstrip(".")],
        chapter=numbers.cardinal(int(match["chapter"])),
        verse=numbers.cardinal(int(match["verse"])),
        last=last,
    )


RULES: tuple[Rule, ...] = (
    rule(
        rf"(?<![\w.,])(?:(?P<part>[1-3]|I{{1,3}}) )?(?P<book>(?:{alternatives(BOOKS)})\.?) "
        r"(?P<chapter>\d{1,3}):(?P<verse>\d{1,3})(?:[-–](?P<last>\d{1,3}))?(?![\w:]|\s?[ap]\.?m)",
        _verse,
    ),
)
"""Tried before the rules for abbreviations and for times of day."""
