"""Formulas in LaTeX read as words, in the style of ClearSpeak and MathSpeak.

Sources: ClearSpeak Rules and Preferences (Educational Testing Service, 2016); A. Nemeth, MathSpeak (gh, 2004). The
parser is pylatexenc's.
"""
# ruff: noqa: RUF001 -- primes that look alike are meant

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from voxstack_text.markup.formula_items import (
    Items,
    Node,
    Spoken,
    UnknownFormulaError,
    inside,
    parsed,
    plain_source,
    split,
    tokens,
    verbatim,
)
from voxstack_text.markup.formula_phrases import approaching, letter_words, matrix_words, ordinal_words, power_words
from voxstack_text.markup.formula_words import ACCENTS, FONTS, FUNCTIONS, LARGE, SIGNS
from voxstack_text.normalise.numbers import amount, fraction

_DEEPEST = 40
_MATRICES = frozenset("matrix pmatrix bmatrix vmatrix Bmatrix Vmatrix smallmatrix array".split())
_FUNCTION_LETTERS = tuple("fghFGHPOEL")
_MAPS = "to"
"""The words of the arrow between the sets of a map."""

_AFTER_FUNCTION = (None, *")]}|,;+-=<>/&")
_FRACTIONS = ("frac", "dfrac", "tfrac", "cfrac")
_ARGUMENTS = dict.fromkeys((*_FRACTIONS, "binom", "dbinom", "tbinom"), 2) | dict.fromkeys(
    ("sqrt", "text", "mbox", "operatorname", "pmod", *FONTS, *ACCENTS), 1
)
_ROOTS = {"2": "square", "3": "cube"}


def read_formula(source: str) -> str:
    r"""Return the words of a formula, ``n^2`` as "N squared", as the normaliser returns words.

    :raises UnknownFormulaError: if it is not well-formed, or has a command that is not known.
    """
    nodes = parsed(plain_source(source))
    try:
        return " ".join(_Reader().words(nodes))
    except (RecursionError, LookupError) as error:
        raise UnknownFormulaError("it is not well-formed") from error


