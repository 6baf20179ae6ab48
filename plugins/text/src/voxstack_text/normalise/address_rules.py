"""Rules for web and e-mail addresses."""

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import IsKnown, Reading, Rule, rule, word_or_letters
from voxstack_text.normalise.symbol_names import ADDRESS_SYMBOLS

ADDRESS_WORDS = {"uk": "U K", "co": "co", "gov": "gov"}
"""Parts of addresses that look like a word but are spelled, or the other way around."""

_DOMAINS = (
    "com|org|net|edu|gov|mil|io|dev|app|info|biz|uk|de|fr|eu|jp|ca|au|nz|ch|at|se|nl|tv|js|py|txt|pdf|html|csv|json|md|exe"
    "|zip|png|jpg|doc"
)


def _address(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read an address or the path of a file, as far as the pattern takes it."""
    spoken = []
    for run in re.findall(r"[A-Za-z]+|\d+|[^A-Za-z\d]", match["address"]):
        if run.isdigit():
            spoken.append(numbers.amount(run) if len(run) < 3 else numbers.model_number(run))
        elif run.isalpha() and run.isascii():
            spoken.append(ADDRESS_WORDS.get(run) or word_or_letters(run, is_known))
        else:
            spoken.append(ADDRESS_SYMBOLS.get(run, ""))
    possessive = ("possessive" in match.re.groupindex and match["possessive"]) or ""
    return " ".join(filter(None, spoken)) + possessive


def _dot(match: re.Match[str], is_known: IsKnown) -> Reading:
    return "dot net" if match[0] == ".NET" else "dot"


RULES: tuple[Rule, ...] = (
    rule(r"(?:mailto:)?(?P<address>[\w.+-]+@[\w-]+(?:\.[A-Za-z\d-]+)+)", _address),
    rule(r"https?://(?P<address>[^\s<>\"]*[\w/])", _address, re.IGNORECASE),
    rule(r"(?P<address>[A-Za-z][A-Za-z\d+.-]*://[^\s<>\"]*[\w/])", _address),
    rule(r"(?P<address>[A-Za-z]:\\(?:[\w.$-]+\\?)*)", _address),
    rule(r"(?<![\w/.])(?P<address>/(?:[\w.-]+/)+[\w.-]*[\w/])", _address),
    rule(r"(?<=[A-Za-z])\.NET(?!\w)|(?<![^\s(\"'`])\.(?=[a-z]{2,12}(?!\w)|NET(?!\w))", _dot),
    rule(r"(?P<address>www\.[^\s<>\"]*[\w/])", _address, re.IGNORECASE),
    rule(rf"(?P<address>(?:[A-Za-z\d-]+\.)+(?:{_DOMAINS})(?![\w])(?:/[^\s<>\"]*[\w/])?)(?P<possessive>'s)?", _address),
)
"""Tried in this order, before all others: dots and digits of an address are not part of a number."""
