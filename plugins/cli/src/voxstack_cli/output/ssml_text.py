"""Readable text of a document or a text with markup, for captions."""

from __future__ import annotations

import html
import re

from voxstack_cli.output.captions import HIDDEN

_MARKUP = re.compile(
    r"""<!--.*?-->|</?(?P<name>[\w:-]*)(?:"[^"]*"|'[^']*'|[^>"'])*>|(?P<reference>&\#?\w+;)""",
    re.DOTALL,
)
_LINES = "p paragraph s sentence br div li ul ol tr table h1 h2 h3 h4 h5 h6 blockquote pre section article".split()
_SEPARATORS = {**dict.fromkeys(_LINES, "\n"), "break": " ", "td": " ", "th": " "}
_HTML = re.compile(r"<(?P<hidden>script|style|head)\b.*?</(?P=hidden)\s*>", re.DOTALL | re.IGNORECASE)
_MARKS = re.compile(
    r"^[ \t]*(?:>[ \t]?)*(?:\#{1,6}[ \t]+|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|(?:```|~~~)[^\n]*)?"
    r"|\*{1,3}(?=\S)|(?<=\S)\*{1,3}|(?<!\w)_{1,2}(?=\w)|(?<=\w)_{1,2}(?!\w)|`+|~~"
    r"|!?\[(?=[^\[\]\n]*\]\()|\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)"
    r"|</?[A-Za-z][\w:-]*(?:\s+[\w:-]+=(?:\"[^\"]*\"|'[^']*'|[^\s>\"']+))*\s*/?>",
    re.MULTILINE,
)
_REFERENCE = re.compile(r"&#?\w+;")


def readable_text(document: str, markup: str = "ssml") -> str:
    """Return a text with its markup replaced, so that every character of what is read keeps its index.

    Of an SSML or HTML document, paragraphs and sentences are separated by blank lines and breaks by spaces. All other
    markup becomes ``HIDDEN``. Of other texts, the marks of Markdown and tags do.

    :param markup: as in a request.
    """
    if markup in ("ssml", "html") or (markup == "auto" and document.lstrip().startswith("<")):
        return _MARKUP.sub(_replacement, _HTML.sub(_hidden, document))
    return _REFERENCE.sub(_decoded, _MARKS.sub(_hidden, document))


def _hidden(match: re.Match[str]) -> str:
    return HIDDEN * len(match[0])


def _decoded(match: re.Match[str]) -> str:
    return html.unescape(match[0]).ljust(len(match[0]), HIDDEN)


def _replacement(match: re.Match[str]) -> str:
    if match["reference"]:
        return _decoded(match)
    return _SEPARATORS.get((match["name"] or "").lower(), HIDDEN) * len(match[0])
