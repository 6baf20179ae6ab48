"""Starts of lines: headings, items of lists, quotations, tables, rules and code, in Markdown and in plain text."""
# ruff: noqa: RUF001 -- signs that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.markup.line_ends import is_pause
from voxstack_text.markup.line_marks import LONGEST_MARK, REST, Mark, find_mark, match_end
from voxstack_text.markup.scanner import Paragraph, Scanner
from voxstack_text.normalise.numbers import roman

_DEEPEST = 20  # quotations in quotations
_INDENT = re.compile(rf"[ \t\f\v\u00a0\ufeff]{{0,{LONGEST_MARK}}}")
_NEWLINE = re.compile(r"\r\n?|\n")
_QUOTE = re.compile(r">(?=[ \t>\n\r])[ \t]?")
_FRONT_MATTER = re.compile(r"---[ \t]*(?=\r?\n[\w-]{1,40}:)")
_OPENING = re.compile(r"[\"'“‘(\[*_`]{0,6}")


def start_line(scanner: Scanner, position: int) -> int | None:
    """Handle the start of a line, together with the end of the line before it."""
    indent = match_end(_INDENT, scanner, position)
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
    mark = find_mark(scanner, content)
    if mark is None or (mark.kind == "text" and scanner.is_short(mark.end, 8)):
        return None
    return _begin(scanner, (position, indent), mark, quoted)


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
        rest = match_end(REST, scanner, position)
        if rest - position < LONGEST_MARK and scanner.is_short(rest, 1):
            return None
        if rest - position < LONGEST_MARK and not scanner.text[position:rest].strip(fence[0] + " \t"):
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
        return None if scanner.is_short(0, LONGEST_MARK) and scanner.text.count("\n") < 2 else 0
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
        position = match_end(_INDENT, scanner, found.end() if found else position + 1)
        level += 1
    return position, level


def _begin(scanner: Scanner, indent: tuple[int, int], mark: Mark, quoted: int) -> int:
    """Append the end of the line before, the indentation, and what is read of the mark; return its end."""
    following = scanner.text[(opening := match_end(_OPENING, scanner, mark.end)) : opening + 1]
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


def _end_previous(scanner: Scanner, mark: Mark, quoted: int, indented: bool, following: str) -> None:
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


def _note(scanner: Scanner, mark: Mark, following: str, quoted: int) -> None:
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
