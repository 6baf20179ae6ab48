"""Starts of lines: headings, items of lists, quotations, tables, rules and code, in Markdown and in plain text."""
# ruff: noqa: RUF001 -- signs that look alike are the subject here

from __future__ import annotations

import re
from typing import NamedTuple

from voxstack_text.markup.line_ends import is_pause
from voxstack_text.markup.scanner import Paragraph, Scanner
from voxstack_text.normalise.numbers import roman

_LONGEST_MARK = 200  # characters of a rule, or of blanks, that count as such
_DEEPEST = 20  # quotations in quotations
_INDENT = re.compile(rf"[ \t\f\v\u00a0\ufeff]{{0,{_LONGEST_MARK}}}")
_NEWLINE = re.compile(r"\r\n?|\n")
_QUOTE = re.compile(r">(?=[ \t>\n\r])[ \t]?")
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
_FRONT_MATTER = re.compile(r"---[ \t]*(?=\r?\n[\w-]{1,40}:)")
_REST = re.compile(r"[^\n\r]*")
_OPENING = re.compile(r"[\"'“‘(\[*_`]{0,6}")


class _Mark(NamedTuple):
    """The mark at the start of a line: the kind of the line, the end of the mark, and what of it is read.

    :param reads: start and end of what is read, such as the number of an item.
    """

    kind: str
    end: int
    reads: tuple[int, int] | None = None


def start_line(scanner: Scanner, position: int) -> int | None:
    """Handle the start of a line, together with the end of the line before it."""
    indent = _match(_INDENT, scanner, position)
    if scanner.is_short(indent, 1):
        return None
    if indent == len(scanner.text):
        scanner.append_newline()
        return scanner.copy(position, indent)
    newline = _NEWLINE.match(scanner.text, indent)
    if newline:
        return _blank_line(scanner, position, newline)
    if scanner.fence:
        content, quoted = _quotation(scanner, indent) if scanner.paragraph.quoted else (indent, 0)
        return None if content is None else _code_line(scanner, content, quoted)
    if scanner.dialect.is_strict and scanner.base + position == 0 and scanner.text.startswith("-"):
        front = _front_matter(scanner)
        if front != 0:
            return front
    content, quoted = _quotation(scanner, indent)
    if content is None:
        return None
    mark = _mark(scanner, content)
    if mark is None or (mark.kind == "text" and scanner.is_short(mark.end, 8)):
        return None
    return _begin(scanner, (position, indent), mark, quoted)


def _match(pattern: re.Pattern[str], scanner: Scanner, position: int) -> int:
    found = pattern.match(scanner.text, position)
    return found.end() if found else position


def _blank_line(scanner: Scanner, position: int, newline: re.Match[str]) -> int | None:
    """Handle a blank line, which ends the paragraph, but code goes on."""
    if newline[0] == "\r" and scanner.is_short(newline.end(), 1):
        return None
    scanner.append_newline()
    scanner.copy(position, newline.start())
    scanner.paragraph = Paragraph()
    end = scanner.end_line(newline.start(), newline.end())
    scanner.append_newline()  # the paragraph ends, whatever follows
    return end


def _code_line(scanner: Scanner, position: int, quoted: int) -> int | None:
    """Handle a line of code, or the fence that ends it."""
    fence = scanner.fence
    if scanner.is_short(position, len(fence)) and fence.startswith(scanner.text[position:]):
        return None
    if scanner.text.startswith(fence, position):
        rest = _match(_REST, scanner, position)
        if rest - position < _LONGEST_MARK and scanner.is_short(rest, 1):
            return None
        if rest - position < _LONGEST_MARK and not scanner.text[position:rest].strip(fence[0] + " \t"):
            _separate(scanner)
            scanner.fence, scanner.paragraph = "", Paragraph("rule", quoted=quoted)
            scanner.begin_content()
            return rest
    if scanner.paragraph.kind == "code":
        _pause(scanner)
    else:
        _separate(scanner)
    scanner.paragraph = Paragraph("code", quoted=quoted)
    scanner.begin_content()
    return position if _NEWLINE.match(scanner.text, position) else scanner.copy(position, position + 1)


