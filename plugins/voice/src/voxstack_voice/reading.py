"""Readings: how a voice reads a text, as words, phonemes and pauses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from voxstack.streaming.timeline import Event
from voxstack.utterance import Utterance


class ReadWord(NamedTuple):
    """A written word, as it is read.

    :param text: the word as written.
    :param start: index of its first character in the request's text.
    :param end: index after its last character.
    :param spoken: the words that are spoken for it, separated by spaces; "" where the reader works on written words.
    :param phonemes: their names, as the voice's reader writes them; empty if the voice reads letters or parts of words.
    """

    text: str
    start: int
    end: int
    spoken: str = ""
    phonemes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """``word``."""
        return "word"


class ReadPause(NamedTuple):
    """A pause between words, or one whose duration the request sets.

    :param text: the marks that are written there; "" if there are none, or they are unknown.
    :param start: index of their first character in the request's text, or of what is between the words.
    :param end: index after their last one.
    :param seconds: its duration; None: the voice decides.
    """

    text: str
    start: int
    end: int
    seconds: float | None = None

    @property
    def kind(self) -> str:
        """``pause``."""
        return "pause"


@dataclass(frozen=True)
class Reading:
    """The reading of a sentence, or of a phrase of one that is cut.

    :param kind: ``sentence`` or ``phrase``.
    :param text: the sentence as written.
    :param start: index of its first character in the request's text.
    :param end: index after its last character.
    :param items: its words and the pauses between them, in order.
    :param phonemes: all its phonemes, with what is between words.
    """

    kind: str
    text: str
    start: int
    end: int
    items: tuple[ReadWord | ReadPause, ...]
    phonemes: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[ReadWord, ...]:
        """The words, in order."""
        return tuple(item for item in self.items if isinstance(item, ReadWord))

    @property
    def pauses(self) -> tuple[ReadPause, ...]:
        """The pauses, in order."""
        return tuple(item for item in self.items if isinstance(item, ReadPause))

    @property
    def spoken(self) -> str:
        """The words that are spoken, separated by spaces, with a comma at each pause."""
        parts = ["," if isinstance(item, ReadPause) else item.spoken or item.text for item in self.items]
        return " ".join(parts).replace(" ,", ",")


def reading_of(utterance: Utterance) -> Reading:
    """Return the reading of an utterance from what the blocks that read text have added to it."""
    offset, unit = utterance.get("text_start", 0), utterance.get("unit")
    text = utterance["text"] if unit is None else unit.text
    text = text if isinstance(text, str) else ""  # it arrived in parts, which are gone
    start, end = (0, len(text)) if unit is None else (unit.start, unit.end)
    places = _Places(text, offset + start, offset + end)
    if "phonemes" in utterance:
        symbols = list(utterance["phonemes"])
        items = list(_phoneme_items(symbols, utterance.get("phoneme_words", ()), offset, places))
    else:
        symbols = _symbols(utterance)
        items = list(_token_items(utterance, symbols, offset, places))
    kind = "sentence" if unit is None else unit.kind
    return Reading(kind, text, places.start, places.end, tuple(items), tuple(filter(None, symbols)))


class _Places(NamedTuple):
    """A sentence and its span in the request's text."""

    text: str
    start: int
    end: int

    def pause(self, start: int, end: int, seconds: float | None = None, marks: str = "") -> ReadPause:
        """Return a pause between two words.

        :param start: index after the word before it in the request's text.
        :param end: index of the first character of the word after it.
        :param marks: what is written there, where the text does not show it.
        """
        end = max(start, end)
        if len(self.text) == self.end - self.start:  # otherwise there is markup
            between = self.text[start - self.start : end - self.start]
            marks = between.strip() or marks
            start += max(0, between.find(marks))
            end = start + len(between.strip()) if between.strip() else end
        return ReadPause(marks, start, end, seconds)


def _symbols(utterance: Utterance) -> list[str]:
    """Return the phoneme of each token, with its stress if the reader gives that; "" for silences and blanks."""
    spoken = utterance.get("spoken")
    names: Sequence[str] = utterance.get("phones", ()) if spoken is None else [phone.symbol for phone in spoken]
    silences = utterance.get("silences", [False] * len(names))
    return ["" if silent else name for name, silent in zip(names, silences, strict=True)]


