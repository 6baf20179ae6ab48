"""The text of a request: checked, and read part by part while it is written."""
# ruff: noqa: RUF001 -- quotes and marks that look alike are the subject here

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from os import PathLike

from voxstack.errors import RequestError

_HIGH, _LOW = ("[\ud800-\udbff]", "[\udc00-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile(f"{_HIGH}{_LOW}")
_SENTENCE_END = re.compile(r"[.!?…。！？]['\")\]’”»]*(?=\s|$)")
_JOINER = "\u2060"  # no letter: after a joined pair it keeps the places of all that follows
_MARKS = frozenset("%&@#*/\\_")  # punctuation that some readers name


def nothing_to_pronounce(name: str, languages: str) -> RequestError:
    """Return the error for a text of which a voice can pronounce nothing.

    :param languages: that the voice reads.
    """
    reads = f"; it reads {languages}" if languages else ""
    return RequestError(f"{name} finds nothing to pronounce in this text{reads}: give it words or numbers")


def check_end(text: object, found: bool, name: str, languages: str) -> None:
    """Check how a text ended, once all of it is spoken or read.

    :param found: whether there was anything in it to pronounce.
    :raises Exception: what the source of the text raised, as it is.
    :raises RequestError: if there was nothing to pronounce.
    """
    failure: Exception | None = getattr(text, "failure", None)
    if failure is not None:
        raise failure
    if not found:
        raise nothing_to_pronounce(name, languages)


def request_text(text: object, name: str, languages: str) -> str | ArrivingText:
    """Return the text of a request, or an iterator of its parts, without halves of characters.

    :param name: of the voice, for errors.
    :param languages: that it reads, for errors.
    :raises RequestError: for a text with nothing to pronounce, and for anything that is neither a ``str`` nor an
        iterable of them.
    """
    if isinstance(text, str):
        if not has_content(text):
            raise nothing_to_pronounce(name, languages)
        return joined_surrogates(text)
    if isinstance(text, Iterable) and not isinstance(text, (bytes, bytearray, memoryview, Mapping)):
        return ArrivingText(text, name)
    raise RequestError(f"{name}: the text is {_described(text)}")


def _described(text: object) -> str:
    """Return what something is that is no text, and what to give instead."""
    if text is None:
        return "None; give a str"
    if isinstance(text, (bytes, bytearray, memoryview)):
        return f"{type(text).__name__}, not a str; decode it: text.decode()"
    if isinstance(text, PathLike):
        return "a path, not a str; read the file first: path.read_text(encoding='utf-8')"
    if isinstance(text, AsyncIterable):
        return "an asynchronous iterable, which only astream() reads; give a str or an iterable of str here"
    return f"of type {type(text).__name__}, {text!r:.40}; give a str"


def has_content(text: str) -> bool:
    """Return whether a text has a letter of any script, a digit or a sign: what some voice may pronounce."""
    return any(
        character.isalnum() or character in _MARKS or unicodedata.category(character)[0] == "S" for character in text
    )


def joined_surrogates(text: str) -> str:
    """Return a text in which pairs of surrogates are characters and lone ones are U+FFFD; all places stay."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    text = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16") + _JOINER, text)
    return _SURROGATE.sub("\ufffd", text)


class ArrivingText(Iterator[str]):
    """The parts of a text as they arrive, from the first that has something to pronounce on.

    If the source raises, the text ends there, and ``failure`` is the exception: what is complete is spoken first.

    :param source: gives the parts, cut anywhere.
    :param name: of the voice, for errors.
    """

    def __init__(self, source: Iterable[object], name: str) -> None:
        self.failure: Exception | None = None
        self._source, self._name = iter(source), name
        self._half = ""  # the first half of a character whose second half is in the next part
        self._leading: list[str] | None = []  # parts before the first with content
        self._ended = False

    def __next__(self) -> str:
        while not self._ended:
            part = joined_surrogates(self._next_part())
            if self._leading is None:
                return part
            self._leading.append(part)
            if has_content(part):
                text, self._leading = "".join(self._leading), None
                return text
        raise StopIteration

    def whole(self) -> str:
        """Return the text once all parts have arrived; if the source failed, up to its last complete sentence."""
        text = "".join(self)
        if self.failure is None:
            return text
        ends = [match.end() for match in _SENTENCE_END.finditer(text)]
        return text[: ends[-1]] if ends else ""

    def _next_part(self) -> str:
        """Return the next part with the half of a character before it, without the one at its end, which is kept."""
        half, self._half = self._half, ""
        try:
            part = next(self._source)
        except StopIteration:
            self._ended = True
            return half
        except Exception as error:
            self._ended, self.failure = True, error
            return ""
        if not isinstance(part, str):
            self._ended = True
            self.failure = RequestError(f"{self._name}: a part of the text is {_described(part)}")
            return ""
        part = half + part
        if "\ud800" <= part[-1:] <= "\udbff":
            self._half, part = part[-1], part[:-1]
        return part

    def close(self) -> None:
        """Close the source, if it can be closed."""
        close = getattr(self._source, "close", None)
        if close is not None:
            close()