def _front_matter(scanner: Scanner) -> int | None:
    """Return the end of the first line of YAML before the text, and hide it up to its last; 0 without one."""
    found = _FRONT_MATTER.match(scanner.text)
    if not found:
        return None if scanner.is_short(0, _LONGEST_MARK) and scanner.text.count("\n") < 2 else 0
    scanner.hidden = "\n---"
    scanner.begin_content()
    return found.end()


def _quotation(scanner: Scanner, position: int) -> tuple[int | None, int]:
    """Return where the content of a line begins, after the marks of quotations, or None; and their number."""
    level = 0
    while scanner.text[position : position + 1] == ">" and level < _DEEPEST:
        if scanner.is_short(position, 3):
            return None, 0
        found = _QUOTE.match(scanner.text, position)
        if not found and not level:
            return position, 0
        position = _match(_INDENT, scanner, found.end() if found else position + 1)
        level += 1
    return position, level


def _mark(scanner: Scanner, position: int) -> _Mark | None:
    """Return the mark of a line, or None while it is unknown."""
    character = scanner.text[position : position + 1]
    if character in tuple("-*_=|:+") and (rule := _whole(_RULE_START, scanner, position)) is not False:
        if rule is None:
            return None
        return _Mark("rule", rule)
    if character == "#":
        return _pattern_mark("heading", _HEADING, _HEADING_START, scanner, position)
    if character in _BULLETS:
        return _pattern_mark("item", _BULLET, _BULLET_START, scanner, position)
    if character in tuple("`~"):
        return _fence(scanner, position)
    if character == "|":
        return _Mark("table", position + 1)
    if character == "[":
        return _definition(scanner, position)
    if character.isascii() and character.isalnum():
        return _number(scanner, position)
    return _Mark("text", position)


def _whole(start: re.Pattern[str], scanner: Scanner, position: int) -> int | bool | None:
    """Return the end of a line that is a rule; None while that is unknown, False for other lines."""
    end = _match(start, scanner, position)
    if end - position > _LONGEST_MARK:
        return False
    if scanner.is_short(end, 1):
        return None
    found = _RULE.match(scanner.text, position)
    return found.end() if found else False


def _pattern_mark(
    kind: str, pattern: re.Pattern[str], start: re.Pattern[str], scanner: Scanner, position: int
) -> _Mark | None:
    end = _match(start, scanner, position)
    if end - position >= _LONGEST_MARK:
        return _Mark("text", position)
    if scanner.is_short(end, 2):
        return None
    found = pattern.match(scanner.text, position)
    return _Mark(kind, found.end()) if found else _Mark("text", position)


def _number(scanner: Scanner, position: int) -> _Mark | None:
    """Return the mark of a line that may begin with the number of an item."""
    end = _match(_NUMBER_START, scanner, position)
    if end - position >= _LONGEST_MARK:
        return _Mark("text", position)
    if scanner.is_short(end, 1):
        return None
    found = _NUMBER.match(scanner.text, position)
    if not found or not _may_be_item(scanner, found["number"], found[0]):
        return _Mark("text", position)
    return _Mark("item", found.end(), found.span("number"))


def _may_be_item(scanner: Scanner, number: str, mark: str) -> bool:
    """Return whether an item with a number may be here: a first one anywhere, others not inside a paragraph."""
    kind = scanner.paragraph.kind
    if number.isupper() and "." in mark and number != "A":  # it may be an initial
        return kind == "item"
    return kind != "text" or number in ("0", "1", "a", "A", "i") or scanner.out.tail.rstrip()[-1:] == ":"


def _fence(scanner: Scanner, position: int) -> _Mark | None:
    rest = _match(_REST, scanner, position)
    if scanner.text[position : position + 3].strip(scanner.text[position]) or rest - position >= _LONGEST_MARK:
        return _Mark("text", position)
    if scanner.is_short(rest, 1):
        return None
    found = _FENCE.match(scanner.text, position)
    if not found:
        return _Mark("text", position)
    scanner.fence = found[0]
    return _Mark("rule", rest)


