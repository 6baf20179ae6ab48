"""Captions of words with artificial times: 0.1 s for each letter, and silences where they are requested."""
# ruff: noqa: RUF001 -- typographic dashes and quotes are meant

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from voxstack import Event
from voxstack_cli.output.captions import (
    MAX_LINE_LENGTH,
    MAX_LINES,
    MAX_SECONDS,
    MIN_SECONDS,
    Caption,
    CaptionBuilder,
)
from voxstack_cli.output.ssml_text import readable_text

Silence = Callable[[str], float]


def stops(gap: str) -> float:
    """Return 0.3 s of silence after the end of a sentence, 0.1 s after a comma."""
    return 0.3 if re.search(r"[.!?]", gap) else 0.1 if "," in gap else 0.0


def words_of(text: str, silence: Silence = stops, letter: float = 0.1, words: str = r"(?:Dr\.|\w)+") -> list[Event]:
    """Return the words of a text with their times."""
    events, now = list[Event](), 0.0
    found = list(re.finditer(words, text))
    for word, following in zip(found, [*found[1:], None], strict=True):
        events.append(Event("word", word[0], now, letter * len(word[0]), word.span()))
        now += letter * len(word[0]) + silence(text[word.end() : following.start() if following else None])
    return events


def captions_of(text: str, events: list[Event], more: float = 0.0) -> list[Caption]:
    captions = CaptionBuilder(lambda: text)
    found = [caption for event in events for caption in captions.add(event)]
    return [*found, *captions.finish(events[-1].start + events[-1].duration + more)]


def lines_of(text: str, silence: Silence = stops, **how: object) -> list[tuple[str, ...]]:
    return [caption.lines for caption in captions_of(text, words_of(text, silence, **how))]  # type: ignore[arg-type]


def test_each_sentence_is_a_caption_with_the_punctuation_of_the_text() -> None:
    text = '  "Hello, you  (there)!" she said.\n“Why?”… Because – well – I say so.'
    assert lines_of(text) == [('"Hello, you (there)!"',), ("she said.",), ("“Why?”…",), ("Because – well – I say so.",)]


def test_an_abbreviation_ends_no_sentence() -> None:
    assert lines_of("This is Dr. Smith. He is in.") == [("This is Dr. Smith.",), ("He is in.",)]


def test_a_heading_is_a_caption() -> None:
    assert lines_of("Chapter One\n\nIt was late", lambda gap: 0.3 if "\n" in gap else 0.0) == [
        ("Chapter One",),
        ("It was late",),
    ]


def test_a_long_silence_ends_a_caption_in_the_middle_of_a_sentence() -> None:
    assert lines_of("I will, but later", lambda gap: 0.8 if "," in gap else 0.6) == [("I will,",), ("but later",)]


def test_what_is_not_spoken_is_part_of_a_caption_only_inside() -> None:
    assert lines_of("--- One ☃ two. *** Three. ---") == [("One ☃ two.",), ("Three.",)]


def test_parts_between_spaces_stay_together() -> None:
    text = (
        "A well-known, half-forgotten, never-ending, ever-changing, much-loved, ill-advised "
        "pen-and-paper role-playing game"
    )
    joined = " ".join(line for lines in lines_of(text, lambda gap: 0.0, letter=0.01) for line in lines)
    assert joined == text


def test_a_full_caption_is_cut_where_the_voice_paused_longest_in_its_later_half() -> None:
    text = "one, two three four five six seven eight nine ten, eleven twelve thirteen fourteen fifteen sixteen"
    first, second = lines_of(text, lambda gap: 0.1 if "," in gap else 0.0, letter=0.02)
    assert " ".join(first).endswith("nine ten,")
    assert second[0].startswith("eleven")


@pytest.mark.parametrize("seed", range(5))
def test_captions_of_any_text_are_readable_in_order_and_leave_nothing_out(seed: int) -> None:
    draw = random.Random(seed)
    words = [
        "".join(draw.choices("abcdefgh", k=draw.randint(1, 12))) + draw.choice(["", "", "", ",", ".", "-b"])
        for _ in range(400)
    ]
    text = " ".join(words)
    captions = captions_of(text, words_of(text, lambda gap: draw.choice([0.0, 0.02, 0.3, 1.0]), letter=0.08), more=2.0)
    assert " ".join(line for caption in captions for line in caption.lines) == text
    for caption, following in zip(captions, [*captions[1:], None], strict=True):
        assert len(caption.lines) <= MAX_LINES
        assert max(map(len, caption.lines)) <= MAX_LINE_LENGTH
        assert 0 < caption.end - caption.start <= MAX_SECONDS
        assert following is None or caption.end <= following.start


def test_a_short_caption_stays_until_it_can_be_read_or_the_next_comes() -> None:
    text = "No. Yes, I do. Go."
    no, yes, go = captions_of(text, words_of(text), more=0.4)
    assert no.end == yes.start == pytest.approx(0.5)  # no room for more
    assert (yes.start, yes.end) == (pytest.approx(0.5), pytest.approx(0.5 + MIN_SECONDS))
    assert go.end - go.start == pytest.approx(0.6)  # there the sound ends


def test_a_single_word_may_be_as_long_as_it_is() -> None:
    (lines,) = lines_of("w" * 100)
    assert "".join(lines) == "w" * 100


def test_words_without_a_place_are_passed_over() -> None:
    captions = CaptionBuilder(lambda: "")
    assert not list(captions.add(Event("word", "what", 0.0, 1.0)))
    assert not list(captions.finish(1.0))


def test_a_caption_is_given_as_soon_as_the_next_word_shows_its_end() -> None:
    text = "Hello, all. And more"
    known = 0
    captions = CaptionBuilder(lambda: text[:known])
    seen = []
    for word in words_of(text):
        assert word.span is not None
        known = word.span[1]  # of a text that arrives, no more than this
        seen.append([caption.lines for caption in captions.add(word)])
    assert seen == [[], [], [("Hello, all.",)], []]


def test_captions_of_ssml_show_only_its_text() -> None:
    document = (
        '<?xml version="1.0"?><speak version="1.1"><!-- a > b --><p>'
        'Salt &amp; <emphasis level="strong">pepper</emphasis>,'
        '<break time="1s"/>please</p><s>Not <sub alias="a > b">AT&#38;T</sub>!</s><mark name="end"/></speak>'
    )
    readable = readable_text(document)
    assert len(readable) == len(document)
    assert all(readable[at] in (character, "\0", "\n", " ", "&") for at, character in enumerate(document))
    words = words_of(readable, lambda gap: 0.3 if "\n" in gap else 0.0, words=r"[\w&\0]*\w")
    assert [caption.lines for caption in captions_of(readable, words)] == [("Salt & pepper, please",), ("Not AT&T!",)]
