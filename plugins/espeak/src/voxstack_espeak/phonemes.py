"""The block ``EspeakPhonemes``, which turns text into phonemes as espeak-ng pronounces it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from voxstack import RequestError, Resources, SequenceBlock, Utterance
from voxstack_espeak.lexicon_words import LexiconText, check_ipa
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.phonemization import Clause, Phonemizer, WrittenWord
from voxstack_espeak.process_pool import ProcessPool
from voxstack_espeak.raw_phonemes import Part, split_raw
from voxstack_espeak.voices import prepare_voice
from voxstack_espeak.written_pauses import Edit, EditedText, dashes, ellipses, parentheses, periods


class PhonemeWord(NamedTuple):
    """A written word and its place among the phonemes.

    :param text: the word as written.
    :param start: index of its first character in the request's text, counted from ``text_start``.
    :param end: index after its last one, counted likewise.
    :param first: index of its first phoneme.
    :param phonemes: number of its phonemes.
    """

    text: str
    start: int
    end: int
    first: int
    phonemes: int


@dataclass
class EspeakPhonemes(SequenceBlock):
    """Turns ``text`` into ``phonemes`` by espeak-ng's rules: IPA with spaces and marks, as Piper's voices read it.

    ``phonemes`` is a list of strings, each one code point in normal form D, with spaces between words and the mark that
    ends each clause. A space follows marks within a sentence; none follows those that end one. A word of another
    language is pronounced by the rules of that language, and only its phonemes are written. Between double square
    brackets, phonemes are taken as they are: ``[[ həlˈoʊ ]]``.

    Words of the request's ``lexicon`` are pronounced as it says; its phones are IPA, too.

    ``phoneme_words`` is a list of :class:`PhonemeWord`: which phonemes belong to each written word. It is empty for
    utterances without a ``timeline``, to which words would be reported.

    :param voice: name, language or file of the voice of espeak-ng whose rules apply: ``en-us``, ``de``.
    :param glides: whether the glide between two vowels is written (ʲ), as espeak-ng does from version 1.52.0.1 on,
        also by 1.52.0, which inserts it but has no IPA for it.
    :param written_pauses: read each text as one sentence, with the pauses that are written: at each dash, ellipsis and
        parenthesis, and none after an abbreviation ("Dr. Smith"). Otherwise as espeak-ng and Piper read it: without
        marks for "--", "..." and parentheses, and with the end of a sentence after "Dr.".
    """

    voice: str = "en-us"
    glides: bool = False
    written_pauses: bool = False
    _phonemizer: Phonemizer | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"phonemes", "phoneme_words"})

    def load(self, addon: Resources) -> None:
        self._phonemizer = open_phonemizer(self, self.voice, self.glides)

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._phonemizer is not None, "EspeakPhonemes runs after load(addon)"
        passage = utterance.get("passage")
        written = _Written(*bracketed(utterance, "EspeakPhonemes"), passage)
        for part in split_raw(written.text):
            if part.raw:
                written.add_raw(part)
            elif part.text:
                read = LexiconText.of(part.text, utterance.get("lexicon"))
                edited = EditedText.of(read.text, _edits(read.text) if self.written_pauses else ())
                clauses = self._phonemizer.clauses(edited.text, "timeline" in utterance or read.has_ipa)
                for number, clause in enumerate(clauses):
                    if self.written_pauses and number:
                        written.separate()
                    written.add(clause, part.start, read, edited)
        return {"phonemes": written.phonemes, "phoneme_words": written.words if "timeline" in utterance else []}

    def check_lexicon(self, lexicon: Any) -> bool:
        check_ipa(lexicon)
        return True


class _Written:
    """The phonemes of a text while they are joined.

    :param opening: characters that were put before the text.
    :param passage: the passage that the text is of, or None.
    """

    def __init__(self, text: str, opening: int, passage: Any) -> None:
        self.text = text
        self.phonemes: list[str] = []
        self.words: list[PhonemeWord] = []
        self._opening, self._length, self._passage = opening, len(text) - opening, passage

    def separate(self) -> None:
        """Append a space, unless there is one: none follows the marks that end sentences."""
        if self.phonemes and self.phonemes[-1] != " ":
            self.phonemes.append(" ")

    def add(self, clause: Clause, start: int, read: LexiconText, edited: EditedText) -> None:
        """Append a clause of the part of the text that begins at ``start``.

        :param read: the part with the words of the lexicon replaced.
        :param edited: that, as espeak-ng reads it.
        """
        done = 0
        for word, (first, end) in clause.words:
            origin = edited.span(word.start, word.end)
            written, replaced = read.origin(WrittenWord(read.text[slice(*origin)], *origin))
            if replaced is not None and replaced.ipa and first >= done:
                self.phonemes += [*clause.phonemes[done:first], *replaced.ipa]
                done, place, count = end, len(self.phonemes) - len(replaced.ipa), len(replaced.ipa)
            else:
                place, count = len(self.phonemes) + first - done, end - first
            self._add_word(written.text, start + written.start, start + written.end, place, count)
        self.phonemes += [*clause.phonemes[done:], *clause.mark, *(" " if clause.mark and clause.mark in ",:;" else "")]

    def add_raw(self, part: Part) -> None:
        """Append phonemes, with a space on each side where the text has one."""
        if self.text[part.start - 1 : part.start] == " ":
            self.phonemes.append(" ")
        self._add_word(self.text[part.start : part.end], part.start, part.end, len(self.phonemes), len(part.text))
        self.phonemes += unicodedata.normalize("NFD", part.text)
        if self.text[part.end : part.end + 1] == " ":
            self.phonemes.append(" ")

    def _add_word(self, text: str, start: int, end: int, first: int, phonemes: int) -> None:
        start, end = max(0, start - self._opening), min(end - self._opening, self._length)
        if phonemes:
            start, end = (start, end) if self._passage is None else self._passage.span(start, end)
            if self.words and self.words[-1][1:3] == (start, end):  # of the words that are read for one
                word = self.words.pop()
                phonemes, first = first + phonemes - word.first, word.first
                text = text if text == word.text else f"{word.text} {text}"
            self.words.append(PhonemeWord(text, start, end, first, phonemes))


def _edits(text: str) -> Iterator[Edit]:
    yield from dashes(text)
    yield from ellipses(text)
    yield from parentheses(text)
    yield from periods(text)


def open_phonemizer(block: SequenceBlock, voice: str, glides: bool) -> Phonemizer:
    """Return the phonemizer of a block.

    :raises StackError: if espeak-ng has no such voice.
    """
    paths = LibraryPaths.find()
    name = type(block).__name__
    pool = ProcessPool.shared(paths)
    prepare_voice(pool, paths, voice, block.stack_path or name)
    return Phonemizer(pool, voice, glides, name)


def bracketed(utterance: Utterance, block: str) -> tuple[str, int]:
    """Return the text of an utterance, and how many characters were put before it.

    Brackets are put around phonemes that were cut: the passage says where it begins or ends within them.

    :raises RequestError: if the text arrives in parts.
    """
    text, passage = utterance["text"], utterance.get("passage")
    if not isinstance(text, str):
        raise RequestError(
            f"{block}: the text arrives in parts; put Sentences (plugin text) around the block, or join them"
        )
    opening = "[[" if passage is not None and passage.phones_before else ""
    closing = "]]" if passage is not None and passage.phones_after else ""
    return f"{opening}{text}{closing}", len(opening)
