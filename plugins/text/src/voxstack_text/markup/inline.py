"""Marks inside lines: emphasis, links, code and cells of tables, in Markdown and in plain text."""

from __future__ import annotations

import re

from voxstack_text.markup.scanner import Scanner

_LONGEST_LABEL, _LONGEST_TARGET, _LONGEST_CODE, _LONGEST_PHONES = 400, 2000, 400, 500
_LONGEST_RUN = 64
_DEEPEST = 8  # brackets in brackets
_STARS, _UNDERSCORES, _TICKS = (re.compile(rf"{mark}{{1,{_LONGEST_RUN}}}") for mark in (r"\*", "_", "`"))
_BLANKS = r"[ \t]*(?:\r?\n[ \t]*)?"
_TARGET = re.compile(
    rf"\({_BLANKS}(?:<[^<>\n]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)"
    rf"(?:{_BLANKS}(?<=\s)(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?{_BLANKS}\)"
)
_NOT_OPENING = tuple("=*/)]},.;:!?")


def newline(scanner: Scanner, position: int) -> int | None:
    """Handle a line end."""
    if scanner.text[position] == "\r":
        if scanner.is_short(position, 2):
            return None
        return scanner.end_line(position, position + 1 + (scanner.text[position + 1 : position + 2] == "\n"))
    return scanner.end_line(position, position + 1)


def stars(scanner: Scanner, position: int) -> int | None:
    """Handle asterisks, which may be emphasis: before a word, and after one."""
    return _emphasis(scanner, position, _STARS)


def underscores(scanner: Scanner, position: int) -> int | None:
    """Handle underscores, which may be emphasis around a word, not in it."""
    return _emphasis(scanner, position, _UNDERSCORES)


def _emphasis(scanner: Scanner, position: int, pattern: re.Pattern[str]) -> int | None:
    found = pattern.match(scanner.text, position)
    assert found is not None
    end = found.end()
    if scanner.is_short(end, 1) and end - position < _LONGEST_RUN:
        return None
    before, after = scanner.before(position), scanner.text[end : end + 1]
    marks = scanner.paragraph.marks
    inside = before.isalnum() and after.isalnum() and (found[0][0] == "_" or (before + after).isdigit())
    if before and not before.isspace() and not inside and found[0] in marks:
        marks.remove(found[0])
        return end
    opens = after and not after.isspace() and not before.isalnum() and after not in _NOT_OPENING
    if opens and len(marks) < _LONGEST_RUN:
        marks.append(found[0])
        return end
    return scanner.copy(position, end)


def tildes(scanner: Scanner, position: int) -> int | None:
    """Handle a tilde: two strike words out, and one after a letter, in LaTeX, is a space."""
    if scanner.is_short(position, 3):
        return None
    text, before = scanner.text, scanner.before(position)
    if text.startswith("~~", position):
        return position + 2
    after = text[position + 1 : position + 2]
    if (before.isalpha() or before == ".") and (after.isalnum() or after in tuple("\\$")) and after:
        return scanner.replace(" ", position, position + 1)
    return scanner.copy(position, position + 1)


def ticks(scanner: Scanner, position: int) -> int | None:
    """Handle backquotes: code is read as it is."""
    found = _TICKS.match(scanner.text, position)
    assert found is not None
    end = found.end()
    if scanner.is_short(end, 1) and end - position < _LONGEST_RUN:
        return None
    closing = re.compile(rf"(?<!`){found[0]}(?!`)|\n[ \t]*\n" + ("|''" if len(found[0]) == 2 else ""))
    close = closing.search(scanner.text, end, end + _LONGEST_CODE)
    if (close is None or close.end() == len(scanner.text)) and scanner.is_short(end, _LONGEST_CODE):
        return None
    if close is not None and close[0] == found[0]:
        scanner.copy(end, close.start())
        return close.end()
    return end if close is not None and close[0] == "''" else scanner.copy(position, end)


