"""Dialects: the characters that mean something in plain text, Markdown and HTML."""

from __future__ import annotations

from voxstack_text.markup.html_tags import entity, space, tag
from voxstack_text.markup.inline import (
    bar,
    bracket,
    closing_bracket,
    exclamation,
    newline,
    stars,
    ticks,
    tildes,
    underscores,
)
from voxstack_text.markup.latex import backslash, closing_brace, dollar
from voxstack_text.markup.line_starts import start_line
from voxstack_text.markup.scanner import Dialect, Handler

_HTML: dict[str, Handler] = {"<": tag, "&": entity}
_LATEX: dict[str, Handler] = {"$": dollar, "\\": backslash, "}": closing_brace}
_MARKDOWN: dict[str, Handler] = {
    "\n": newline,
    "\r": newline,
    "*": stars,
    "_": underscores,
    "~": tildes,
    "`": ticks,
    "[": bracket,
    "]": closing_bracket,
    "!": exclamation,
    "|": bar,
}

DIALECTS = {
    "text": Dialect("text", {**_MARKDOWN, **_HTML, **_LATEX}, start_line, is_strict=False),
    "markdown": Dialect("markdown", {**_MARKDOWN, **_HTML, **_LATEX}, start_line),
    "html": Dialect("html", {**_HTML, **_LATEX, "\n": space, "\r": space}, None),
}
"""Dialects by the name that a request gives as ``markup``."""
