"""Sentences: a text of any length, one sentence at a time."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from voxstack import Block, ContextError, Frames, Resources, StreamableBlock, StreamableWrapper, Utterance
from voxstack.blocks import Available, children, close
from voxstack.streaming.timeline import Timeline
from voxstack_text.passage import Passage
from voxstack_text.sentences.cut_search import SMALLEST
from voxstack_text.sentences.sentence_stream import segments
from voxstack_text.sentences.token_limit import pieces
from voxstack_text.text import Text

_ONE_A_TOKEN = Text.gives - {"words", "marks"}


class Unit(NamedTuple):
    """What is spoken at once: ``text`` as it is written, from character ``start`` to ``end``, counted from ``text_start`` on.

    ``kind`` is ``sentence``, or ``phrase`` for a piece of a sentence that was cut.
    """

    kind: str
    text: str
    start: int
    end: int

    @classmethod
    def of(cls, passage: Passage) -> Unit:
        """The unit that a passage is."""
        whole = not passage.ending and passage.lead != 0
        return cls("sentence" if whole else "phrase", passage.written, 0, passage.span(0, len(passage.text))[1])


@dataclass
class Sentences(StreamableWrapper):
    """Streams its child once for each sentence of ``text``, one after the other, each when it is asked for.

    The text is a ``str``, or an iterator of pieces of it as they are written: then audio begins with the first phrase. With
    ``markup`` set to ``"ssml"`` it is an SSML document (:mod:`voxstack_text.ssml.parser`).

    The child sees the sentence as ``text``, the place of its first character in the whole as ``text_start``, what else there is
    to know of it as ``passage`` (:class:`voxstack_text.passage.Passage`, for ``Text``), and as ``timeline`` a view that begins
    where the sentence does; ``unit`` (:class:`Unit`) is for what knows how long it is to report. Sentences with nothing to
    pronounce are skipped.

    Where networks of the child take so many tokens at most (``limits``), no more are given to it at once: longer sentences are cut at
    the best places (:func:`voxstack_text.sentences.cut_search.cuts`). That is done with what the one ``Text`` inside makes of the whole sentence.

    :param block: makes the frames or samples of one sentence.
    :param first: characters of what is spoken first, at most: a longer sentence is cut there, so that audio begins early.
    :param longest: characters of any other sentence at most; a longer one is cut at punctuation if it can be, else at a space.
    :param language: in which sentences are found, as a BCP 47 tag.
    """

    block: StreamableBlock
    first: int = field(default=200, metadata={"minimum": 20})
    longest: int = field(default=500, metadata={"minimum": 20})
    language: str = "en"
    _controls: Mapping[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _most: int | None = field(default=None, init=False, repr=False, compare=False)
    _text: Text | None = field(default=None, init=False, repr=False, compare=False)

    head = True

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    @property
    def needs(self) -> frozenset[str]:
        return (self.block.needs - {"text_start", "passage", "unit"}) | {"text"}

    def load(self, addon: Resources) -> None:
        for _ in segments(
            "Now."
        ):  # what this imports takes some milliseconds, and later somebody waits for the first audio
            pass
        self._controls = addon.config.get("controls", {})
        limits = self.block.limits
        self._most = min((most for name, most in limits.items() if name in _ONE_A_TOKEN), default=None)
        if self._most is not None:
            if self._most < SMALLEST:
                raise ContextError(
                    f"the context's largest size is {self._most} tokens, too few for a syllable between silences; "
                    f"give one of at least {SMALLEST} for 'tokens' in its 'shapes'"
                )
            texts = [block for block in _inside(self.block) if isinstance(block, Text)]
            self._text = texts[0] if len(texts) == 1 else None  # whoever else makes the tokens has to keep to the limit

    def check_needs(self, given: Available, path: str) -> Available:
        super().check_needs({**given, **dict.fromkeys(("text_start", "passage", "unit"), f"{path} (Sentences)")}, path)
        return given

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        base = utterance.get("text_start", 0)
        timeline: Timeline | None = utterance.get("timeline")
        given = 0
        passages = self._fitting(self._passages(utterance))
        try:
            for passage in passages:
                own = {
                    **utterance,
                    "text": passage.text,
                    "markup": "text",
                    "text_start": base + passage.start,
                    "passage": passage,
                }
                own["unit"] = Unit.of(passage)
                if timeline is not None:
                    own["timeline"] = timeline.within(given)
                if passage.pitch:
                    own["pitch"] = utterance.get("pitch", 0.0) + passage.pitch
                chunks = self.block.stream(iter(()), own)
                try:
                    for chunk in chunks:
                        given += len(chunk)
                        yield chunk
                finally:
                    close(chunks)
        finally:
            passages.close()

    def _fitting(self, passages: Generator[Passage, None, None]) -> Generator[Passage, None, None]:
        """The passages, in pieces if they have more tokens than the child takes."""
        with closing(passages):
            for passage in passages:
                if self._text is None or self._most is None:
                    yield passage
                else:
                    yield from pieces(passage, self._text.layout(passage), self._most)

    def _passages(self, utterance: Utterance) -> Generator[Passage, None, None]:
        text = utterance["text"]
        if utterance.get("markup", "text") != "ssml":
            return _plain(text, self.first, self.longest, self.language.partition("-")[0].lower())
        from voxstack_text.ssml.parser import document  # most requests are plain text

        return document(text if isinstance(text, str) else "".join(text), self._controls).passages(
            self.first, self.longest
        )


def _plain(text: str | Iterator[str], first: int, longest: int, language: str) -> Generator[Passage, None, None]:
    with closing(segments(text, first, longest, language)) as found:
        for start, piece, ending, opens in found:
            yield Passage(piece, start, ending, math.nan if opens else 0.0)


def _inside(block: Block) -> Iterator[Block]:
    yield block
    for _, child in children(block, ""):
        yield from _inside(child)
