"""Splitting ends, and takes time in proportion, whatever the text and however it arrives."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from deadlines import limited

import voxstack
from voxstack.errors import CancelledError
from voxstack_text.sentences import sentence_ends
from voxstack_text.sentences.sentence_stream import split_sentences
from voxstack_text.sentences.text_window import TextWindow

JUNK = "Привет 😀 * — – | --- ** ( ) “ ” \" ' [ ] … 漢字 ,  , : ; ~ `x` \u200b \x07 \n \n\n . ! ?".split(" ")
WORDS = "hello there the U.S. is 5 p.m. 1) 2) a. “no.” don't".split()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Limit how often the window is looked through, so that a loop without an end fails instead."""
    look, left = TextWindow.look, [0]

    def counted(window: TextWindow) -> bool:
        left[0] -= 1
        assert left[0] >= 0, "no progress"
        return look(window)

    monkeypatch.setattr(TextWindow, "look", counted)
    return lambda limit: left.__setitem__(0, limit)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["Привет, как дела, друг мой, hello"], ["друг мой, hello"]),
        (["😀 😀 😀, 😀 😀 😀, hello"], ["hello"]),
        (["— — — — — , * * * *, yes"], ["yes"]),
        (["| --- | --- | --- |: | yes |"], ["| yes |"]),
        (["* * *; ", "* * *; ", "* * *"], []),
    ],
)
def test_a_first_phrase_with_nothing_to_pronounce_is_skipped(
    parts: list[str], expected: list[str], looks: Callable[[int], None]
) -> None:
    looks(len(parts) + 5)
    found = [sentence.text for sentence in split_sentences(iter(parts))]
    assert [text[-len(end) :] for text, end in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize("seed", range(40))
def test_every_text_in_parts_comes_to_an_end(seed: int, looks: Callable[[int], None]) -> None:
    draw = random.Random(seed)
    pieces = draw.sample(JUNK, 6) + draw.sample(WORDS, draw.choice([0, 1, 5]))
    text = draw.choice(["", " ", ", "]).join(draw.choice(pieces) for _ in range(150))
    letters = sum(character.isascii() and character.isalnum() for character in text)
    for size in (1, 7, len(text)):
        looks(2 * len(text) + 10)
        found = list(split_sentences((text[i : i + size] for i in range(0, len(text), size)), 40, 60))
        assert sum(c.isascii() and c.isalnum() for sentence in found for c in sentence.text) == letters
        assert all(text[sentence.start :].startswith(sentence.text) for sentence in found)


SIGNS = [
    "(a. ",
    "“a. ",
    '"a. ',
    "[a, b. ",
    "«a. ",
    "'a. ",
    "* ",
    "x",
    ". ",
    "a, ",
    "1. ",
    "• a ",
    "• ",
    "a! ",
    "привет, ",
]


@pytest.mark.parametrize("unit", SIGNS)
@pytest.mark.parametrize("whole", [True, False])
def test_the_library_searches_each_character_a_limited_number_of_times(
    unit: str, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    ends = sentence_ends._ends
    monkeypatch.setattr(sentence_ends, "_ends", lambda text, *more: searched.append(len(text)) or ends(text, *more))
    text = unit * (3000 // len(unit)) + "the next words. And more."
    for _ in split_sentences(text if whole else iter(text)):
        pass
    assert sum(searched) < 250 * len(text), "a text of long sentences has about 40 in single characters"


@pytest.mark.parametrize("unit", [" ", "\n", "\t\n"])
def test_endless_blanks_are_not_held(unit: str) -> None:
    windows = []

    def blanks() -> Iterator[str]:
        yield "One."
        for _ in range(4000):
            yield unit
            assert len(windows[0]._text) < 2000
        yield "Two."

    windows.append(TextWindow(blanks(), 500, "en"))
    window = windows[0]
    while window.look():
        if window.end is None:
            window.grow()
        else:
            assert (window.view[: window.end].strip(), window.start) in {
                ("One.", 0),
                ("Two.", 4 + 4000 * len(unit)),
            }
            window.drop(window.end, sentence=True)


@pytest.mark.parametrize("text", ["* " * 500, "\ud800, " * 500, "漢" * 1000])
def test_a_closed_stream_stops_in_text_with_nothing_to_pronounce(text: str) -> None:
    def parts() -> Iterator[str]:
        while True:
            yield text

    for source in (text * 100, parts()):
        with limited() as turn:
            turn.missed = True
            with pytest.raises(CancelledError):
                next(split_sentences(source))


def test_lone_surrogates_are_no_characters() -> None:
    for text in ("One \ud800. Two \udfff.", iter(["One \ud83d", "\ude00. Two ", "\udfff."])):
        found = list(split_sentences(text))
        assert "".join(sentence.text for sentence in found).isprintable()
        assert [sentence.text[:3] for sentence in found] == ["One", "Two"]
        "".join(sentence.text for sentence in found).encode()


def test_a_part_that_is_none_is_not_the_end() -> None:
    with pytest.raises(voxstack.RequestError, match="is a NoneType"):
        list(split_sentences(iter(["One ", None, "two."])))  # type: ignore[list-item]