def _definition(scanner: Scanner, position: int) -> _Mark | None:
    """Return the mark of a line that may define a reference or a footnote."""
    rest = _match(_REST, scanner, position)
    if rest - position >= 10 * _LONGEST_MARK:
        return _Mark("text", position)
    if scanner.is_short(rest, 1):
        return None
    reference, footnote = (pattern.match(scanner.text, position) for pattern in (_REFERENCE, _FOOTNOTE))
    if reference and (scanner.dialect.is_strict or reference["target"]):
        return _Mark("rule", reference.end())
    return _Mark("item", footnote.end()) if footnote else _Mark("text", position)


def _begin(scanner: Scanner, indent: tuple[int, int], mark: _Mark, quoted: int) -> int:
    """Append the end of the line before, the indentation, and what is read of the mark; return its end."""
    following = scanner.text[(opening := _match(_OPENING, scanner, mark.end)) : opening + 1]
    before = scanner.paragraph.number
    _end_previous(scanner, mark, quoted, indent[1] > indent[0], following)
    if mark.kind == "text" and not quoted:
        scanner.copy(*indent)
    _note(scanner, mark, following, quoted)
    if mark.reads:
        start, end = mark.reads
        _read_number(scanner, start, end, before)
        scanner.out.pause(scanner.base + end)
        scanner.copy(mark.end - 1, mark.end)
    scanner.begin_content()
    return mark.end


def _read_number(scanner: Scanner, start: int, end: int, before: str) -> None:
    """Append the number of an item, a Roman one in digits.

    :param before: the number of the item before.
    """
    number = scanner.text[start:end]
    follows = len(before) == len(number) == 1 and ord(before) + 1 == ord(number)  # "h", then "i"
    if number.islower() and not number.strip("ivx") and not follows and (value := _roman(number)):
        scanner.replace(str(value), start, end)
    else:
        scanner.copy(start, end)


def _roman(number: str) -> int:
    """Return the value of a Roman number, 0 if it is not well-formed."""
    try:
        return roman(number.upper())
    except ValueError:
        return 0


def _end_previous(scanner: Scanner, mark: _Mark, quoted: int, indented: bool, following: str) -> None:
    """Append the end of the line before: the end of a sentence, a pause, or neither."""
    paragraph = scanner.paragraph
    if scanner.newline is None or not paragraph.kind:
        scanner.append_newline()
        return
    length = scanner.newline[0] - paragraph.start
    paragraph.widest = max(paragraph.widest, length)
    continues = mark.kind == "text" and paragraph.kind in ("text", "item") and quoted == paragraph.quoted
    if not continues:
        _separate(scanner)
    elif scanner.dialect.is_strict or (paragraph.kind == "item" and indented):
        scanner.append_newline()
    elif is_pause(paragraph, scanner.out.tail, length, following):
        _pause(scanner)
    else:
        scanner.append_newline()


def _note(scanner: Scanner, mark: _Mark, following: str, quoted: int) -> None:
    """Note the line that begins."""
    before = scanner.paragraph
    continues = mark.kind == "text" and before.kind in ("text", "item") and quoted == before.quoted
    paragraph = before if continues else Paragraph(mark.kind)
    paragraph.start, paragraph.first, paragraph.quoted = scanner.base + mark.end, following, quoted
    paragraph.number = scanner.text[slice(*mark.reads)] if mark.reads else ""
    paragraph.lines += 1
    paragraph.capitals += following.isupper()
    scanner.paragraph = paragraph


def _separate(scanner: Scanner) -> None:
    """End the sentence at the end of the line before."""
    if scanner.newline is not None:
        scanner.out.end_sentence(*scanner.newline)
        scanner.newline = None


def _pause(scanner: Scanner) -> None:
    """Append the end of the line before as a pause."""
    if scanner.newline is not None:
        scanner.out.pause(scanner.newline[0])
        scanner.append_newline()
