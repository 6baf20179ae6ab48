"""Reader: a passage to spoken words, by the rules of the normaliser and by its markup."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from voxstack import RequestError
from voxstack_text.normalise.normaliser import UnreadableError, merge_pauses
from voxstack_text.normalise.normaliser import scan as scan_english
from voxstack_text.normalise.rule import IsKnown
from voxstack_text.passage import Insert, Passage
from voxstack_text.pronunciation.symbols import are_phones, parse_phones
from voxstack_text.spoken_words import PAUSE, SpokenWord
from voxstack_text.tokens import REQUESTED_PHONES

if TYPE_CHECKING:
    from voxstack_text.normalise.other_normaliser import Scan
    from voxstack_text.user_lexicon.matching import Found, UserLexicon

_INLINE = re.compile(r"\[\[([^\[\]]*)\]\]")


def read_passage(
    passage: Passage, is_known: IsKnown, lexicon: UserLexicon | None = None, scan: Scan = scan_english
) -> list[SpokenWord]:
    """Return the spoken words and pauses of a passage, with their positions in the passage's text.

    Text between double square brackets is phones. The text between such brackets and inserts is read stretch by
    stretch.

    :param is_known: returns whether a lower-case word is in the lexicon.
    :param lexicon: words that are read as it says, before any rule.
    :param scan: reads the rest.
    :raises RequestError: with the place, for phones that do not exist and for text that cannot be read.
    """
    try:
        reader = _Reader(is_known, scan)
        items = [*_read(passage, reader, lexicon), *_breaks(passage)]
    except UnreadableError as error:
        hint = "write it otherwise, or give its phones in [[ ]]"
        raise RequestError(f"{_where(passage, error.start, error.end)}: {error}; {hint}") from error
    return merge_pauses(sorted(items, key=_order))


def _where(passage: Passage, start: int, end: int) -> str:
    first, after = passage.span(start, end)
    return f"Text: at characters {passage.start + first} to {passage.start + after}"


def _order(item: SpokenWord) -> tuple[int, bool]:
    return (item.start, item.seconds is None and item.end > item.start)  # a break comes before the word at its position


def _breaks(passage: Passage) -> Iterator[SpokenWord]:
    for position, seconds in passage.breaks:
        yield SpokenWord(PAUSE, position, position, None, None if math.isnan(seconds) else seconds)


class _Reader(NamedTuple):
    """Reads text by a normaliser.

    :param is_known: returns whether a lower-case word is in the lexicon.
    :param scan: reads text.
    """

    is_known: IsKnown
    scan: Scan

    def stretch(self, text: str, start: int, end: int, words: Sequence[Found]) -> Iterator[SpokenWord]:
        """Return the spoken words and pauses of ``text[start:end]``, those of a lexicon first."""
        if not words:
            return self.scan(text, self.is_known, start, end, ())
        return self._with_words(text, start, end, [word for word in words if start <= word.start and word.end <= end])

    def _with_words(self, text: str, start: int, end: int, words: Sequence[Found]) -> Iterator[SpokenWord]:
        from voxstack_text.user_lexicon.phones import with_ending  # most texts have no such words

        for word in words:
            if word.kind == "alias":
                yield from self.other(f"{word.value}{word.ending}", word.start, word.end)
            else:
                yield SpokenWord(REQUESTED_PHONES, word.start, word.end, with_ending(word))
        yield from self.scan(text, self.is_known, start, end, [(word.start, word.end) for word in words])

    def other(self, spoken: str, start: int, end: int) -> Iterator[SpokenWord]:
        """Yield what is read for another text, as from ``start`` to ``end``."""
        try:
            for item in self.scan(spoken, self.is_known, 0, len(spoken), ()):
                yield item._replace(start=start, end=end)
        except UnreadableError as error:
            raise UnreadableError(start, end, str(error)) from error


def _read(passage: Passage, reader: _Reader, lexicon: UserLexicon | None) -> Iterator[SpokenWord]:
    text, done = passage.text, 0
    words = () if lexicon is None else tuple(lexicon.find(text))
    inserts = [(insert.position, insert.position + 1, insert) for insert in passage.inserts]
    inserts += [
        (start, end, Insert(start, text[start:end], phones, "phones")) for start, end, phones in _inline(passage)
    ]
    for start, end, insert in sorted(inserts):
        yield from reader.stretch(text, done, start, words)
        yield from _read_insert(passage, insert, start, end, reader)
        done = end
    yield from reader.stretch(text, done, len(text), words)


def _inline(passage: Passage) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and phones of each stretch between double square brackets, also of one that was cut."""
    text, done = passage.text, 0
    if passage.phones_before:
        phones = re.split(r"[\[\]]", text, maxsplit=1)[0]
        closed = text.startswith("]]", len(phones))
        if phones.strip() and (closed or are_phones(phones)):  # those never closed may be followed by text
            done = len(phones) + 2 * closed
            yield 0, done, phones
    for match in _INLINE.finditer(text, done):
        yield match.start(), match.end(), match[1]
        done = match.end()
    if passage.phones_after and (opening := text.rfind("[[", done)) >= 0:
        yield opening, len(text), text[opening + 2 :]


def _read_insert(passage: Passage, insert: Insert, start: int, end: int, reader: _Reader) -> Iterator[SpokenWord]:
    if insert.kind == "phones":
        phones = parse_phones(insert.spoken, f"{_where(passage, start, end)}, {insert.written!r}")
        yield SpokenWord(REQUESTED_PHONES, start, end, phones)
    elif insert.kind == "words":
        yield from (SpokenWord(word, start, end) for word in insert.spoken.split())
    else:
        yield from reader.other(insert.spoken, start, end)
