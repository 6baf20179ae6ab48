"""Texts of requests: surrogates, parts that are no text, and sources that fail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import voxstack
from voxstack.errors import RequestError
from voxstack_voice.request_text import ArrivingText, joined_surrogates, request_text


def arrived(*parts: object) -> str:
    return "".join(ArrivingText(parts, "tiny"))


def test_halves_of_a_character_are_joined_and_lone_ones_replaced_and_places_stay() -> None:
    assert joined_surrogates("a\ud835\udc00b") == "a\U0001d400\u2060b"
    assert joined_surrogates("a\ud835b\udc00") == "a\ufffdb\ufffd"
    assert arrived("a\ud835", "\udc00b") == "a\U0001d400\u2060b"
    assert arrived("a\ud835", "", "\udc00b") == "a\U0001d400\u2060b"
    assert arrived("a\ud835", "b") == "a\ufffdb"
    assert arrived("a\ud835") == "a\ufffd"


def test_parts_without_content_wait_for_the_first_with_some() -> None:
    assert next(ArrivingText([" ", "...", "", "— a"], "tiny")) == " ...— a"
    assert list(ArrivingText([" ", "...", ""], "tiny")) == []


@pytest.mark.parametrize(
    ("part", "problem"), [(None, "None; give a str"), (7, "of type int, 7"), (b"x", "bytes, not a str; decode it")]
)
def test_a_part_that_is_no_text_is_named(part: object, problem: str) -> None:
    parts = ArrivingText(["a", part, "b"], "tiny")
    assert "".join(parts) == "a"
    assert isinstance(parts.failure, RequestError)
    assert f"tiny: a part of the text is {problem}" in str(parts.failure)


def test_an_asynchronous_iterable_is_for_astream_only() -> None:
    async def parts() -> AsyncIterator[str]:
        yield "a"

    with pytest.raises(RequestError, match=r"an asynchronous iterable, which only astream\(\) reads"):
        request_text(parts(), "tiny", "en-US")


class Writer:
    """Writes words and then fails; notes that it is closed."""

    def __init__(self, text: str, error: Exception) -> None:
        self.parts, self.error, self.closed = iter(text), error, False

    def __iter__(self) -> Writer:
        return self

    def __next__(self) -> str:
        for part in self.parts:
            return part
        raise self.error

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It rains. It po", "It rains."),
        ("It rains. It pours.", "It rains. It pours."),
        ("It rains and", ""),
        ("", ""),
        ("Who? Me! And", "Who? Me!"),
        ('He said "yes." And', 'He said "yes."'),
    ],
)
@pytest.mark.parametrize("name", ["amber", "espeak"])
def test_complete_sentences_are_spoken_before_the_writers_own_exception(name: str, written: str, spoken: str) -> None:
    voice = voxstack.load(name)
    expected = voice.synthesize(spoken).samples if spoken else []
    writer = Writer(written, KeyError("mine"))
    heard: list[int] = []
    with pytest.raises(KeyError) as caught:
        heard.extend(len(chunk.samples) for chunk in voice.stream(writer))
    assert caught.value is writer.error
    assert sum(heard) == len(expected)


def test_a_document_whose_writer_fails_is_not_read() -> None:
    error = KeyError("mine")
    with pytest.raises(KeyError) as caught:
        list(voxstack.load("amber").stream(Writer("<speak>Hello. <break", error), markup="ssml"))
    assert caught.value is error
