"""The block ``JapanesePhonemes``, which turns Japanese text into phonemes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from voxstack import RequestError, Resources, SequenceBlock, Utterance
from voxstack_japanese.kana import phonemes_of
from voxstack_japanese.normalising import Normalised, normalised
from voxstack_japanese.words import Word, known_words, read_words

_OPENING, _CLOSING = frozenset("「『«"), frozenset("」』»")
_OPENING_MARKS, _CLOSING_MARKS = frozenset("(["), frozenset("]).,?!:")
_BRACKETS = {"(": "«", ")": "»"}
_GLOTTAL = "ʔ"
_SPACE_STAYS_AFTER = frozenset('!",.:;?»—…”')
_SPACE_STAYS_BEFORE = frozenset('"«“')


class PhonemeWord(NamedTuple):
    """A written word and its place among the phonemes.

    :param text: the word as written.
    :param start: index of its first character in the text, counted from ``text_start``; ``end`` that after its last.
    :param first: index of its first phoneme.
    :param phonemes: number of its phonemes.
    """

    text: str
    start: int
    end: int
    first: int
    phonemes: int


class _Symbol(NamedTuple):
    """A phoneme, mark or space, and the number of its word; -1: none."""

    text: str
    word: int


@dataclass
class JapanesePhonemes(SequenceBlock):
    """Turns Japanese ``text`` into ``phonemes``, a list of symbols of one character, with spaces between words.

    The readings are those of OpenJTalk's dictionary, which is inside the package pyopenjtalk-plus; the phonemes and the
    spaces are those that Kokoro's Japanese voices were trained on, as the Japanese romanisation of misaki writes them:
    IPA with a glottal stop for a doubled consonant, without pitch accent. Numbers are read as numbers, Latin letters by
    their names; characters without a reading are left out.

    ``phoneme_words`` is a list of :class:`PhonemeWord`: the written words with their phonemes, for events.
    """

    _known: frozenset[str] = field(default=frozenset(), init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"phonemes", "phoneme_words"})

    def load(self, addon: Resources) -> None:
        self._known = known_words()
        read_words("あ", self._known)  # the dictionary takes a second to open, and later a caller waits

    def __call__(self, utterance: Utterance) -> Utterance:
        text = utterance["text"]
        if not isinstance(text, str):
            raise RequestError(
                "JapanesePhonemes: the text arrives in parts; put Sentences (plugin text) around it, or join them"
            )
        plain = normalised(text.replace("\0", " "))
        words = read_words(plain.text, self._known or known_words()) if plain.text.strip() else []
        symbols = _without_glottal_spaces(_squeezed(_joined(words)))
        return {
            "phonemes": [symbol.text for symbol in symbols],
            "phoneme_words": _spoken_words(text, plain, words, symbols),
        }


def _spoken_words(text: str, plain: Normalised, words: Sequence[Word], symbols: Sequence[_Symbol]) -> list[PhonemeWord]:
    """Return the written words with their symbols; a number is one word, though several are spoken for it."""
    found: list[PhonemeWord] = []
    for number, group in groupby(enumerate(symbols), key=lambda place: place[1].word):
        indices = [index for index, _ in group]
        if number < 0:
            continue
        start, end = plain.spans[words[number].start][0], plain.spans[words[number].end - 1][1]
        if found and start < found[-1].end:
            last = found[-1]
            end = max(end, last.end)
            phonemes = indices[-1] + 1 - last.first
            found[-1] = last._replace(text=text[last.start : end], end=end, phonemes=phonemes)
        elif any(map(str.isalnum, text[start:end])):
            found.append(PhonemeWord(text[start:end], start, end, indices[0], len(indices)))
    return found


def _joined(words: Sequence[Word]) -> list[_Symbol]:
    """Return the symbols of all words, with the spaces between them."""
    parts: list[tuple[str, bool]] = []
    for word in words:
        sounds = phonemes_of(word.reading)
        if word.surface in _OPENING or sounds in _OPENING_MARKS:
            parts[-1:] = [(sounds_before, True) for sounds_before, _ in parts[-1:]]
            parts.append((sounds, False))
        elif word.surface in _CLOSING or sounds in _CLOSING_MARKS:
            parts[-1:] = [(sounds_before, False) for sounds_before, _ in parts[-1:]]
            parts.append((sounds, True))
        else:
            parts.append((sounds, sounds != " "))
    symbols = []
    for number, (sounds, space) in enumerate(parts):
        symbols += [_Symbol(_BRACKETS.get(sound, sound), -1 if sound.isspace() else number) for sound in sounds]
        symbols += [_Symbol(" ", -1)] if space else []
    return symbols


def _squeezed(symbols: Sequence[_Symbol]) -> list[_Symbol]:
    """Return symbols with one space for each run of them, and none at the ends."""
    found: list[_Symbol] = []
    for symbol in symbols:
        if not symbol.text.isspace() or (found and found[-1].text != " "):
            found.append(symbol)
    return found[:-1] if found and found[-1].text == " " else found


def _without_glottal_spaces(symbols: Sequence[_Symbol]) -> list[_Symbol]:
    """Return symbols without the spaces before and after a glottal stop, but for those beside marks."""

    def stays() -> Iterator[bool]:
        for index, symbol in enumerate(symbols):
            before = symbols[index - 1].text if index else ""
            after = symbols[index + 1].text if index + 1 < len(symbols) else ""
            joins_next = after == _GLOTTAL and before not in _SPACE_STAYS_AFTER
            joins_last = before == _GLOTTAL and after not in _SPACE_STAYS_BEFORE
            yield symbol.text != " " or not (joins_next or joins_last)

    return [symbol for symbol, kept in zip(symbols, stays(), strict=True) if kept]
