"""Items of formulas in LaTeX: characters, words that stand for commands, and nodes of the parser, pylatexenc's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from voxstack_text.markup.formula_words import FUNCTIONS, IGNORED, LARGE, SIGNS, SYMBOLS

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+")
_GROUPED = re.compile(r"(?<=\d)\{,\}(?=\d{3})")
_RAISED_RUN, _RAISED_DIGITS = re.compile("[⁰¹²³⁴-⁹⁻⁺]+"), str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LOWERED_RUN, _LOWERED_DIGITS = re.compile("[₀-₉]+"), str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_NEGATED = re.compile(r"\\not\s*(\\[A-Za-z]+|[=<>])")


class Spoken(str):
    """Words that stand for a command."""


class Node(NamedTuple):
    """A group, a command with arguments, or an environment."""

    node: Any


class UnknownFormulaError(ValueError):
    """A formula has something that the rules do not know."""


def plain_source(source: str) -> str:
    r"""Return a formula without what the parser does not take apart: "x²", "1{,}000" and ``\not\in``."""
    source = _RAISED_RUN.sub(lambda found: f"^{{{found[0].translate(_RAISED_DIGITS)}}}", _GROUPED.sub(",", source))
    source = _LOWERED_RUN.sub(lambda found: f"_{{{found[0].translate(_LOWERED_DIGITS)}}}", source)
    return _NEGATED.sub(_negated, source)


def _negated(found: re.Match[str]) -> str:
    words = {"=": "is equal to", "<": "is less than", ">": "is greater than"}.get(found[1]) or SYMBOLS.get(
        found[1][1:], ""
    )
    return rf"\text{{ is not {words[3:]} }}" if words.startswith("is ") else found[0]


def parsed(source: str) -> Sequence[Any]:
    """Return the nodes of a formula.

    :raises UnknownFormulaError: if it is not well-formed.
    """
    # Imported here because few texts have formulas.
    from pylatexenc.latexwalker import LatexWalker  # type: ignore[import-untyped]

    try:
        walker = LatexWalker(source, tolerant_parsing=False)
        nodes: Sequence[Any] = walker.get_latex_nodes(parsing_state=walker.make_parsing_state(in_math_mode=True))[0]
        return nodes
    except Exception as error:  # of many types, for what is not well-formed
        raise UnknownFormulaError("it is not well-formed") from error


class Items:
    """The items of a formula that are still to be read."""

    def __init__(self, items: list[Any]) -> None:
        self._items, self._next = items, 0

    def __bool__(self) -> bool:
        return self._next < len(self._items)

    @property
    def previous(self) -> Any:
        """The item before the last one that was taken, or None."""
        return self._items[self._next - 2] if self._next > 1 else None

    def peek(self) -> Any:
        """Return the next item, or None at the end."""
        return self._items[self._next] if self else None

    def pop(self) -> Any:
        """Take the next item."""
        self._next += 1
        return self._items[self._next - 1]

    def push(self, item: Any) -> None:
        """Put an item before the next one."""
        self._items.insert(self._next, item)

    def find(self, item: str) -> int | None:
        """Return how many items are before the next one that equals this, or None."""
        for number in range(self._next, len(self._items)):
            if self._items[number] == item:
                return number - self._next
        return None

    def take(self, count: int) -> list[Any]:
        """Take a number of items, and skip the one after them."""
        items = self._items[self._next : self._next + count]
        self._next += count + 1
        return items


def tokens(nodes: Sequence[Any]) -> Iterator[Any]:
    r"""Yield numbers, letters and signs as strings, ``\alpha`` as the words of it, and other nodes as they are."""
    for node in nodes:
        if node is None:
            continue
        kind = type(node).__name__
        if kind == "LatexCharsNode":
            yield from _characters(node.chars)
        elif kind == "LatexSpecialsNode":
            yield from _specials(node.specials_chars)
        elif kind == "LatexMacroNode":
            yield from _macro_tokens(node)
        elif kind != "LatexCommentNode":
            yield Node(node)


def _specials(characters: str) -> Iterator[str]:
    if characters not in ("~", "&"):
        yield from _characters(characters)


def _macro_tokens(node: Any) -> Iterator[Any]:
    name = node.macroname
    if name in IGNORED:
        yield from _delimiter(node)
    elif name in SYMBOLS:
        words = SYMBOLS[name]
        yield words if words in SIGNS or len(words) == 1 else Spoken(words)
    elif name in LARGE or name in FUNCTIONS or name in ("limits", "nolimits"):
        yield name if name not in ("limits", "nolimits") else f"\\{name}"
    else:
        yield Node(node)


def _delimiter(node: Any) -> Iterator[Any]:
    r"""Yield what stands after ``\left`` and the like, where the parser took it for an argument."""
    for argument in node.nodeargd.argnlist if node.nodeargd else []:
        if argument is not None:
            yield from (token for token in tokens([argument]) if token != ".")


def _characters(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        number = _NUMBER.match(text, position)
        if number:
            yield number[0]
            position = number.end()
        else:
            if not text[position].isspace():
                yield text[position]
            position += 1


def inside(node: Any) -> Sequence[Any]:
    """Return the nodes inside a group, or the node alone."""
    return node.nodelist if type(node).__name__ == "LatexGroupNode" else [node]


def verbatim(nodes: Sequence[Any]) -> str:
    """Return nodes as they are written."""
    return "".join(node.latex_verbatim() for node in nodes if node is not None).strip()


def split(nodes: Sequence[Any], separator: str) -> Iterator[list[Any]]:
    """Yield the nodes between the commands of one name."""
    part: list[Any] = []
    for node in nodes:
        if node is not None and node.latex_verbatim().strip() == separator:
            yield part
            part = []
        else:
            part.append(node)
    yield part
