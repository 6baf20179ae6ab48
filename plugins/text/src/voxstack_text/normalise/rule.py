"""Rules of the normaliser, and the patterns and readings that they share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from voxstack_text.normalise.first_characters import first_character

Reading = str | list[tuple[str, str]] | None
"""Reading of a match: the words for all of it, or (name of a group, its words) in order; None if a rule does not apply.

Words are separated by spaces; a comma among them is a pause.
"""

IsKnown = Callable[[str], bool]
"""A function that returns whether a lower-case word is in the lexicon."""

Reader = Callable[[re.Match[str], IsKnown], Reading]
"""A function that returns the reading of a match."""

COUNT = (
    r"(?:\d{1,3} \d{3}(?=\s?(?:km|kg|ha|mi|ft|lb|m|t|L|[€£$])(?!\w))"
    r"|\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?:['_]\d{3})+|\d{1,3}(?:\.\d{3}){2,}"
    r"|\d{1,3}(?: \d{3}){2,5}(?! ?\d)|\d+)"
)
"""A whole number, with or without separators between groups of digits, as they are written in several countries."""

NUMBER = rf"(?:{COUNT}(?:\.\d+)?|\.\d+)"
"""A number, with or without decimals."""

EURO_NUMBER = r"(?:\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?|\d+,\d{2})(?![,.]?\d)"
"""A number with periods between thousands or a decimal comma, as it is certain only in an amount of money."""

DIGITS = r"[\d.,'_]+"
"""Characters of a number: a look ahead over them costs less than a number that nothing fitting follows."""

NUMBER_START = r"(?<![\w.,])"
"""The position before a number: nothing before it belongs to the number."""

NUMBER_END = r"(?![\w])(?!,\d|\.\d)"
"""The position after a number: nothing after it belongs to the number."""

LOOKBEHIND = 40
"""Characters that a rule looks back at most, so that reading time per word does not grow with the text."""

_ARTICLE_BEFORE = re.compile(r"\b(?:an?|the|this|that|every)\s+$", re.IGNORECASE)
_NOUN_AFTER = re.compile(
    r"-[a-z]|\s+(?!(?:an?|per|or|and|in|to|of|for|at|on|from|each|every|is|was|are|were|by|with|if|when|as|that|than|between"
    r"|before|after|away|ahead|above|below|behind|long|wide|high|deep|tall|ago|had|has|have|will|would|they|we|you|he|she|it"
    r"|i|into|over|under|through|across|around|up|down|left|so|but|which|who|went|took|came|made|got|gave|lasted|costs?|should|must|can|could|may|later|earlier|apart|out|off|back)\b)[a-z]{2,}"
)


@dataclass(frozen=True)
class Rule:
    """A pattern that is tried where a token may begin, and the function that reads its matches.

    :param source: of the pattern, which is compiled when a text has a character that a match may begin with.
    :param first: matches these characters.
    """

    source: str
    flags: int
    read: Reader
    first: re.Pattern[str]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.source, self.flags)


def rule(pattern: str, read: Reader, flags: int = 0) -> Rule:
    """Return a rule from the source of its pattern."""
    return Rule(pattern, flags, read, first_character(pattern, flags))


def always(words: str) -> Reader:
    """Return the function of a rule whose matches are all read as the same words."""
    return lambda match, is_known: words


def alternatives(words: Iterable[str]) -> str:
    """Return a pattern that matches any of these words, longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def text_before(match: re.Match[str], limit: int = LOOKBEHIND) -> str:
    """Return the text before a match, at most ``limit`` characters."""
    return match.string[max(0, match.start() - limit) : match.start()]


def by_group(match: re.Match[str], **words: str) -> list[tuple[str, str]]:
    """Return a reading by groups, without the groups that did not match or have no words."""
    return [(name, spoken) for name, spoken in words.items() if match[name] is not None and spoken]


def is_attributive(match: re.Match[str]) -> bool:
    """Return whether a measure describes a noun: an article is before it and a noun after it, as in "a $20 bill"."""
    return bool(_ARTICLE_BEFORE.search(text_before(match)) and _NOUN_AFTER.match(match.string, match.end()))


def spelled(letters: str) -> str:
    """Return letters as their names: "fbi" as "F B I"."""
    return " ".join(letters.upper())


def word_or_letters(letters: str, is_known: IsKnown) -> str:
    """Return letters of a name or an address as a word if they look like one, otherwise spelled."""
    vowels = re.search("[aeiouy]", letters.lower())
    likely = is_known(letters.lower()) or len(letters) > 4
    if len(letters) > 1 and vowels and likely and not (letters.isupper() and len(letters) < 3):
        return letters.lower()
    return spelled(letters)
