"""The block ``Lexicon``, which reads words by a pronunciation dictionary in a file of the addon."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from voxstack import AddonError, RequestError, Resources, SequenceBlock, StackError, Utterance
from voxstack_text.layout import Word
from voxstack_text.lexicon_units import Unit, find_units
from voxstack_text.spoken_numbers import SpokenToken, spoken_numbers

_LOG = logging.getLogger("voxstack.text")
MAX_BYTES = 64 * 1024 * 1024
"""Most bytes of a dictionary; the largest published ones have a tenth of that."""


class Reading(NamedTuple):
    """The tokens of a word, and the tone of each."""

    tokens: list[int]
    tones: list[int]


@dataclass
class Lexicon(SequenceBlock):
    """Reads words by a pronunciation dictionary: ``tokens``, (tokens,) int64, with ``words`` and ``phones`` for events.

    The dictionary is a text file in UTF-8 with a word in each line and after it its phones, separated by spaces. With
    ``tones`` as many numbers follow the phones, and the block also gives ``tones``, (tokens,) int64: the tone of each
    token, 0 for blanks. MeloTTS and models for sherpa-onnx come with such files. The first line of a word
    counts. Of ideographs the longest sequence that is in the dictionary is a word. A word that is not in it is read by
    its letters, if these are. Marks that have a symbol are read as that. The rest is skipped, with a warning in the
    log. Words of the request's ``lexicon`` come first; its phones are those of ``symbols``, with tones after them.

    The tokens are those of ``start``, then ``blank``, then each phone and ``blank`` again, then those of ``end``.

    :param file: name of the dictionary in the addon.
    :param symbols: the token of each phone and mark.
    :param tones: whether the dictionary has tones.
    :param start: tokens before all others.
    :param blank: tokens before the first phone, between phones, and after the last.
    :param end: tokens after all others.
    :param start_tones: tones of ``start``; by default 0 for each.
    :param end_tones: likewise, those of ``end``.
    :param mark_tone: tone of marks.
    :param same: characters that are read as others, such as full-width marks.
    :param lower: look up the lower case of words, in the text as in the dictionary.
    :param apostrophes: whether an apostrophe may be part of a word, if the dictionary has that; otherwise it is a mark.
    :param longest: most ideographs of a word.
    :param numbers: language by whose rules numbers, amounts, dates and signs are read; by default they are skipped.
    """

    file: str
    symbols: dict[str, int]
    tones: bool = False
    start: list[int] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    start_tones: list[int] = field(default_factory=list)
    end_tones: list[int] = field(default_factory=list)
    mark_tone: int = field(default=0, metadata={"minimum": 0, "maximum": 65535})
    same: dict[str, str] = field(default_factory=dict)
    lower: bool = True
    apostrophes: bool = True
    longest: int = field(default=10, metadata={"minimum": 1, "maximum": 64})
    numbers: Literal["en-US"] | None = None
    _words: Mapping[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _names: Mapping[int, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    needs = frozenset({"text"})

    @property
    def gives(self) -> frozenset[str]:
        return frozenset({"tokens", "words", "phones"} | ({"tones"} if self.tones else set()))

    def load(self, addon: Resources) -> None:
        for name, tones in (("start", self.start_tones), ("end", self.end_tones)):
            if tones and len(tones) != len(getattr(self, name)):
                problem = f"has {len(tones)} numbers; write one for each of the {len(getattr(self, name))} of {name!r}"
                raise StackError(f"{name}_tones", problem)
        size = addon.config["files"].get(self.file, {}).get("size", 0)
        if size > MAX_BYTES:
            problem = f"has {size} bytes, and a Lexicon reads at most {MAX_BYTES}; leave rare words out"
            raise AddonError(f"{addon.name}: {self.file}", problem)
        content = addon.files.read(self.file)
        try:
            lines = content.decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise AddonError(f"{addon.name}: {self.file}", f"is not a text in UTF-8 ({error})") from error
        words: dict[str, str] = {}
        for line in lines:
            word, *phones = line.split(None, 1)[:2] or [""]
            if phones:
                words.setdefault(word.lower() if self.lower else word, phones[0])
        if not words:
            raise AddonError(f"{addon.name}: {self.file}", "has no line with a word and its phones")
        self._words = words
        self._names = {token: symbol for symbol, token in self.symbols.items()}

    def check_lexicon(self, lexicon: Any) -> bool:
        for entry in lexicon.entries:
            if entry.kind == "ipa" or (entry.kind == "phones" and self._parsed(entry.value) is None):
                form = "phones, and as many tones after them" if self.tones else "phones"
                some = " ".join(list(self.symbols)[:40])
                problem = f"{entry.value!r:.60} is no pronunciation of this voice; write its {form}, of {some} ..."
                raise RequestError(f"{entry.where}: {problem}")
        return True

    def __call__(self, utterance: Utterance) -> Utterance:
        text, phones = utterance["text"], [""] * (len(self.start) + len(self.blank))
        if not isinstance(text, str):
            raise RequestError("Lexicon: the text arrives in parts; put Sentences around the block, or join them")
        tokens, tones, words = [*self.start, *self.blank], [*self._around("start"), *([0] * len(self.blank))], []
        for unit, reading in self._read(text, utterance.get("lexicon")):
            first = len(tokens) - len(self.blank)
            for token, tone in zip(reading.tokens, reading.tones, strict=True):
                tokens += [token, *self.blank]
                tones += [tone, *([0] * len(self.blank))]
                phones += [self._names[token], *([""] * len(self.blank))]
            if unit.kind != "mark":
                words.append(Word(unit.text, unit.start, unit.end, first, len(tokens) - len(self.blank) - first))
        if len(tokens) == len(self.start) + len(self.blank):
            raise RequestError(
                f"Lexicon: no word of {text!r} is in the dictionary, so there is nothing to synthesize; give a text in "
                "the voice's language"
            )
        tones += self._around("end")
        phones += [""] * len(self.end)
        given = {"tokens": np.array([*tokens, *self.end], np.int64), "words": words, "phones": phones}
        return {**given, "tones": np.array(tones, np.int64)} if self.tones else given

    def _around(self, name: str) -> list[int]:
        tones: list[int] = getattr(self, f"{name}_tones")
        return tones or [0] * len(getattr(self, name))

    def _read(self, text: str, lexicon: Any) -> Iterator[tuple[Unit, Reading]]:
        """Yield the words and marks that can be read, each with its reading."""
        numbers = list(spoken_numbers(text, self._words.__contains__)) if self.numbers else []
        done = 0
        for found in () if lexicon is None else lexicon.find(text):
            yield from self._read_range(text, done, found.start, numbers)
            yield Unit("word", text[found.start : found.end], found.start, found.end), self._user_reading(found)
            done = found.end
        yield from self._read_range(text, done, len(text), numbers)

    def _user_reading(self, found: Any) -> Reading:
        """Return the reading of a word of the request's lexicon; a possessive or plural ending is a z or an s."""
        if found.kind == "alias":
            readings = [reading for _, reading in self._read_range(found.value, 0, len(found.value), [])]
        else:
            readings = [self._parsed(found.value) or Reading([], [])]
        ending = next((self.symbols[name] for name in ("z", "s") if found.ending and name in self.symbols), None)
        readings += [] if ending is None else [Reading([ending], [0])]
        return Reading([t for reading in readings for t in reading.tokens], [t for one in readings for t in one.tones])

    def _read_range(
        self, text: str, start: int, end: int, numbers: Sequence[SpokenToken]
    ) -> Iterator[tuple[Unit, Reading]]:
        for unit, words in self._spoken(text, start, end, numbers):
            readings = [self._reading(word) or self._spelled(word) for word in words]
            if tokens := [token for reading in readings for token in reading.tokens]:
                yield unit, Reading(tokens, [tone for reading in readings for tone in reading.tones])
            else:
                _LOG.warning("skipped %r of %r: it is neither in the dictionary nor a symbol", unit.text, text)

    def _spoken(
        self, text: str, start: int, end: int, numbers: Sequence[SpokenToken]
    ) -> Iterator[tuple[Unit, list[str]]]:
        """Yield the words and marks of ``text[start:end]``, each with the words that are spoken for it."""
        for token in (number for number in numbers if start <= number.start and number.end <= end):
            yield from ((unit, [unit.text]) for unit in self._split(text, start, token.start))
            yield Unit("word", text[token.start : token.end], token.start, token.end), token.words
            start = token.end
        yield from ((unit, [unit.text]) for unit in self._split(text, start, end))

    def _split(self, text: str, start: int, end: int) -> Iterator[Unit]:
        """Yield the longest words of the dictionary in ``text[start:end]``, and what is between them."""
        units = list(find_units(text, start, end))
        index = 0
        while index < len(units):
            parts = self._candidate(units, index)
            while len(parts) > 1 and self._key("".join(part.text for part in parts)) not in self._words:
                parts.pop()
            written = "".join(part.text for part in parts)
            kind = parts[0].kind if len(parts) == 1 else "word"
            yield Unit(kind, written, parts[0].start, parts[-1].end)
            index += len(parts)

    def _candidate(self, units: list[Unit], index: int) -> list[Unit]:
        """Return the units from an index on that may be one word."""
        parts = [units[index]]
        for following in units[index + 1 : index + self.longest]:
            if not parts[-1].joins(following, self.apostrophes):
                break
            parts.append(following)
        return parts

    def _key(self, written: str) -> str:
        same = "".join(self.same.get(character, character) for character in written)
        return same.lower() if self.lower else same

    def _reading(self, written: str) -> Reading | None:
        """Return the reading of a word of the dictionary, or of a symbol; None for anything else."""
        key = self._key(written)
        if (reading := self._parsed(self._words.get(key, ""))) is not None:
            return reading
        is_mark = key in self.symbols and not key.isalnum()  # a letter is not the phone of the same name
        return Reading([self.symbols[key]], [self.mark_tone]) if is_mark else None

    def _parsed(self, pronunciation: str) -> Reading | None:
        """Return the reading of phones, with tones after them if there are any; None if they are not of this voice."""
        phones = pronunciation.split()
        count = len(phones) // 2 if self.tones else len(phones)
        tones = phones[count:] if self.tones else ["0"] * count
        if (
            count
            and len(tones) == count
            and all(phone in self.symbols for phone in phones[:count])
            and all(tone.isdecimal() for tone in tones)
        ):
            return Reading([self.symbols[phone] for phone in phones[:count]], [int(tone) for tone in tones])
        return None

    def _spelled(self, written: str) -> Reading:
        """Return the readings of the letters of a word, one after the other; those of unknown letters are empty."""
        read = [self._reading(letter) for letter in written] if len(written) > 1 else []
        known = [reading for reading in read if reading is not None]
        return Reading(
            [token for reading in known for token in reading.tokens],
            [tone for reading in known for tone in reading.tones],
        )
