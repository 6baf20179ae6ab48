"""Normalisers of other plugins: blocks that give ``spoken_words``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from voxstack import PluginError, RequestError, SequenceBlock, StackError
from voxstack_text.normalise.rule import IsKnown
from voxstack_text.pronunciation.symbols import Pronunciation, parse_phones
from voxstack_text.spoken_words import PAUSE, SpokenWord

Scan = Callable[[str, IsKnown, int, int, Sequence[tuple[int, int]]], Iterator[SpokenWord]]
"""A function that yields the spoken words and pauses of ``text[start:end]``, but for the spans that others read."""


def check_normaliser(block: SequenceBlock) -> None:
    """Check what a block needs and gives.

    :raises StackError: if it needs more than a text, or gives no spoken words.
    """
    name = type(block).__name__
    if "spoken_words" not in block.gives:
        raise StackError("normaliser", f"{name} does not give 'spoken_words'; name a block that does")
    if block.needs - {"text"}:
        others = ", ".join(map(repr, sorted(block.needs - {"text"})))
        raise StackError("normaliser", f"{name} needs {others}, and a normaliser is given a 'text' alone")


def scan_by(block: SequenceBlock) -> Scan:
    """Return the function that reads text by a normaliser, each part between spans that others read by itself."""

    def scan(text: str, _: IsKnown, start: int, end: int, kept: Sequence[tuple[int, int]]) -> Iterator[SpokenWord]:
        for first, after in [*kept, (end, end)]:
            if text[start:first].strip():
                yield from _spoken_words(block, text[start:first], start)
            start = after

    return scan


def _spoken_words(block: SequenceBlock, text: str, offset: int) -> Iterator[SpokenWord]:
    """Yield what a normaliser gives for a text that begins at ``offset``.

    :raises PluginError: for what is no spoken word.
    """
    for item in block({"text": text})["spoken_words"]:
        try:
            word = _spoken_word(item, len(text))
        except (TypeError, ValueError, RequestError) as error:
            form = "give (word, start, end), and perhaps its phones and the seconds of a pause"
            raise PluginError(f"{type(block).__name__} gave {item!r:.80} for {text!r:.40}: {error}; {form}") from error
        yield word._replace(start=word.start + offset, end=word.end + offset)


def _spoken_word(item: Any, length: int) -> SpokenWord:
    word, start, end, phones, seconds = (*item, None, None)[: max(5, len(item))]
    if not isinstance(word, str) or not word or word != "".join(word.split()):
        raise ValueError("the word is not one word")
    if not 0 <= start < end <= length:
        raise ValueError(f"its span is not within the text's {length} characters")
    if seconds is not None and (word != PAUSE or not seconds >= 0):
        raise ValueError(f"the seconds are those of a pause, {PAUSE!r}, and at least 0")
    return SpokenWord(word, start, end, _phones(phones), None if seconds is None else float(seconds))


def _phones(phones: Any) -> Pronunciation | None:
    return (
        None if phones is None else parse_phones(phones if isinstance(phones, str) else " ".join(phones), "its phones")
    )
