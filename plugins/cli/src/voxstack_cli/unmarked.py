"""The readable text of an SSML document, for captions."""

from __future__ import annotations

import html
import re

from voxstack_cli.captions import NOTHING

_MARKUP = re.compile(
    r"""<!--.*?-->|</?(?P<name>[\w:-]*)(?:"[^"]*"|'[^']*'|[^>"'])*>|(?P<reference>&\#?\w+;)""",
    re.DOTALL,
)
_APART = {"p": "\n", "paragraph": "\n", "s": "\n", "sentence": "\n", "break": " "}


def unmarked(document: str) -> str:
    """Replace the markup of a document, character by character: paragraphs and sentences are blank lines apart, breaks spaces, and
    of all else only the text is seen. Every character stays in its place.
    """
    return _MARKUP.sub(_replaced, document)


def _replaced(found: re.Match[str]) -> str:
    size = len(found[0])
    if found["reference"]:
        return html.unescape(found[0]).ljust(size, NOTHING)
    return _APART.get(found["name"] or "", NOTHING) * size
