"""The builder of SSML documents: it follows the elements that a parser finds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from voxstack import RequestError
from voxstack.streaming.turn import check_cancelled
from voxstack_text.ipa import from_ipa
from voxstack_text.passage import PLACEHOLDER, Bookmark, Break, Insert, ProsodySpan
from voxstack_text.pronunciation.symbols import parse_phones
from voxstack_text.ssml.attribute_values import parse_pitch, parse_rate, parse_strength, parse_time, parse_volume
from voxstack_text.ssml.document import Document
from voxstack_text.ssml.elements import EMPTY, INSERTS, NAMESPACE, SILENT, element_problem, ignored
from voxstack_text.ssml.say_as import SpokenForm, say_as
from voxstack_text.whole_text import excerpt

T = TypeVar("T")
_LOG = logging.getLogger("voxstack.text")
_NEUTRAL = ProsodySpan(0, 0)
_LOUDEST, _WIDEST = (60.0, 24.0)  # dB, and semitones up or down, that nested elements may add up to


def _characters_before(encoded: bytes) -> np.ndarray:
    """Return the number of characters that begin before each byte of a UTF-8 text, and before its end."""
    begins = (np.frombuffer(encoded, np.uint8) & 0xC0) != 0x80
    return np.concatenate([[0], np.cumsum(begins)])


class DocumentBuilder:
    """Builds a document; the parser calls ``start``, ``end``, ``data`` and ``close``."""

    def __init__(self, source: str, controls: Mapping[str, Any]) -> None:
        self.document = Document()
        self.expat: Any = None
        self._source, self._controls = source, controls
        self._character_of_byte = None if source.isascii() else _characters_before(source.encode())
        self._texts: list[str] = []
        self._length = 0
        self._open: list[str] = []
        self._literal = False  # inside a CDATA section
        self._ends_word = False  # whether an element began or ended after the last text
        self._prosody = [_NEUTRAL]  # of the open elements
        self._insert: tuple[Mapping[str, str], list[str], int] | None = None  # attributes, text so far, its position

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        check_cancelled()
        name = tag.removeprefix(NAMESPACE)
        problem = element_problem(name, attributes, self._open)
        if problem is not None:
            raise self.error(problem)
        for effect in ignored(name, attributes):
            _LOG.warning("%s", self.error(effect))
        self._open.append(name)
        self._ends_word = True
        if name in ("p", "s"):
            self._end_paragraph()
        elif name == "break":
            self._add_break(attributes)
        elif name == "mark":
            self._add_bookmark(attributes)
        elif name == "prosody":
            self._set_prosody(self._inner_prosody(attributes))
        elif name in INSERTS:
            self._insert = attributes, [], self._position()

    def end(self, tag: str) -> None:
        name = self._open.pop()
        self._ends_word = True
        if name in ("p", "s"):
            self._end_paragraph()
        elif name == "prosody":
            self._set_prosody(None)
        elif name in INSERTS:
            self._end_insert(name)

    def data(self, text: str) -> None:
        if any(name in SILENT for name in self._open):
            return
        if self._insert is not None:
            attributes, texts, _ = self._insert
            if not texts:
                self._insert = attributes, texts, self._position()
            texts.append(text)
            return
        check_cancelled()
        if self._open[-1] in EMPTY and not text.isspace():
            raise self.error(f"<{self._open[-1]}> holds no text; close it at once: <{self._open[-1]} .../>")
        position = self._position()
        # Line breaks have no meaning in a document.
        single_line = "".join(" " if character.isspace() else character for character in text)
        if len(text) == 1 and self._source[position] == "&" and not self._literal:
            self._add(single_line, [position], [self._source.index(";", position) + 1])
        else:
            end = position + len(text)
            self._add(single_line, range(position, end), range(position + 1, end + 1))

    def toggle_literal(self) -> None:
        """Enter a CDATA section, in which "&" is itself, or leave it."""
        self._literal = not self._literal

    def close(self) -> None:
        self.document.text = "".join(self._texts)

    def error(self, problem: str) -> RequestError:
        """Return an error at the parser's position."""
        return RequestError(
            f"SSML, line {self.expat.CurrentLineNumber}, column {self.expat.CurrentColumnNumber + 1}: {problem}"
        )

    def _end_paragraph(self) -> None:
        position = self._position()
        self._add("\n\n", [position, position], [position, position])

    def _add_break(self, attributes: Mapping[str, str]) -> None:
        if "time" in attributes:
            seconds = self._parse(parse_time, attributes["time"])
        else:
            seconds = self._parse(parse_strength, attributes.get("strength", "medium"))
        self.document.breaks.append(Break(self._length, seconds))

    def _add_bookmark(self, attributes: Mapping[str, str]) -> None:
        breaks = self.document.breaks
        name = self._required("mark", "name", attributes)
        after_break = bool(breaks) and breaks[-1].position == self._length
        self.document.bookmarks.append(Bookmark(self._length, name, after_break))

    def _inner_prosody(self, attributes: Mapping[str, str]) -> ProsodySpan:
        """Return the prosody inside an element, which adds to that around it."""
        if "pitch" in attributes and "pitch" not in self._controls:
            controls = ", ".join(self._controls) or "none"
            raise self.error(
                f"this voice has no control 'pitch'; it has {controls}. Leave it out, or use a voice that has it"
            )
        outer = self._prosody[-1]
        rate = outer.rate * self._parse(parse_rate, attributes.get("rate", "medium"))
        if not 0.1 <= rate <= 10:
            raise self.error(f"nested rates make {rate:g}, which is not between 0.1 and 10; change one of them")
        volume = outer.volume + self._parse(parse_volume, attributes.get("volume", "medium"))
        if volume > _LOUDEST:
            raise self.error(f"nested volumes make {volume:g} dB, which is more than {_LOUDEST:g}; change one of them")
        pitch = outer.pitch + self._parse(parse_pitch, attributes.get("pitch", "medium"))
        if abs(pitch) > _WIDEST:
            bound = f"not between -{_WIDEST:g} and {_WIDEST:g}"
            raise self.error(f"the pitch here is {pitch:g} semitones, which is {bound}; change it, or one around it")
        return ProsodySpan(0, 0, rate, volume, pitch)

    def _set_prosody(self, prosody: ProsodySpan | None) -> None:
        """Change the prosody from here on; None: back to that around the element that ends here."""
        last = self._prosody[-1]
        if last[2:] != _NEUTRAL[2:] and self._length > last.start:
            self.document.prosody_spans.append(last._replace(end=self._length))
        if prosody is None:
            self._prosody.pop()
            self._prosody[-1] = self._prosody[-1]._replace(start=self._length)
        else:
            self._prosody.append(prosody._replace(start=self._length))

    def _end_insert(self, name: str) -> None:
        assert self._insert is not None
        attributes, texts, start = self._insert
        self._insert = None
        written = "".join(texts)
        spoken, kind = self._spoken_form(name, attributes, written)
        if not spoken.strip():
            return
        self.document.inserts.append(Insert(self._length, written.strip() or spoken, spoken, kind))
        self._add(PLACEHOLDER, [start], [self._position()])

    def _spoken_form(self, name: str, attributes: Mapping[str, str], written: str) -> SpokenForm:
        if name == "sub":
            return self._required("sub", "alias", attributes), "text"
        if name == "say-as":
            kind = self._required("say-as", "interpret-as", attributes)
            return self._said_as(written, kind, attributes.get("format"))
        phones, alphabet = (self._required("phoneme", "ph", attributes), attributes.get("alphabet", "ipa"))
        if alphabet == "ipa":
            return " ".join(self._parse(from_ipa, phones)), "phones"
        if alphabet == "x-voxstack":
            parse_phones(phones, str(self.error(f"ph={excerpt(phones)!r}")))
            return phones, "phones"
        raise self.error(
            f"alphabet={excerpt(alphabet)!r} is not supported; write ipa, or x-voxstack for the voice's own phones"
        )

    def _said_as(self, written: str, kind: str, form: str | None) -> SpokenForm:
        """Return the spoken form for ``say-as``; what cannot be read in this way is read as text, with a warning."""
        try:
            return say_as(written, kind, form)
        except ValueError as error:
            _LOG.warning("%s", self.error(f"{error}; it is read as text"))
            return written, "text"

    def _required(self, name: str, key: str, attributes: Mapping[str, str]) -> str:
        value = attributes.get(key, "").strip()
        if not value:
            raise self.error(f'<{name}> has no effect without {key}="..."; add it')
        return value

    def _parse(self, parse: Callable[[str], T], written: str) -> T:
        try:
            return parse(written)
        except ValueError as error:
            raise self.error(str(error)) from error

    def _position(self) -> int:
        """Return the index of the parser's current character in the source."""
        index: int = self.expat.CurrentByteIndex
        return index if self._character_of_byte is None else int(self._character_of_byte[index])

    def _add(self, text: str, starts: Sequence[int], ends: Sequence[int]) -> None:
        around = (self._texts[-1][-1:] if self._texts else "") + text[:1]
        if self._ends_word and len(around) == 2 and around.isalnum() and PLACEHOLDER not in around:
            self._append(" ", starts[:1], starts[:1])
        self._ends_word = False
        self._append(text, starts, ends)

    def _append(self, text: str, starts: Sequence[int], ends: Sequence[int]) -> None:
        self._texts.append(text)
        self._length += len(text)
        self.document.starts.extend(starts)
        self.document.ends.extend(ends)
