"""The reading part of a stack: the blocks that turn text into words and phonemes, and nothing after them."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from voxstack.blocks import Frames, SequenceBlock, StreamableBlock, StreamableWrapper
from voxstack.composites import SequenceBlockContainer, StreamablePipeline, StreamableStack, order
from voxstack.errors import BlockError, RequestError
from voxstack.streaming.faults import located, pull
from voxstack.utterance import Utterance
from voxstack_voice.reading import Reading, reading_of, readings_of_events
from voxstack_voice.request_text import check_end

_READ = frozenset({"words", "phones", "phonemes", "phoneme_words"})
"""Names whose values show how a text is read."""

Record = Callable[[Reading], object]


def read_all(block: StreamableBlock, utterance: Utterance, name: str, languages: str) -> Iterator[Reading]:
    """Yield the readings of an utterance, then raise what the source of its text raised.

    :param name: of the voice, for an error, as the ``languages`` that it reads.
    :raises RequestError: if there are none.
    """
    found = False
    for reading in read_utterance(block, utterance):
        found = True
        yield reading
    check_end(utterance["text"], found, name, languages)


def read_utterance(block: StreamableBlock, utterance: Utterance) -> Iterator[Reading]:
    """Yield the readings of an utterance by the reading part of a voice's stack.

    :raises BlockError: if a block fails, with its path.
    """
    found: list[Reading] = []
    with closing(reading_stack(block, found.append).stream(iter(()), utterance)) as chunks:  # type: ignore[type-var]
        while True:
            try:
                more = next(chunks, None) is not None
            except RequestError:
                raise
            except Exception as error:
                raise BlockError(*located(error)) from error
            yield from found
            found.clear()
            if not more:
                return


def reading_stack(block: StreamableBlock, record: Record) -> StreamableBlock:
    """Return a block that does of another one only what reads text, and yields an empty chunk for each reading.

    Blocks that split a text run as they are, around the reading part of their child. A synthesizer that reads the text
    by itself is run, and its events are the reading.

    :param block: a loaded block that starts a stream; it is not changed.
    :param record: receives each reading.
    """
    if isinstance(block, StreamableStack):
        return reading_stack(block.stack[0], record)
    if isinstance(block, StreamablePipeline):
        rest = reading_stack(block.streamable_block, record)
        reads = _reading_blocks(block.sequence_block, _READ | rest.needs)
        return rest if reads is None else StreamablePipeline(reads, rest)
    if isinstance(block, StreamableWrapper):
        return _around(block, reading_stack(block.inner, record))
    return _Events(block, record) if "text" in block.needs else _Recorder(record)


def _around(block: StreamableWrapper, inner: StreamableBlock) -> StreamableBlock:
    """Return a copy of a block around another child."""
    fields = dataclasses.fields(block)  # type: ignore[arg-type]  # blocks are dataclasses
    name = next((field.name for field in fields if getattr(block, field.name) is block.inner), None)
    if name is None:
        return inner
    copied = copy.copy(block)
    setattr(copied, name, inner)
    return copied


def _reading_blocks(block: SequenceBlock, wanted: frozenset[str]) -> SequenceBlock | None:
    """Return the part of a sequence block that the names wanted depend on, or None if nothing in it gives any."""
    if not isinstance(block, SequenceBlockContainer):
        return block if block.gives & wanted else None
    parts: list[SequenceBlock] = []
    for index in reversed(order(block.blocks)):
        part = _reading_blocks(block.blocks[index], wanted)
        if part is not None:
            parts.insert(0, part)
            wanted |= part.needs
    return SequenceBlockContainer(parts) if parts else None


@dataclass
class _Recorder(StreamableBlock):
    """Stands where frames would begin, and records how the utterance was read."""

    record: Record = field(repr=False)

    head = True

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        self.record(reading_of(utterance))
        yield np.zeros(0, np.float32)


@dataclass
class _Events(StreamableBlock):
    """Runs a synthesizer, and records the readings that its events show."""

    block: StreamableBlock
    record: Record = field(repr=False)

    head = True
    needs = frozenset({"text"})

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        text, timeline = utterance["text"], utterance["timeline"]
        text = text if isinstance(text, str) else "".join(text)
        for _ in pull(self.block, iter(()), {**utterance, "text": text}):
            pass
        for reading in readings_of_events(text, timeline.take(float("inf"))):
            self.record(reading)
            yield np.zeros(0, np.float32)