def _token_items(
    utterance: Utterance, symbols: Sequence[str], offset: int, places: _Places
) -> Iterator[ReadWord | ReadPause]:
    """Yield the words among tokens, and the silences or, without these, the marks between them."""
    pauses = list(_silences(utterance))
    spoken = [phone.spoken for phone in utterance.get("spoken", ())]
    marked, done, before = "silences" not in utterance, 0, places.start
    for word in utterance.get("words", ()):
        start, end = offset + word.start, offset + word.end
        while pauses and pauses[0][0] < word.first_token:
            yield places.pause(before, start, pauses.pop(0)[1])
        if marked and before > places.start and (marks := _marks(symbols[done : word.first_token])):
            yield places.pause(before, start, marks=marks)
        done = word.first_token + word.tokens
        rows = slice(word.first_token, done)
        phonemes = tuple(symbol for symbol in symbols[rows] if symbol and not symbol.isspace())
        yield ReadWord(word.text, start, end, _joined(spoken[rows]), phonemes)
        before = end
    for _, seconds in pauses:
        yield places.pause(before, places.end, seconds)


def _silences(utterance: Utterance) -> Iterator[tuple[int, float | None]]:
    """Yield the token of each silence and its seconds; of those at both ends, the ones that the request sets."""
    silences = utterance.get("silences", ())
    seconds = utterance.get("pauses", [math.nan] * len(silences))
    for token, silent in enumerate(silences):
        requested = not math.isnan(seconds[token])
        if silent and (seconds[token] > 0 if token in (0, len(silences) - 1) else True):
            yield token, float(seconds[token]) if requested else None


def _joined(words: Sequence[str]) -> str:
    """Return spoken words, separated by spaces, with their endings: "john" and "'s" are "john's"."""
    return " ".join(filter(None, words)).replace(" '", "'").replace(" n't", "n't")


def _phoneme_items(
    symbols: Sequence[str], words: Sequence[Any], offset: int, places: _Places
) -> Iterator[ReadWord | ReadPause]:
    """Yield the words that ``phoneme_words`` places, and the marks between them."""
    done, before = 0, places.start
    for number, word in enumerate(words):
        start, end = offset + word.start, offset + word.end
        if number and (marks := _marks(symbols[done : word.first])):
            yield places.pause(before, start, marks=marks)
        done, before = word.first + word.phonemes, end
        yield ReadWord(word.text, start, end, "", tuple(s for s in symbols[word.first : done] if not s.isspace()))


def _marks(symbols: Sequence[str]) -> str:
    """Return the marks among symbols between two words."""
    return "".join(symbol for symbol in symbols if not symbol.isspace() and not any(map(str.isalpha, symbol)))


def readings_of_events(text: str, events: Sequence[Event]) -> Iterator[Reading]:
    """Yield the readings of a text from the events of a synthesizer that reads it by itself.

    A phoneme belongs to the last word that begins no later than it.
    """
    by_kind: Mapping[str, list[Event]] = {
        kind: [event for event in events if event.kind == kind] for kind in ("sentence", "phrase", "word", "phoneme")
    }
    units = sorted([*by_kind["sentence"], *by_kind["phrase"]], key=lambda event: event.start)
    if not units and by_kind["word"]:
        units = [Event("sentence", text, by_kind["word"][0].start, 0.0)]
    for unit, until in _until_next(units):
        words = [event for event in by_kind["word"] if unit.start <= event.start < until]
        phonemes = [event for event in by_kind["phoneme"] if unit.start <= event.start < until]
        items = []
        for word, end in _until_next(words):
            own = tuple(phoneme.text for phoneme in phonemes if word.start <= phoneme.start < end)
            items.append(ReadWord(word.text, *(word.span or (0, 0)), "", own))
        first, last = unit.span or (0, len(text))
        yield Reading(unit.kind, unit.text, first, last, tuple(items), tuple(phoneme.text for phoneme in phonemes))


def _until_next(events: Sequence[Event]) -> Iterator[tuple[Event, float]]:
    """Yield events in order of time, each with the start of the one after it."""
    for number, event in enumerate(events):
        yield event, events[number + 1].start if number + 1 < len(events) else math.inf
