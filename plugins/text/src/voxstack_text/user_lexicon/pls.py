"""Files of the Pronunciation Lexicon Specification 1.0 (W3C, 2008).

They are parsed with defusedxml: document types, entity declarations and external references are refused, not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voxstack import RequestError
from voxstack_text.user_lexicon.entry import Entry, make_entry
from voxstack_text.whole_text import excerpt

_NAMESPACE = "{http://www.w3.org/2005/01/pronunciation-lexicon}"
_ALPHABETS = {"ipa": "ipa", "x-voxstack": "phones"}
_READ = ("grapheme", "phoneme", "alias")
_INSIDE = {"lexicon": ("",), "lexeme": ("lexicon",), **dict.fromkeys((*_READ, "example"), ("lexeme",))}
"""The elements that each may stand in."""


def parse_pls(content: bytes, source: str) -> list[Entry]:
    """Return the entries of a file: each grapheme of a lexeme with its preferred pronunciation, otherwise the first.

    :param source: name of the file, for errors.
    :raises RequestError: with the line, for XML that is not well-formed and for what cannot be read.
    """
    from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import ParseError, XMLParser  # type: ignore[import-untyped]

    builder = _LexiconBuilder(source)
    parser = XMLParser(target=builder, forbid_dtd=True)
    builder.expat = parser.parser
    try:
        parser.feed(content)
        parser.close()
    except ParseError as error:
        reason = str(error).partition(": line")[0]
        raise RequestError(f"{source}, line {error.position[0]}: not well-formed XML: {reason}") from error
    except DefusedXmlException as error:
        raise builder.error("document types and entity declarations are refused; leave them out") from error
    return builder.entries


class _LexiconBuilder:
    """Builds the entries; the parser calls ``start``, ``end``, ``data`` and ``close``."""

    def __init__(self, source: str) -> None:
        self.entries: list[Entry] = []
        self.expat: Any = None
        self._source = source
        self._open: list[str] = []
        self._alphabet = "ipa"
        self._text: list[str] = []
        self._attributes: Mapping[str, str] = {}
        self._graphemes: list[str] = []
        self._pronunciations: list[tuple[bool, str, str, str]] = []  # preferred, kind, value, place

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.removeprefix(_NAMESPACE)
        parent = self._open[-1] if self._open else ""
        if (parent == "") != (name == "lexicon"):
            raise self.error(f"a lexicon begins with <lexicon>, and holds no other; this is <{excerpt(name)}>")
        if name in _INSIDE and parent not in _INSIDE[name]:
            raise self.error(f"<{name}> stands in <{parent}>; put it into <{_INSIDE[name][0]}>")
        self._open.append(name)
        self._text, self._attributes = [], attributes
        if name == "lexicon":
            self._alphabet = attributes.get("alphabet", "ipa")
        elif name == "lexeme":
            self._graphemes, self._pronunciations = [], []

    def data(self, text: str) -> None:
        self._text.append(text)

    def end(self, tag: str) -> None:
        name, text = self._open.pop(), " ".join("".join(self._text).split())
        if name == "grapheme":
            self._graphemes.append(text)
        elif name in _READ:
            preferred = self._attributes.get("prefer") == "true"
            self._pronunciations.append((preferred, self._kind(name), text, self._where()))
        elif name == "lexeme":
            self._end_lexeme()

    def close(self) -> None:
        """Do nothing: the entries are complete."""

    def error(self, problem: str) -> RequestError:
        """Return an error at the parser's position."""
        return RequestError(f"{self._where()}: {problem}")

    def _where(self) -> str:
        return f"{self._source}, line {self.expat.CurrentLineNumber}"

    def _kind(self, name: str) -> str:
        if name == "alias":
            return "alias"
        alphabet = self._attributes.get("alphabet", self._alphabet)
        if alphabet not in _ALPHABETS:
            own = "x-voxstack for the voice's own phones"
            raise self.error(f"the alphabet {excerpt(alphabet)!r} is not supported; write ipa, or {own}")
        return _ALPHABETS[alphabet]

    def _end_lexeme(self) -> None:
        if not self._graphemes:
            raise self.error("this <lexeme> has no <grapheme>; add the word as it is written")
        if self._pronunciations:
            _, kind, value, where = next(filter(lambda one: one[0], self._pronunciations), self._pronunciations[0])
            self.entries += [make_entry(grapheme, kind, value, where) for grapheme in self._graphemes]
