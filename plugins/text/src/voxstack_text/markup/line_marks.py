"""Marks at the starts of lines: of headings, items of lists, tables, rules, code and definitions."""

from __future__ import annotations

import re
from typing import NamedTuple

from voxstack_text.markup.scanner import Scanner

LONGEST_MARK = 200  # characters of a rule, or of blanks, that count as such
REST = re.compile(r"[^\n\r]*")
_HEADING = re.compile(r"(?:#(?=[ \t]+(?:(?:\d+[.)][ \t]+)?[^\s\d]|\d{4}[ \t]|\d+[ \t]+[A-Z]))|#{2,6}(?=[ \t]))[ \t]+")
_HEADING_START = re.compile(r"#{1,6}(?:[ \t]+(?:\d{1,20}[.)]?)?[ \t]*)?")
_BULLETS = "-*+•◦▪‣·●○■□☐☑☒✓✔✗✘✅❌"
_BULLET = re.compile(rf"[{_BULLETS}][ \t]+(?:\[[ xX]\](?=[ \t])[ \t]*)?")
_BULLET_START = re.compile(rf"[{_BULLETS}](?:[ \t]+(?:\[(?:[ xX]\]?)?)?)?[ \t]*")
_NUMBER = re.compile(r"(?P<number>\d{1,3}|[ivx]{2,4}|[A-Za-z](?!\.[ \t]+\d))[.)][ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_NUMBER_START = re.compile(r"(?:\d{1,3}|[ivx]{2,4}|[A-Za-z])(?:[.)][ \t]*(?:\[(?:[ xX](?:\][ \t]*)?)?)?)?")
_RULE = re.compile(r"[|:+ \t]*(?:[-*_=][|:+ \t]*){3,}(?=[\n\r]|$)|[ \t]*\|[ \t:]*(?:-[|: \t]*)+(?=[\n\r]|$)")
_RULE_START = re.compile(r"[-*_=|:+ \t]*")
_FENCE = re.compile(r"(?:`{3,}|~{3,})[ \t]*(?=[^`\s]*[ \t]*(?:\{[^}\n]*\})?[ \t]*(?:[\n\r]|$))")
_REFERENCE = re.compile(r"\[(?!\^)[^\[\]\n\r]{1,100}\]:[ \t]*(?P<target>(?:https?://|[/.#<])\S*)?[^\n\r]*(?=[\n\r]|$)")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,100}\]:[ \t]*")


class Mark(NamedTuple):
    """The mark at the start of a line: the kind of the line, the end of the mark, and what of it is read.

    :param reads: start and end of what is read, such as the number of an item.
    """

    kind: str
    end: int
    reads: tuple[int, int] | None = None


def find_mark(scanner: Scanner, position: int) -> Mark | None:
    """Return the mark of a line, or None while it is unknown."""
    character = scanner.text[position : position + 1]
    if character in tuple("-*_=|:+") and (rule := _whole(_RULE_START, scanner, position)) is not False:
        if rule is None:
            return None
        return Mark("rule", rule)
    if character == "#":
        return _pattern_mark("heading", _HEADING, _HEADING_START, scanner, position)
    if character in _BULLETS:
        return _pattern_mark("item", _BULLET, _BULLET_START, scanner, position)
    if character in tuple("`~"):
        return _fence(scanner, position)
    if character == "|":
        return Mark("table", position + 1)
    if character == "[":
        return _definition(scanner, position)
    if character.isascii() and character.isalnum():
        return _number(scanner, position)
    return Mark("text", position)


def _whole(start: re.Pattern[str], scanner: Scanner, position: int) -> int | bool | None:
    """Return the end of a line that is a rule; None while that is unknown, False for other lines."""
    end = match_end(start, scanner, position)
    if end - position > LONGEST_MARK:
        return False
    if scanner.is_short(end, 1):
        return None
    found = _RULE.match(scanner.text, position)
    return found.end() if found else False


def _pattern_mark(
    kind: str, pattern: re.Pattern[str], start: re.Pattern[str], scanner: Scanner, position: int
) -> Mark | None:
    end = match_end(start, scanner, position)
    if end - position >= LONGEST_MARK:
        return Mark("text", position)
    if scanner.is_short(end, 2):
        return None
    found = pattern.match(scanner.text, position)
    return Mark(kind, found.end()) if found else Mark("text", position)


def _number(scanner: Scanner, position: int) -> Mark | None:
    """Return the mark of a line that may begin with the number of an item."""
    end = match_end(_NUMBER_START, scanner, position)
    if end - position >= LONGEST_MARK:
        return Mark("text", position)
    if scanner.is_short(end, 1):
        return None
    found = _NUMBER.match(scanner.text, position)
    if not found or not _may_be_item(scanner, found["number"], found[0]):
        return Mark("text", position)
    return Mark("item", found.end(), found.span("number"))


def _may_be_item(scanner: Scanner, number: str, mark: str) -> bool:
    """Return whether an item with a number may be here: a first one anywhere, others not inside a paragraph."""
    kind = scanner.paragraph.kind
    if number.isupper() and "." in mark and number != "A":  # it may be an initial
        return kind == "item"
    return kind != "text" or number in ("0", "1", "a", "A", "i") or scanner.out.tail.rstrip()[-1:] == ":"


def _fence(scanner: Scanner, position: int) -> Mark | None:
    rest = match_end(REST, scanner, position)
    if scanner.text[position : position + 3].strip(scanner.text[position]) or rest - position >= LONGEST_MARK:
        return Mark("text", position)
    if scanner.is_short(rest, 1):
        return None
    found = _FENCE.match(scanner.text, position)
    if not found:
        return Mark("text", position)
    scanner.fence = found[0]
    return Mark("rule", rest)


def _definition(scanner: Scanner, position: int) -> Mark | None:
    """Return the mark of a line that may define a reference or a footnote."""
    rest = match_end(REST, scanner, position)
    if rest - position >= 10 * LONGEST_MARK:
        return Mark("text", position)
    if scanner.is_short(rest, 1):
        return None
    reference, footnote = (pattern.match(scanner.text, position) for pattern in (_REFERENCE, _FOOTNOTE))
    if reference and (scanner.dialect.is_strict or reference["target"]):
        return Mark("rule", reference.end())
    return Mark("item", footnote.end()) if footnote else Mark("text", position)


def match_end(pattern: re.Pattern[str], scanner: Scanner, position: int) -> int:
    """Return the end of a match at a position; without one, the position."""
    found = pattern.match(scanner.text, position)
    return found.end() if found else position
