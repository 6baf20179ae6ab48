"""First characters of the matches of a pattern, by which few rules remain to be tried at each position of a text."""

from __future__ import annotations

import re
from functools import cache

_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_GROUP = re.compile(r"\((?!\?)|\(\?(?::|P<\w+>)")
_ONE_CHARACTER = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\[^\dbB]|[^\\()\[\]|*+?{}^$]", re.DOTALL)
_QUANTIFIER = re.compile(r"[*+?]\??|\{\d*,?\d*\}\??")
_NO_FIRST = re.compile(r"[\^$]|\\[bB]|\(\?P=\w+\)")  # a group that is repeated was first before

Firsts = tuple[list[str], bool, int]
"""Patterns of the first character, whether there may be none, and the index after what they come from."""


def first_character(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern of one character that matches all that a match of the pattern ``source`` may begin with.

    :raises ValueError: for syntax that no rule uses so far, and for a pattern that matches nothing at all.
    """
    patterns, may_be_empty, end = _alternatives(source, 0)
    if may_be_empty or end < len(source):
        raise ValueError(f"cannot read {source!r} from {source[end:]!r} on; write it with groups, classes and letters")
    singles = [pattern for pattern in patterns if len(pattern) == 1]
    classes = "".join(f"|{pattern}" for pattern in dict.fromkeys(patterns) if len(pattern) > 1)
    return _compiled(f"[{''.join(sorted(set(singles)))}]{classes}" if singles else classes[1:], flags)


@cache
def _compiled(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


def _alternatives(source: str, start: int) -> Firsts:
    patterns, may_be_empty, end = _sequence(source, start)
    while source.startswith("|", end):
        more, empty, end = _sequence(source, end + 1)
        patterns, may_be_empty = patterns + more, may_be_empty or empty
    return patterns, may_be_empty, end


def _sequence(source: str, start: int) -> Firsts:
    patterns: list[str] = []
    may_be_empty, end = True, start
    while end < len(source) and source[end] not in "|)":
        more, empty, end = _item(source, end)
        quantifier = _QUANTIFIER.match(source, end)
        if quantifier:
            empty, end = empty or quantifier[0].startswith(("*", "?", "{0", "{,")), quantifier.end()
        if may_be_empty:
            patterns, may_be_empty = patterns + more, empty
    return patterns, may_be_empty, end


def _item(source: str, start: int) -> Firsts:
    no_first = _NO_FIRST.match(source, start)
    if no_first:
        return [], True, no_first.end()
    look_around = _LOOK_AROUND.match(source, start)
    group = look_around or _GROUP.match(source, start)
    if group:
        patterns, may_be_empty, end = _alternatives(source, group.end())
        return ([], True, end + 1) if look_around else (patterns, may_be_empty, end + 1)
    one = _ONE_CHARACTER.match(source, start)
    if one is None:
        raise ValueError(
            f"cannot read {source!r} from {source[start:]!r} on; write it with groups, classes and letters"
        )
    return [one[0]], False, one.end()
