"""Sentences: a text of any length, one sentence at a time."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from voxstack import (
    Block,
    ContextError,
    Frames,
    Resources,
    SequenceBlock,
    StackError,
    StreamableBlock,
    StreamableWrapper,
    Utterance,
)
from voxstack.blocks import Available, children, field_path
from voxstack.errors import LengthError
from voxstack.streaming.closing import close
from voxstack.streaming.timeline import Timeline
from voxstack_text.markup.marked_text import MarkedText, detect
from voxstack_text.passage import Passage
from voxstack_text.sentences.cut_search import MIN_LIMIT
from voxstack_text.sentences.end_cuts import cut_passage, may_be_spoken, paragraphs
from voxstack_text.sentences.markup_cuts import cut_markup
from voxstack_text.sentences.passage_cuts import MARGIN, cut_to_length
from voxstack_text.sentences.sentence_stream import Segment, pronounceable_in, split_sentences
from voxstack_text.sentences.spoken_inserts import with_spoken_inserts
from voxstack_text.sentences.token_limit import split_to_limit
from voxstack_text.text import Text
from voxstack_text.whole_text import has_failed, whole_text

_LOG = logging.getLogger("voxstack.text")
_PER_TOKEN = Text.gives - {"words", "marks"}
_TOKENS_PER_CHARACTER = 4  # about one in prose; six where each character is a long word, as "%"
_OWN_ENTRIES = ("text_start", "passage", "unit")


class Unit(NamedTuple):
    """A part of the text that is synthesized at once, for its event.

    :param kind: ``sentence``, or ``phrase`` for a segment of a sentence that was cut.
    :param text: the text as written.
    :param start: index of its first character in the request's text, counted from ``text_start``.
    :param end: index after its last character, counted likewise.
    """

    kind: str
    text: str
    start: int
    end: int

    @classmethod
    def of(cls, passage: Passage) -> Unit:
        """Return the unit of a passage."""
        whole = not passage.ending and passage.leading_silence != 0
        return cls("sentence" if whole else "phrase", passage.written, 0, passage.span(0, len(passage.text))[1])


@dataclass
class Sentences(StreamableWrapper):
    """Streams its child once for each sentence of ``text``, in order, each on demand.

    The text is a ``str``, or an iterator of parts of it as they are written: then audio begins with the first phrase.
    With ``markup`` set to ``"ssml"`` it is an SSML document (:mod:`voxstack_text.ssml.parser`), with ``"markdown"`` or
    ``"html"`` a document of these; ``"auto"`` decides by its beginning (:mod:`voxstack_text.markup`).

    The child sees the sentence as ``text``, the index of its first character in the whole as ``text_start``, its markup
    as ``passage`` (:class:`voxstack_text.passage.Passage`, for ``Text``), and as ``timeline`` a view that begins where
    the sentence does; ``unit`` (:class:`Unit`) is the sentence's event, for the block that reports it once its duration
    is known. Sentences with nothing to pronounce are skipped.

    Where networks of the child limit the number of tokens (``limits``), a longer sentence is cut at the best places:
    after the one ``Text`` inside has read all of it (:func:`voxstack_text.sentences.cut_search.best_cuts`); for any
    other reader, once a network has refused it, before anything of it is output
    (:func:`voxstack_text.sentences.passage_cuts.cut_to_length`).

    :param block: makes the frames or samples of one sentence.
    :param first: limit of characters of what is spoken first: a longer sentence is cut there, so that audio begins
        early.
    :param longest: limit of characters of any other sentence; a longer one is cut at punctuation if possible, otherwise
        at a space.
    :param language: language whose rules find the sentences, as a BCP 47 tag.
    :param ends: a block that gives the ``sentence_ends`` of a paragraph, as other software finds them, instead of the
        rules of the language; ``first`` and ``longest`` then cut no sentence. Of a text that arrives in parts, it reads
        what the rules of the language find to be a sentence.
    :param reads_markup: read what looks like Markdown, HTML or LaTeX in a plain text as markup, and short lines as
        lines of their own; otherwise each character of a plain text is one to read.
    """

    block: StreamableBlock
    first: int = field(default=200, metadata={"minimum": 20, "maximum": 100_000})
    longest: int = field(default=500, metadata={"minimum": 20, "maximum": 100_000})
    language: str = "en"
    ends: SequenceBlock | None = None
    reads_markup: bool = True
    _controls: Mapping[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _token_limit: int = field(default=0, init=False, repr=False, compare=False)
    _text: Text | None = field(default=None, init=False, repr=False, compare=False)
    _reads_letters: bool = field(default=False, init=False, repr=False, compare=False)

    head = True

    @property
    def inner(self) -> StreamableBlock:
        return self.block

    @property
    def lookback(self) -> int | None:
        return self.block.lookback

    @property
    def needs(self) -> frozenset[str]:
        return (self.block.needs - set(_OWN_ENTRIES)) | {"text"}

    def load(self, addon: Resources) -> None:
        # Split a sentence now: its imports take some milliseconds, and later a caller waits for the first audio.
        for _ in split_sentences("Now."):
            pass
        self._controls = addon.config.get("controls", {})
        limits = self.block.limits
        limit = min((limit for name, limit in limits.items() if name in _PER_TOKEN), default=None)
        if limit is not None and limit < MIN_LIMIT:
            raise ContextError(
                f"the context's largest size is {limit} tokens, too few for a syllable between silences; "
                f"give one of at least {MIN_LIMIT} for 'tokens' in its 'shapes'"
            )
        most = _TOKENS_PER_CHARACTER * self.longest
        self._token_limit = most if limit is None else min(limit, most)
        texts = [block for block in _inside(self.block) if isinstance(block, Text)]
        # Of other readers, a network reports how many tokens were too many.
        self._text = texts[0] if len(texts) == 1 else None
        self._reads_letters = not texts

    def check_needs(self, available: Available, path: str) -> Available:
        if not self.block.head:
            inner = field_path(path, "block")
            raise StackError(inner, "nothing in it starts a stream; begin it with a block such as Upsampler")
        super().check_needs({**available, **dict.fromkeys(_OWN_ENTRIES, f"{path} (Sentences)")}, path)
        return available

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        timeline: Timeline | None = utterance.get("timeline")
        yielded, skip = 0, utterance.get("skip", 0)
        with closing(
            self._limited(self._ended(self._passages(utterance), utterance), utterance.get("lexicon"))
        ) as passages:
            for passage in passages:
                waiting = [passage]
                while waiting:
                    segment, before = waiting.pop(), yielded
                    own = _utterance_of(segment, utterance, self._reads_letters)
                    if timeline is not None:
                        own["timeline"] = timeline.within(yielded)
                    if skip:
                        own["skip"] = max(0, skip - yielded)
                    chunks = self.block.stream(iter(()), own)
                    try:
                        for chunk in chunks:
                            yielded += len(chunk)
                            yield chunk
                    except LengthError as error:
                        # Networks read all tokens before they output anything, and what is cut was not heard.
                        segments = self._cut(segment, error) if yielded == before else []
                        if len(segments) < 2:
                            raise
                        waiting += reversed(segments)
                    finally:
                        close(chunks)

    def _cut(self, passage: Passage, error: LengthError) -> list[Passage]:
        """Return a passage in segments, after a network has refused its length."""
        if passage.layout is None:
            return cut_to_length(passage, error.length, error.limit, _primary(self.language))
        rows = len(passage.layout.rows)
        limit = max(MIN_LIMIT, min(rows - 1, int(MARGIN * rows * error.limit / error.length)))
        return list(split_to_limit(passage, passage.layout, limit))

    def _ended(self, passages: Generator[Passage, None, None], utterance: Utterance) -> Generator[Passage, None, None]:
        """Yield the passages, cut at the ends of sentences that the block ``ends`` finds in them."""
        with closing(passages):
            for passage in passages:
                if self.ends is None:
                    yield passage
                else:
                    found = self.ends({**utterance, "text": passage.text, "passage": passage})["sentence_ends"]
                    yield from cut_passage(passage, [int(end) for end in found])

    def _limited(self, passages: Generator[Passage, None, None], lexicon: Any) -> Generator[Passage, None, None]:
        """Yield the passages, those with more tokens than the child accepts in segments."""
        with closing(passages):
            for passage in passages:
                for segment in cut_markup(passage, self.longest):
                    if self._text is None:
                        yield segment
                    else:
                        yield from split_to_limit(segment, self._text.layout(segment, lexicon), self._token_limit)

    def _passages(self, utterance: Utterance) -> Generator[Passage, None, None]:
        markup, text = utterance.get("markup", "text"), utterance["text"]
        if markup != "ssml":
            return self._unparsed(text, markup, utterance.get("lexicon"))
        return self._parsed(text)

    def _unparsed(self, text: str | Iterator[str], markup: str, lexicon: Any) -> Generator[Passage, None, None]:
        """Return the passages of a text that is no SSML document, unless its beginning shows that it is one."""
        if markup == "auto" or (markup == "text" and self.reads_markup):
            found, text = detect(text)
            if markup == "auto" and found == "ssml":
                return self._parsed(text)
            if found == "ssml":
                _LOG.warning(
                    "the text begins as an SSML document; its tags are not spoken: give markup='ssml' to use them"
                )
            markup = found if markup == "auto" else markup
        language = _primary(self.language)
        speaks: Callable[[str], object] | None = may_be_spoken if self._reads_letters else None
        if (lexicon := lexicon if self._text is None else self._text.with_own(lexicon)) is not None:
            speaks = _or_in(lexicon, speaks or pronounceable_in(language))
        if markup == "text" and not self.reads_markup:
            if self.ends is not None and isinstance(text, str):
                return paragraphs(text)
            return _plain(text, self.first, self.longest, language, speaks)
        marked = MarkedText(text, markup, language == "en", not self._reads_letters)
        if self.ends is not None and isinstance(text, str):
            return _paragraphs(marked)
        return _marked(marked, self.first, self.longest, language, speaks, isinstance(text, str))

    def _parsed(self, text: str | Iterator[str]) -> Generator[Passage, None, None]:
        """Return the passages of an SSML document."""
        from voxstack_text.ssml.parser import parse_ssml  # most requests are plain text

        source = whole_text(text, "Sentences")
        if has_failed(text):  # a document that ends in the middle cannot be read
            return paragraphs("")
        document = parse_ssml(source, self._controls)
        return document.passages(self.first, self.longest)


def _or_in(lexicon: Any, speaks: Callable[[str], object]) -> Callable[[str], object]:
    """Return a function that returns whether a text has something to pronounce, or a word of a lexicon."""
    return lambda text: speaks(text) or next(lexicon.find(text), None) is not None


def _primary(language: str) -> str:
    """Return the two letters of a language."""
    return language.partition("-")[0].lower()


def _utterance_of(passage: Passage, utterance: Utterance, reads_letters: bool) -> dict[str, Any]:
    """Return the utterance that the child sees for a passage, but for its timeline.

    :param reads_letters: whether the child reads the text alone, so that inserts must be part of it.
    """
    unit = Unit.of(passage)
    passage = with_spoken_inserts(passage) if reads_letters else passage
    own = {
        **utterance,
        "text": passage.text,
        "markup": "text",
        "text_start": utterance.get("text_start", 0) + passage.start,
        "passage": passage,
        "unit": unit,
    }
    if passage.pitch:
        own["pitch"] = utterance.get("pitch", 0.0) + passage.pitch
    return own


def _plain(
    text: str | Iterator[str], first: int, longest: int, language: str, speaks: Callable[[str], object] | None
) -> Generator[Passage, None, None]:
    with closing(split_sentences(text, first, longest, language, speaks)) as segments:
        for start, segment, ending, opens, *phones in segments:
            leading_silence = math.nan if opens else 0.0
            yield Passage(segment, start, ending, leading_silence, phones_before=phones[0], phones_after=phones[1])


def _marked(
    marked: MarkedText, first: int, longest: int, language: str, speaks: Callable[[str], object] | None, whole: bool
) -> Generator[Passage, None, None]:
    with closing(split_sentences(marked, first, longest, language, speaks, whole)) as segments:
        for segment in segments:
            yield marked.conversion.passage(segment)


def _paragraphs(marked: MarkedText) -> Generator[Passage, None, None]:
    for paragraph in paragraphs("".join(marked)):
        yield marked.conversion.passage(Segment(paragraph.start, paragraph.text, "", opens=True))


def _inside(block: Block) -> Iterator[Block]:
    yield block
    for _, child in children(block, ""):
        yield from _inside(child)
