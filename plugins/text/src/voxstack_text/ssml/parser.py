"""SSML: the part of the Speech Synthesis Markup Language 1.1 (W3C, 2010) that voices here can follow.

Documents are parsed with defusedxml: document types, entities of their own and anything outside are refused, not read.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeVar

from voxstack import RequestError
from voxstack_text.ipa import from_ipa
from voxstack_text.normalise.reader import phones
from voxstack_text.passage import STAND_IN, Break, Flag, Insert, Manner
from voxstack_text.ssml import attribute_values as prosody
from voxstack_text.ssml.document import Document
from voxstack_text.ssml.say_as import say_as

T = TypeVar("T")
_SPACE = "{http://www.w3.org/2001/10/synthesis}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"

ELEMENTS: dict[str, tuple[str, ...]] = {
    "speak": ("version", _LANG, _SCHEMA),
    "p": (_LANG,),
    "s": (_LANG,),
    "break": ("time", "strength"),
    "prosody": ("rate", "volume", "pitch"),
    "phoneme": ("ph", "alphabet"),
    "say-as": ("interpret-as", "format"),
    "sub": ("alias",),
    "mark": ("name",),
}
"""What there is, with its attributes."""

_INSERTS = ("phoneme", "say-as", "sub")
_EMPTY = ("break", "mark")


def document(source: str, controls: Mapping[str, Any]) -> Document:
    """Read an SSML document.

    :param controls: of the voice; ``pitch`` may be set only if it is one.
    :raises RequestError: with line and column, for what is not well-formed, not known, or cannot be said.
    """
    from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import ParseError, XMLParser  # type: ignore[import-untyped]

    reader = _Reader(source, controls)
    parser = XMLParser(target=reader, forbid_dtd=True)
    parser.parser.buffer_text = False  # so that each piece of text comes with its place
    reader.expat = parser.parser
    try:
        parser.feed(source)
        parser.close()
    except ParseError as error:
        line, column = error.position
        reason = str(error).partition(": line")[0]
        raise RequestError(f"SSML, line {line}, column {column + 1}: not well-formed XML: {reason}") from error
    except DefusedXmlException as error:
        raise reader.error("a document type and entities of one's own are not read; leave them out") from error
    return reader.document


class _Reader:
    """Takes the parser's events and makes a document of them."""

    def __init__(self, source: str, controls: Mapping[str, Any]) -> None:
        self.document = Document()
        self.expat: Any = None
        self._source, self._controls = source, controls
        self._places = (
            None
            if source.isascii()
            else list(accumulate(((byte & 0xC0) != 0x80 for byte in source.encode()), initial=0))
        )
        self._pieces: list[str] = []
        self._length = 0
        self._open: list[str] = []
        self._manners = [Manner(0, 0)]
        self._insert: tuple[Mapping[str, str], list[str], int] | None = None  # attributes, text so far, where it stands

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.removeprefix(_SPACE)
        self._check(name, attributes)
        self._open.append(name)
        if name in ("p", "s"):
            self._paragraph()
        elif name == "break":
            self._break(attributes)
        elif name == "mark":
            self._mark(attributes)
        elif name == "prosody":
            self._change(self._prosody(attributes))
        elif name in _INSERTS:
            self._insert = attributes, [], self._place()

    def end(self, tag: str) -> None:
        name = self._open.pop()
        if name in ("p", "s"):
            self._paragraph()
        elif name == "prosody":
            self._change(None)
        elif name in _INSERTS:
            self._close_insert(name)

    def data(self, text: str) -> None:
        if self._insert is not None:
            attributes, texts, start = self._insert
            self._insert = attributes, [*texts, text], start if texts else self._place()
            return
        if self._open[-1] in _EMPTY and not text.isspace():
            raise self.error(f"<{self._open[-1]}> holds no text; close it at once: <{self._open[-1]} .../>")
        place = self._place()
        blank = "".join(
            " " if character.isspace() else character for character in text
        )  # the lines of a document mean nothing
        if len(text) == 1 and self._source[place] == "&":
            self._add(blank, [place], [self._source.index(";", place) + 1])
        else:
            self._add(blank, range(place, place + len(text)), range(place + 1, place + len(text) + 1))

    def close(self) -> None:
        self.document.text = "".join(self._pieces)

    def error(self, problem: str) -> RequestError:
        """An error at the place where the parser is."""
        return RequestError(
            f"SSML, line {self.expat.CurrentLineNumber}, column {self.expat.CurrentColumnNumber + 1}: {problem}"
        )

    def _check(self, name: str, attributes: Mapping[str, str]) -> None:
        """See that an element is known, stands where it can, and has the attributes that it may."""
        if name not in ELEMENTS:
            hint = "".join(f"; did you mean <{near}>?" for near in difflib.get_close_matches(name, ELEMENTS, 1))
            raise self.error(
                f"<{name}> is not known here{hint}; there are {', '.join(ELEMENTS)}: leave it out or use one of these"
            )
        if (name == "speak") != (not self._open):
            raise self.error(
                "a document is one <speak> with everything else in it"
                + (f", and this begins with <{name}>" * (not self._open))
            )
        if self._open and self._open[-1] in (*_INSERTS, *_EMPTY):
            raise self.error(
                f"<{self._open[-1]}> holds {'nothing' if self._open[-1] in _EMPTY else 'only text'}; close it before <{name}>"
            )
        for key, value in attributes.items():
            if key not in ELEMENTS[name]:
                known = ", ".join(attribute.rpartition("}")[2] for attribute in ELEMENTS[name])
                raise self.error(f"<{name}> has no {key.rpartition('}')[2]!r} here; it has {known}")
            if key == _LANG and value.partition("-")[0].lower() != "en":
                raise self.error(f"this voice reads English, and not {value!r}; leave out what is in another language")

    def _paragraph(self) -> None:
        place = self._place()
        self._add("\n\n", [place, place], [place, place])

    def _break(self, attributes: Mapping[str, str]) -> None:
        if "time" in attributes:
            seconds = self._value(prosody.seconds, attributes["time"])
        else:
            seconds = self._value(prosody.strength, attributes.get("strength", "medium"))
        self.document.breaks.append(Break(self._length, seconds))

    def _mark(self, attributes: Mapping[str, str]) -> None:
        breaks = self.document.breaks
        name = self._attribute("mark", "name", attributes)
        self.document.flags.append(Flag(self._length, name, bool(breaks) and breaks[-1].at == self._length))

    def _prosody(self, attributes: Mapping[str, str]) -> Manner:
        """The manner that holds inside an element, in that of what is around it."""
        if "pitch" in attributes and "pitch" not in self._controls:
            there = ", ".join(self._controls) or "none"
            raise self.error(
                f"this voice has no control 'pitch', only {there}; leave it out, or take a voice that has it"
            )
        around = self._manners[-1]
        rate = around.rate * self._value(prosody.rate, attributes.get("rate", "medium"))
        if not 0.1 <= rate <= 10:
            raise self.error(f"inside each other these rates make {rate:g}, and that is not between 0.1 and 10")
        volume = around.volume + self._value(prosody.volume, attributes.get("volume", "medium"))
        return Manner(0, 0, rate, volume, around.pitch + self._value(prosody.pitch, attributes.get("pitch", "medium")))

    def _change(self, manner: Manner | None) -> None:
        """From here on speak so; None: as around the element that ends here."""
        last = self._manners[-1]
        if last[2:] != Manner(0, 0)[2:] and self._length > last.start:
            self.document.manners.append(last._replace(end=self._length))
        if manner is None:
            self._manners.pop()
            self._manners[-1] = self._manners[-1]._replace(start=self._length)
        else:
            self._manners.append(manner._replace(start=self._length))

    def _close_insert(self, name: str) -> None:
        assert self._insert is not None
        attributes, texts, start = self._insert
        self._insert = None
        written = "".join(texts)
        said, kind = self._said(name, attributes, written)
        if not said.strip():
            return
        self.document.inserts.append(Insert(self._length, written.strip() or said, said, kind))
        self._add(STAND_IN, [start], [self._place()])

    def _said(self, name: str, attributes: Mapping[str, str], written: str) -> tuple[str, str]:
        if name == "sub":
            return self._attribute("sub", "alias", attributes), "text"
        if name == "say-as":
            kind = self._attribute("say-as", "interpret-as", attributes)
            return self._value(lambda text: say_as(text, kind, attributes.get("format")), written)
        sounds, alphabet = self._attribute("phoneme", "ph", attributes), attributes.get("alphabet", "ipa")
        if alphabet == "ipa":
            return " ".join(self._value(from_ipa, sounds)), "phones"
        if alphabet == "x-voxstack":
            phones(sounds, str(self.error(f"ph={sounds!r}")))
            return sounds, "phones"
        raise self.error(f"alphabet={alphabet!r} is not known; there are ipa and x-voxstack, the voice's own phones")

    def _attribute(self, name: str, key: str, attributes: Mapping[str, str]) -> str:
        value = attributes.get(key, "").strip()
        if not value:
            raise self.error(f'<{name}> says nothing without {key}="..."')
        return value

    def _value(self, read: Callable[[str], T], written: str) -> T:
        try:
            return read(written)
        except ValueError as error:
            raise self.error(str(error)) from error

    def _place(self) -> int:
        """The character of the source that the parser is at."""
        index: int = self.expat.CurrentByteIndex
        return index if self._places is None else self._places[index]

    def _add(self, text: str, starts: Sequence[int], ends: Sequence[int]) -> None:
        self._pieces.append(text)
        self._length += len(text)
        self.document.starts.extend(starts)
        self.document.ends.extend(ends)
