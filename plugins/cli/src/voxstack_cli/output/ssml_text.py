"""Readable text of an SSML document, for captions."""

from __future__ import annotations

import html
import re

from voxstack_cli.output.captions import HIDDEN

_MARKUP = re.compile(
    r"""<!--.*?-->|</?(?P<name>[\w:-]*)(?:"[^"]*"|'[^']*'|[^>"'])*>|(?P<reference>&\#?\w+;)""",
    re.DOTALL,
)
_SEPARATORS = {"p": "\n", "paragraph": "\n", "s": "\n", "sentence": "\n", "break": " "}


def readable_text(document: str) -> str:
    """Return a document with its markup replaced, so that every character of its text keeps its index.

    Paragraphs and sentences are separated by blank lines and breaks by spaces. All other markup becomes ``HIDDEN``.
    """
    return _MARKUP.sub(_replacement, document)


def _replacement(match: re.Match[str]) -> str:
    size = len(match[0])
    if match["reference"]:
        return html.unescape(match[0]).ljust(size, HIDDEN)
    return _SEPARATORS.get(match["name"] or "", HIDDEN) * size
