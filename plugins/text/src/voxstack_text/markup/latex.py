r"""LaTeX: formulas between dollar signs or ``\( \)``, and commands in text."""
# ruff: noqa: RUF001 -- primes that look alike are meant

from __future__ import annotations

import logging
import re

from voxstack_text.markup.scanner import Scanner
from voxstack_text.whole_text import excerpt

_LOG = logging.getLogger("voxstack.text")
_LONGEST_INLINE, _LONGEST_DISPLAY, _LONGEST_ARGUMENT = 1000, 8000, 500
_FORMULAS = frozenset(
    "equation align gather multline eqnarray displaymath math alignat flalign cases matrix pmatrix bmatrix".split()
)
_STYLES = frozenset(
    "textbf textit emph underline texttt textsc textsf textrm textsl textup textmd mbox uline url enquote title author "
    "caption footnote".split()
)
_HEADINGS = frozenset("part chapter section subsection subsubsection paragraph subparagraph".split())
_SILENT = frozenset(
    "cite citep citet autocite parencite textcite ref eqref pageref autoref cref label index bibliography "
    "bibliographystyle documentclass usepackage includegraphics vspace hspace input include".split()
)
_ALONE = {
    "item": ", ",
    "ldots": "…",
    "dots": "…",
    "LaTeX": "LaTeX",
    "TeX": "TeX",
    "textbackslash": "\\",
    "maketitle": " ",
    "noindent": " ",
    "newpage": " ",
    "centering": " ",
    "newline": ", ",
    "par": ", ",
}
_COMMAND = re.compile(r"\\([A-Za-z]{2,24})(\*?)")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{([A-Za-z]{1,24})(\*?)\}")
_OPTION = r"(?:\[[^\[\]\n]{0,200}\])*"
_ARGUMENTS = re.compile(_OPTION + r"\{[^{}]{0,500}\}")
_ESCAPED = tuple("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")
_CLOSING_DOLLAR = re.compile(r"(?<![\s\\$])\$(?![\d$])|\n[ \t]*\n|\$")
_PROSE = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,}[,;:]?[ \t\n]+[A-Za-z]{2,}(?=[^A-Za-z({])")
_WORD = re.compile(r"[A-Za-z]{3,}")
_GROUP = re.compile(r"\\[A-Za-z]+\*?(?:\{[^{}]*(?:\}|$))?")
_MATHEMATICAL = re.compile(
    r"[\\^_=<>+{}⁰¹²³⁴-⁹≤≥≠∈±×√∞α-ω]|^[A-Za-z]!$"
    r"|^[A-Za-z]{1,2}['′*]?$|^-?[\d.,]*[A-Za-z]?$|^[A-Za-z] ?\(|[\d)A-Za-z] ?[-*/] ?\S"
)


def dollar(scanner: Scanner, position: int) -> int | None:
    """Handle a dollar sign, which may begin a formula, or money."""
    text = scanner.text
    if scanner.is_short(position, 2):
        return None
    if text.startswith("$$", position):
        end = text.find("$$", position + 2, position + _LONGEST_DISPLAY)
        if end < 0:
            return None if scanner.is_short(position, _LONGEST_DISPLAY) else scanner.copy(position, position + 2)
        return _formula(scanner, position, end + 2, 2, display=True)
    closing = _inline_end(scanner, position) if _may_begin(scanner, position) else 0
    if closing is None:
        return None
    return _formula(scanner, position, closing + 1, 1) if closing else scanner.copy(position, position + 1)


def _may_begin(scanner: Scanner, position: int) -> bool:
    following = scanner.text[position + 1 : position + 2]
    return bool(following.strip()) and not scanner.before(position).isalnum()


def _inline_end(scanner: Scanner, position: int) -> int | None:
    """Return the dollar sign that closes a formula, 0 without one, or None while that is unknown."""
    text, start, limit = scanner.text, position + 1, position + _LONGEST_INLINE
    for found in _CLOSING_DOLLAR.finditer(text, start, limit):
        if found[0] != "$" or text[found.start() - 1] in " \t\n$":
            return 0
        if text[found.start() - 1] == "\\":
            continue
        if found.end() == len(text) and scanner.is_short(found.end(), 1):
            return None
        is_closing = not text[found.end() : found.end() + 1].isdigit() and not text.startswith("$", found.end())
        return found.start() if is_closing and _is_formula(text[start : found.end()]) else 0
    if _PROSE.search(_GROUP.sub(" ", text[start:limit])):
        return 0
    return None if scanner.is_short(position, _LONGEST_INLINE) else 0


def _is_formula(body: str) -> bool:
    """Return whether a formula is before the last character, which ends it."""
    if len(body) < 2:
        return False
    is_short = not body[0].isdigit() and not _WORD.search(body)
    return (is_short or _MATHEMATICAL.search(body[:-1]) is not None) and _PROSE.search(_GROUP.sub(" ", body)) is None


def backslash(scanner: Scanner, position: int) -> int | None:
    """Handle a backslash: a formula, a command, or a character that is itself."""
    text = scanner.text
    if scanner.is_short(position, 2):
        return None
    following = text[position + 1 : position + 2]
    if following in ("(", "["):
        closing = "\\)" if following == "(" else "\\]"
        end = text.find(closing, position + 2, position + _LONGEST_DISPLAY)
        if end >= 0 and _is_formula(text[position + 2 : end + 1]):
            return _formula(scanner, position, end + 2, 2, display=following == "[")
        if end < 0 and scanner.is_short(position, _LONGEST_DISPLAY):
            return None
    if following == "\\":
        return _line_break(scanner, position)
    if following in _ESCAPED and following:
        scanner.copy(position + 1, position + 2)
        return position + 2
    return _command(scanner, position)


def _line_break(scanner: Scanner, position: int) -> int | None:
    if scanner.is_short(position, 3):
        return None
    if text_after := scanner.text[position + 2 : position + 3].strip(" \t\r\n"):
        return scanner.copy(position, position + 2) if text_after.isalnum() else scanner.copy(position, position + 1)
    scanner.out.pause(scanner.base + position)
    return position + 2


def _command(scanner: Scanner, position: int) -> int | None:
    """Handle a command whose name is known; any other backslash is itself, as in a path."""
    text = scanner.text
    found = _COMMAND.match(text, position)
    if scanner.is_short(position, 28) and (found is None or found.end() == len(text)):
        return None
    if found is None or scanner.before(position).isalnum() or scanner.before(position) in tuple(":\\"):
        return scanner.copy(position, position + 1)
    name, end = found[1], found.end()
    if name in ("begin", "end"):
        return _environment(scanner, position)
    if name in _ALONE and scanner.is_short(end, 2):
        return None
    if name in _ALONE and (text.startswith("{}", end) or text[end : end + 1] not in tuple("\\{")):
        return scanner.replace(_ALONE[name], position, end) + 2 * text.startswith("{}", end)
    if name in _SILENT or name == "href":
        return _skip_arguments(scanner, position, end)
    if name in _STYLES | _HEADINGS and text.startswith("{", end):
        if name in _HEADINGS:
            scanner.out.end_sentence(scanner.base + position, scanner.base + end)
        if len(scanner.paragraph.braces) < 100:
            scanner.paragraph.braces.append("\n\n" if name in _HEADINGS else "")
        return end + 1
    return scanner.copy(position, position + 1)


def _skip_arguments(scanner: Scanner, position: int, end: int) -> int | None:
    found = _ARGUMENTS.match(scanner.text, end)
    if found and scanner.text.startswith("\\href", position):
        if scanner.is_short(found.end(), 1):
            return None
        if scanner.text.startswith("{", found.end()):
            scanner.paragraph.braces.append("")
            return found.end() + 1
    if found:
        return found.end()
    is_open = end == len(scanner.text) or scanner.text[end] in "{["
    if is_open and scanner.is_short(end, _LONGEST_ARGUMENT):
        return None
    return scanner.copy(position, position + 1)


def _environment(scanner: Scanner, position: int) -> int | None:
    text = scanner.text
    found = _ENVIRONMENT.match(text, position)
    if found is None:
        return None if scanner.is_short(position, 34) else scanner.copy(position, position + 1)
    if found[1] == "begin" and found[2] in _FORMULAS:
        closing = f"\\end{{{found[2]}{found[3]}}}"
        end = text.find(closing, position, position + _LONGEST_DISPLAY)
        if end >= 0:
            return _formula(scanner, position, end + len(closing), 0, display=True)
        if scanner.is_short(position, _LONGEST_DISPLAY):
            return None
    scanner.out.end_sentence(scanner.base + position, scanner.base + found.end())
    return found.end()


def closing_brace(scanner: Scanner, position: int) -> int | None:
    """Handle a closing brace, which may end the argument of a command."""
    if not scanner.paragraph.braces:
        return scanner.copy(position, position + 1)
    ending = scanner.paragraph.braces.pop()
    if ending:
        scanner.out.end_sentence(scanner.base + position, scanner.base + position + 1)
    return position + 1


def _formula(scanner: Scanner, start: int, end: int, border: int, display: bool = False) -> int:
    """Append the reading of a formula, or skip it with a warning; return its end.

    :param border: characters of each mark around it.
    """
    if not scanner.english:
        return scanner.copy(start, end)
    if not scanner.text[start + border : end - border].strip():
        return end
    # Imported here because few texts have formulas.
    from voxstack_text.markup.formula import read_formula
    from voxstack_text.markup.formula_items import UnknownFormulaError

    written = scanner.text[start:end]
    try:
        words = read_formula(written[border : len(written) - border])
    except UnknownFormulaError as error:
        _LOG.warning("skipped a formula that cannot be read: %s: %s", excerpt(written), error)
        return end
    if display:
        scanner.out.pause(scanner.base + start)
    if words:
        scanner.out.insert(written, words, scanner.base + start)
    if display:
        scanner.out.pause(scanner.base + end)
    return end
