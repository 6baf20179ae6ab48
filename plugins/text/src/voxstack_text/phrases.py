"""The block ``Phrases``, which keeps the phonemes that a model reads at once below its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from voxstack import Frames, StreamableBlock, StreamableWrapper, Utterance
from voxstack.streaming.closing import close
from voxstack.streaming.timeline import Timeline
from voxstack.streaming.turn import check_cancelled
from voxstack_text.passage import Passage
from voxstack_text.sentences.symbol_cuts import cut_symbols
from voxstack_text.sentences_block import Unit


@dataclass
class Phrases(StreamableWrapper):
    """Streams its child once for each part of ``phonemes`` that has no more symbols than a model reads at once.

    A limit of characters, which ``Sentences`` has, does not bound the phonemes: a number is short and long to say. The
    parts are as few as possible and of similar length, cut after the end of a sentence, else after a comma or the like,
    else at a space, else anywhere. Each has the words that begin in it, and is a ``phrase`` of the timeline.

    :param block: makes the frames or samples of one part.
    :param longest: the most symbols of a part.
    """

    block: StreamableBlock
    longest: int = field(metadata={"minimum": 8, "maximum": 100_000})

    head = True

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    @property
    def needs(self) -> frozenset[str]:
        return self.block.needs | {"phonemes"}

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        symbols = utterance["phonemes"]
        parts = cut_symbols(symbols, self.longest)
        timeline: Timeline | None = utterance.get("timeline")
        yielded = 0
        for number, (start, end) in enumerate(parts):
            check_cancelled()
            own = utterance if len(parts) == 1 else _part_of(utterance, start, end, number == len(parts) - 1)
            if timeline is not None:
                own = {**own, "timeline": timeline.within(yielded)}
            chunks = self.block.stream(iter(()), own)
            try:
                for chunk in chunks:
                    yielded += len(chunk)
                    yield chunk
            finally:
                close(chunks)


def _part_of(utterance: Utterance, start: int, end: int, is_last: bool) -> dict[str, Any]:
    """Return the utterance that the child sees for the symbols from ``start`` up to ``end``."""
    words: Sequence[Any] = utterance.get("phoneme_words", ())
    own = [
        word._replace(first=word.first - start, phonemes=min(word.phonemes, end - word.first))
        for word in words
        if start <= word.first < end
    ]
    part: dict[str, Any] = {**utterance, "phonemes": utterance["phonemes"][start:end], "phoneme_words": own}
    unit: Unit | None = utterance.get("unit")
    if unit is not None:
        span = (own[0].start, own[-1].end) if own else (unit.start, unit.start)
        text = unit.text[span[0] - unit.start : span[1] - unit.start] if own else ""
        part["unit"] = Unit("phrase", text, *span)
    passage: Passage | None = utterance.get("passage")
    if passage is not None and not is_last:
        part["passage"] = replace(passage, ending=",")
    return part