class _Reader:
    """Reads the nodes of a formula, each with what precedes it."""

    def __init__(self) -> None:
        self._depth = 0

    def words(self, nodes: Sequence[Any]) -> list[str]:
        """Return the words of a list of nodes."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnknownFormulaError("it is nested too deeply")
        spoken: list[str] = []
        items = Items(list(tokens(nodes)))
        while items:
            spoken += self._next(items)
        self._depth -= 1
        return spoken

    def _next(self, items: Items) -> list[str]:
        item = items.pop()
        if item in ("^", "_"):
            return self._scripts([], items, item)
        if isinstance(item, Spoken):
            return self._scripts(item.split(), items)
        if isinstance(item, str) and item in LARGE:
            return self._large(LARGE[item], items)
        if isinstance(item, str) and item in FUNCTIONS:
            return self._function(FUNCTIONS[item], items)
        spoken = self._scripts(self._atom(item, items), items)
        return spoken + self._argument(items) if item in _FUNCTION_LETTERS else spoken

    def _atom(self, item: Any, items: Items) -> list[str]:
        """Return the words of one item, without its scripts."""
        if not isinstance(item, str):
            return self._node(item.node, items)
        if isinstance(item, Spoken):
            return item.split()
        if item[0].isdecimal() or item[0] == ".":
            return amount(item).split()
        if item in SIGNS:
            return self._sign(item, items)
        if item.isalpha() and len(item) == 1:
            return [item.upper()] if item.isascii() else letter_words(item)
        raise UnknownFormulaError(f"{item!r} has no reading")

    def _sign(self, item: str, items: Items) -> list[str]:
        before = items.previous
        if item == "-" and (before is None or isinstance(before, Spoken) or before in tuple("=<>(,+-*/[{")):
            return ["minus"]
        if item == ":" and items.find(_MAPS) is not None:
            return ["from"]
        if item == "|" and (end := items.find("|")) is not None:
            return ["the", "absolute", "value", "of", *self._inner(items.take(end))]
        return SIGNS[item].split()

    def _node(self, node: Any, items: Items) -> list[str]:
        kind = type(node).__name__
        if kind == "LatexGroupNode":
            return self.words(node.nodelist)
        if kind == "LatexMacroNode":
            return self._macro(node, items)
        if kind == "LatexEnvironmentNode":
            return self._environment(node)
        raise UnknownFormulaError(f"{node.latex_verbatim()!r:.40} has no reading")

    def _macro(self, node: Any, items: Items) -> list[str]:
        name = node.macroname
        arguments = [inside(a) for a in node.nodeargd.argnlist if a is not None] if node.nodeargd else []
        while len(arguments) < _ARGUMENTS.get(name, 0) and isinstance(items.peek(), Node):
            arguments.append(inside(items.pop().node))  # the parser does not know the command
        if len(arguments) < _ARGUMENTS.get(name, 0):
            raise UnknownFormulaError(f"\\{name} lacks an argument")
        if name in _FRACTIONS:
            return self._fraction(*arguments[-2:])
        if name == "sqrt":
            return self._root(arguments)
        if name in ("binom", "dbinom", "tbinom"):
            return [*self.words(arguments[0]), "choose", *self.words(arguments[1])]
        if name == "pmod":
            return ["mod", *self.words(arguments[0])]
        if name in ("text", "mbox", "textrm", "textbf", "textit", "operatorname", "mathrm", "mathop"):
            return self._text(arguments[-1] if arguments else [])
        if name in FONTS:
            return self.words(arguments[-1] if arguments else [])
        if name in ACCENTS:
            return [*self.words(arguments[-1]), *ACCENTS[name].split()]
        raise UnknownFormulaError(f"the command \\{name} is not known")

    def _inner(self, items: Sequence[Any]) -> list[str]:
        rest, spoken = Items(list(items)), []
        while rest:
            spoken += self._next(rest)
        return spoken

    def _fraction(self, top: Sequence[Any], bottom: Sequence[Any]) -> list[str]:
        above, below = verbatim(top), verbatim(bottom)
        if above.isdecimal() and below.isdecimal() and 0 < int(above) < 100 and 1 < int(below) < 100:
            return fraction(int(above), int(below)).split()
        words = [self.words(top), self.words(bottom)]
        if all(len(list(tokens(nodes))) == 1 for nodes in (top, bottom)):
            return [*words[0], "over", *words[1]]
        return ["the", "fraction", *words[0], "over", *words[1], ","]

    def _root(self, arguments: Sequence[Sequence[Any]]) -> list[str]:
        index = verbatim(arguments[0]) if len(arguments) > 1 else "2"
        name = _ROOTS.get(index)
        degree = [name] if name else ordinal_words(index, self.words(arguments[0])) if len(arguments) > 1 else []
        return ["the", *degree, "root", "of", *self.words(arguments[-1])]

    def _text(self, nodes: Sequence[Any]) -> list[str]:
        from voxstack_text.normalise.normaliser import normalise

        return [word.word for word in normalise(verbatim(nodes).replace("~", " "), str.isalpha)]

    def _scripts(self, base: list[str], items: Items, opened: str = "") -> list[str]:
        """Return an item with its subscript and superscript."""
        spoken = list(base)
        while opened or items.peek() in ("^", "_", "'", "’", "!"):
            mark = opened or items.pop()
            opened = ""
            if mark in ("'", "’"):
                spoken.append("prime")
            elif mark == "!":
                spoken.append("factorial")
            else:
                script = self._script(items)
                spoken += power_words(*script) if mark == "^" else ["sub", *script[1]]
        return spoken

    def _script(self, items: Items) -> tuple[str, list[str]]:
        """Return the next item as it is written, and its words."""
        if not items:
            raise UnknownFormulaError("a superscript or subscript is missing")
        item = items.pop()
        if isinstance(item, str):
            if len(item) > 1 and item[0].isdigit():  # "x^12" raises the 1 alone
                items.push(item[1:])
                item = item[0]
            return item, self._atom(item, items)
        inner = inside(item.node)
        return verbatim(inner), self.words(inner)

    def _large(self, name: str, items: Items) -> list[str]:
        """Return a sum, a product or an integral with its limits."""
        lower = upper = None
        while items.peek() in ("^", "_", "\\limits", "\\nolimits"):
            mark = items.pop()
            if mark in ("^", "_"):
                words = self._script(items)[1]
                lower, upper = (words, upper) if mark == "_" else (lower, words)
        spoken = ["the", *name.split()]
        if lower and upper:
            spoken += ["from", *lower, "to", *upper]
        elif lower:
            spoken += ["as", *approaching(lower)] if name.startswith("limit") else ["over", *lower]
        return [*spoken, "of"]

    def _function(self, name: str, items: Items) -> list[str]:
        spoken = self._scripts(name.split(), items)
        if name == "log" and spoken[1:2] == ["sub"]:
            spoken[1] = "base"
        if items.peek() == "(":
            return spoken + self._argument(items)
        return spoken if items.peek() in _AFTER_FUNCTION else [*spoken, "of"]

    def _argument(self, items: Items) -> list[str]:
        """Return the argument of a function between parentheses, "of X", or nothing without it."""
        if items.peek() != "(":
            return []
        end = items.find(")")
        if end is None:
            raise UnknownFormulaError("a parenthesis is never closed")
        argument = items.take(end)[1:]
        return ["of", *self._inner(argument)] if "(" not in argument else ["of", *self._inner(["(", *argument, ")"])]

    def _environment(self, node: Any) -> list[str]:
        name = node.environmentname.rstrip("*")
        rows = [[self.words(cell) for cell in split(row, "&")] for row in split(node.nodelist, "\\\\")]
        rows = [[cell for cell in row if cell] for row in rows]
        rows = [row for row in rows if row]
        if name in _MATRICES:
            return matrix_words(rows)
        return [word for row in rows for word in [*(w for cell in row for w in cell), ","]][:-1]
