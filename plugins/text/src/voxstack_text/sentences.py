"""Sentences: a long text, one sentence at a time."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from voxstack import Frames, StreamableBlock, StreamableWrapper, Utterance
from voxstack.blocks import Given, close
from voxstack.timeline import Timeline

_BLANK_LINES = re.compile(r"\n\s*\n|\Z")
_CUTS = (re.compile(r"[,;:)—–]\s"), re.compile(r"\s"))


@dataclass
class Sentences(StreamableWrapper):
    """Streams its child once for each sentence of ``text``, one after the other, each when it is asked for.

    The child sees the sentence as ``text``, as ``text_start`` the place of its first character in the whole text, and as
    ``timeline`` a view that begins where the sentence does. Sentences with nothing to pronounce are skipped.

    :param block: makes the frames or samples of one sentence.
    :param longest: characters of a sentence at most; a longer one is cut at punctuation if it can be, else at a space.
    """

    block: StreamableBlock
    longest: int = field(default=500, metadata={"minimum": 20})

    head = True

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    @property
    def needs(self) -> frozenset[str]:
        return (self.block.needs - {"text_start"}) | {"text"}

    def check_needs(self, given: Given, path: str) -> Given:
        super().check_needs({**given, "text_start": f"{path} (Sentences)"}, path)
        return given

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        base = utterance.get("text_start", 0)
        timeline: Timeline | None = utterance.get("timeline")
        given = 0
        for start, sentence in sentences(utterance["text"], self.longest):
            own = {**utterance, "text": sentence, "text_start": base + start}
            if timeline is not None:
                own["timeline"] = timeline.within(given)
            chunks = self.block.stream(iter(()), own)
            try:
                for chunk in chunks:
                    given += len(chunk)
                    yield chunk
            finally:
                close(chunks)


def sentences(text: str, longest: int = 500) -> Iterator[tuple[int, str]]:
    """Yield (place of its first character, sentence) for each sentence that has something to pronounce.

    Paragraphs, apart by blank lines, end sentences; inside them the library sentencex finds the ends.
    """
    from sentencex import segment  # type: ignore[import-untyped]  # compiled code, not needed to look at the block

    at = 0
    for blank in _BLANK_LINES.finditer(text):
        for piece in segment("en", text[at : blank.start()]):
            at = text.index(piece, at)
            yield from _short(text, at, at + len(piece), longest)
            at += len(piece)
        at = blank.end()


def _short(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, str]]:
    """Cut ``text[start:end]`` to pieces of at most ``longest`` characters, stripped."""
    while start < end:
        stop = end if end - start <= longest else _cut(text, start, start + longest)
        piece = text[start:stop]
        sentence = piece.strip()
        if _pronounceable(sentence):
            yield start + piece.index(sentence), sentence
        start = stop


def _pronounceable(sentence: str) -> bool:
    from voxstack_text.normalise import pronounceable  # its rules take a while to compile, and looking for plugins needs none

    return pronounceable(sentence)


def _cut(text: str, start: int, limit: int) -> int:
    """Where to cut before ``limit``: behind the last mark in the second half, else behind the last space, else there."""
    for mark, earliest in zip(_CUTS, ((start + limit) // 2, start), strict=True):
        found = [match.end() for match in mark.finditer(text, earliest, limit)]
        if found:
            return found[-1]
    return limit
