"""Tables and prose in Markdown, from texts that were not written for it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence

PARAMS = re.compile(r"^:\w+(?: \w+)?:.*", re.MULTILINE | re.DOTALL)
ROLE = re.compile(r":\w+:(?=`)")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell(text) for text in line) + " |\n" for line in lines) + "\n"


def cell(text: str) -> str:
    """Return Markdown for one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return text as code."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def prose(docstring: str | None) -> str:
    """Return the text of a docstring as Markdown, without what it lists of parameters, results and errors."""
    text = PARAMS.sub("", inspect.cleandoc(docstring or "")).strip()
    text = re.sub(r"``([^`]+)``", r"`\1`", ROLE.sub("", text))
    return re.sub(r"(?<=\w)::$", ":", text, flags=re.MULTILINE)


def escape(text: str) -> str:
    """Return plain text as Markdown, with nothing in it read as HTML or emphasis."""
    return re.sub(r"([<>*_\[\]\\])", r"\\\1", text)