def bracket(scanner: Scanner, position: int) -> int | None:
    """Handle an opening square bracket, which may begin a link, an image, a footnote or phones."""
    text = scanner.text
    if scanner.is_short(position, 3):
        return None
    if text.startswith("[[", position) and (phones := _phones_end(scanner, position)) != 0:
        return phones if phones is None else scanner.copy(position, phones)
    end = _label_end(scanner, position)
    if end is None:
        return None
    if end == 0:
        return scanner.copy(position, position + 1)
    if text[position + 1] == "^" and not any(map(str.isspace, text[position:end])):
        return end + 1
    if scanner.is_short(end, 2):
        return None
    return _link(scanner, position, end)


def _phones_end(scanner: Scanner, position: int) -> int | None:
    """Return the end of phones between double square brackets, 0 for a link there, or None while that is unknown."""
    end = scanner.text.find("]]", position, position + _LONGEST_PHONES)
    if scanner.is_short(position if end < 0 else end, _LONGEST_PHONES if end < 0 else 3):
        return None
    return 0 if end < 0 or scanner.text.find("](", position, end + 3) >= 0 else end + 2


def _label_end(scanner: Scanner, position: int) -> int | None:
    """Return the bracket that closes a label, 0 if it is not near, or None while that is unknown."""
    depth = 0
    for found in _BRACKET.finditer(scanner.text, position, position + _LONGEST_LABEL):
        if found[0] == "[":
            depth += 1
            if depth > _DEEPEST:
                return 0
        elif found[0] == "]":
            depth -= 1
            if depth == 0:
                return found.start()
        elif len(found[0]) > 2:
            return 0
    return None if scanner.is_short(position, _LONGEST_LABEL) else 0


_LETTER = re.compile(r"[^\W\d_]")
_BRACKET = re.compile(r"\[|\]|\\.|\n[ \t]*\n")


def _link(scanner: Scanner, position: int, end: int) -> int | None:
    """Read the label of a link, and skip the rest."""
    text, after = scanner.text, end
    if text.startswith("(", end + 1):
        target = _TARGET.match(text, end + 1, end + 1 + _LONGEST_TARGET)
        if target is None and scanner.is_short(end + 1, _LONGEST_TARGET) and not _fails(text, end + 1):
            return None
        after = target.end() if target else end
    elif text.startswith("[", end + 1) and (scanner.dialect.is_strict or _LETTER.search(text, position, end)):
        closing = text.find("]", end + 1, end + _LONGEST_LABEL)
        if closing < 0 and scanner.is_short(end, _LONGEST_LABEL):
            return None
        after = closing + 1 if closing >= 0 else end
    elif scanner.dialect.is_strict and not scanner.before(position).isalnum():
        after = end + 1
    if after == end:
        return scanner.copy(position, position + 1)
    scanner.skips[scanner.base + end] = scanner.base + after
    return position + 1


def _fails(text: str, opening: int) -> bool:
    """Return whether what follows cannot be the target of a link, whatever comes next."""
    return _NO_TARGET.match(text, opening) is not None


_NO_TARGET = re.compile(rf"\({_BLANKS}[^\s()<]+\s+[^\s\"'()]|\([^()]*\n[ \t]*\n")


def closing_bracket(scanner: Scanner, position: int) -> int | None:
    """Handle a closing square bracket, after which the target of a link is skipped."""
    end = scanner.skips.pop(scanner.base + position, None)
    return scanner.copy(position, position + 1) if end is None else end - scanner.base


def exclamation(scanner: Scanner, position: int) -> int | None:
    """Handle an exclamation mark, which may begin an image."""
    if scanner.is_short(position, 2):
        return None
    if not scanner.text.startswith("![", position) or scanner.before(position).isalnum():
        return scanner.copy(position, position + 1)
    end = _label_end(scanner, position + 1)
    if end is None or scanner.is_short(end, 2):
        return None
    is_image = end and scanner.text[end + 1 : end + 2] in tuple("([")
    return position + 1 if is_image else scanner.copy(position, position + 1)


def bar(scanner: Scanner, position: int) -> int | None:
    """Handle a vertical bar, which separates the cells of a table."""
    if scanner.paragraph.kind == "table" or (scanner.dialect.is_strict and scanner.before(position).isspace()):
        scanner.out.pause(scanner.base + position)
        return scanner.replace(" ", position, position + 1)
    return scanner.copy(position, position + 1)
