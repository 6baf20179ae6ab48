# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about
from __future__ import annotations

import random
import re
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from sentencex import segment  # type: ignore[import-untyped]

import voxstack
from voxstack_text.sentences.sentence_stream import Segment, segments, with_clear_quotes
from voxstack_voice.scheduler import Scheduler

TEXT = "Dr. Smith came at 5 p.m. today. He left!\n\n *** \n\n  A heading\n\nWhy? “Because.” He said so."
EXPECTED = ["Dr. Smith came at 5 p.m. today.", "He left!", "A heading", "Why?", "“Because.”", "He said so."]
WORDS = (
    "the river and the garden|Dr. Smith|Mr. and Mrs. Jones|the U.S. Navy|e.g. this|$3.50|1,234 people|5 p.m.|Jan. 5|he said|we went home"
    "|so; then|and — but|J. R. Smith|\"Go on. And on.\"|“Stop. Now,” he said|(see this. Then that)|don't|'Well. Yes.'|No. 5|July 4, 2021"
    "|v1.2|example.com|first, second, third|‘I see. No.’|rock 'n' roll|the '90s|the dogs' bones"
).split("|")


def prose(draw: random.Random, sentences: int) -> str:
    made = []
    for _ in range(sentences):
        sentence = " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, 6)))
        made.append(sentence[0].upper() + sentence[1:] + draw.choice(".....!?") + "\n\n" * (draw.random() < 0.08))
    return " ".join(made)


def cut(draw: random.Random, text: str, most: int) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = draw.randint(1, most)
        yield text[at : at + size]
        at += size


def in_whole(paragraph: str) -> list[str]:
    """The sentences that the library finds in a paragraph as a whole."""
    made, at = [], 0
    for piece in segment("en", with_clear_quotes(paragraph)):
        made.append(paragraph[at : at + len(piece)].strip())
        at += len(piece)
    return made


def test_sentences_and_their_places() -> None:
    found = list(segments(TEXT))
    assert [piece.text for piece in found] == EXPECTED
    assert all(TEXT[piece.start :].startswith(piece.text) for piece in found)
    assert all(piece.opens and piece.ending == "" for piece in found)


@pytest.mark.parametrize("seed", range(20))
def test_sentences_of_long_paragraphs_are_those_of_the_paragraph_as_a_whole(seed: int) -> None:
    text = prose(random.Random(seed), 150).replace("5 p.m.", "noon")  # which may be a number in a list, for the library
    expected = [sentence for paragraph in re.split(r"\n\s*\n", text) for sentence in in_whole(paragraph.strip())]
    assert [piece.text for piece in segments(text, 2000, 2000)] == expected


@pytest.mark.parametrize("seed", range(12))
def test_what_is_found_depends_on_the_text_alone(seed: int) -> None:
    draw = random.Random(seed)
    text = prose(draw, 40)
    for first, longest in ((200, 500), (40, 60)):
        one, *others = [list(segments(cut(draw, text, most), first, longest)) for most in (1, 4, 30, 10**6)]
        assert all(other == one for other in others)
        assert all(text[piece.start :].startswith(piece.text) for piece in one)
        letters = [
            "".join(re.findall(r"\w", " ".join(piece.text for piece in found))) for found in (one, list(segments(text)))
        ]
        assert letters == ["".join(re.findall(r"\w", text))] * 2, "something was lost"


def arriving(*pieces: str) -> tuple[list[Segment], list[str]]:
    """What is given out by the time that the last piece has been read and another is asked for; and the end of it all."""
    found: list[Segment] = []
    seen: list[Segment] = []

    def source() -> Iterator[str]:
        yield from pieces
        seen.extend(found)

    for piece in segments(source()):
        found.append(piece)
    return seen, [piece.text for piece in found]


@pytest.mark.parametrize(
    "pieces, given, rest",
    [
        (["It costs 3", ".50 today. ", "Goo"], [], ["It costs 3.50 today.", "Goo"]),
        (["It costs 3", ".50 today. ", "Good ", ""], ["It costs 3.50 today."], ["Good"]),
        (["Hello Dr", ". Smith. ", "She ", ""], ["Hello Dr. Smith."], ["She"]),
        (["When the rain stopped,", " t", ""], ["When the rain stopped,"], ["t"]),
        (["Well, yes,", " ma'am, t", ""], ["Well, yes, ma'am,"], ["t"]),
        (["On the day of July 4,", " 2021 we", " won. So"], [], ["On the day of July 4, 2021 we won.", "So"]),
        (['"I said no. And', " I mean it. ", "He"], [], ['"I said no.', "And I mean it.", "He"]),
        (["Yes. “I said no. And I mean it.” ", "So ", ""], ["Yes.", "“I said no. And I mean it.”"], ["So"]),
        (["The '90s were loud. ", "Then ", ""], ["The '90s were loud."], ["Then"]),
        (["A line\n", "\nAnother"], ["A line"], ["Another"]),
    ],
)
def test_a_sentence_is_given_out_as_soon_as_its_end_is_certain(
    pieces: list[str], given: list[str], rest: list[str]
) -> None:
    seen, found = arriving(*pieces)
    assert [piece.text for piece in seen] == given
    assert found == given + rest


def test_the_first_phrase_does_not_wait_for_the_sentence_and_says_that_more_follows() -> None:
    text = "When the rain had stopped, the children ran outside, and so on. Then it rained again, as it does."
    pieces = list(segments(iter(text)))
    assert [(piece.text, piece.ending, piece.opens) for piece in pieces] == [
        ("When the rain had stopped,", ",", True),
        ("the children ran outside, and so on.", "", False),
        ("Then it rained again, as it does.", "", True),
    ]
    assert next(segments(text)).text == "When the rain had stopped, the children ran outside, and so on.", (
        "a whole text has no hurry"
    )


def test_a_megabyte_of_one_paragraph_gives_its_first_sentence_at_once_and_needs_no_memory() -> None:
    text = 'Dr. Smith came home at 5 p.m. and said "It is late. I am tired," to his wife. ' * 130_000
    assert len(text) > 10_000_000
    next(segments("Some rules are compiled. Once."))
    tracemalloc.start()
    found = segments(text)
    for _ in range(300):
        assert len(next(found).text) == 77
    assert tracemalloc.get_traced_memory()[1] < 500_000
    tracemalloc.stop()


def test_an_endless_stream_of_text_needs_no_memory() -> None:
    def forever() -> Iterator[str]:
        while True:
            yield from ("It ", "goes ", "on", " and on", ", and on", ". ")

    found = segments(forever())
    next(found)
    tracemalloc.start()
    for _ in range(2000):
        next(found)
    assert tracemalloc.get_traced_memory()[1] < 200_000
    tracemalloc.stop()


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("longest", [20, 50, 499])
def test_endless_sentences_are_cut_and_nothing_is_lost(longest: int, whole: bool) -> None:
    text = "and so on, it went on and on without an end " * 120 + "x" * 2200
    found = list(segments(text if whole else iter(text), longest, longest))
    assert max(len(piece.text) for piece in found) <= longest
    assert "".join(piece.text for piece in found).replace(" ", "") == text.replace(" ", "")
    assert {piece.ending for piece in found[:-1]} <= {",", " "}
    assert found[-1].ending == ""
    assert [piece.opens for piece in found] == [True] + [False] * (len(found) - 1)


def test_the_first_piece_of_a_long_sentence_is_short() -> None:
    text = "the old man and the sea, " * 40 + "the end. " + "the young man and the sea, " * 30
    pieces = list(segments(text, first=200, longest=500))
    assert len(pieces[0].text) <= 200 < len(pieces[1].text) <= 500
    assert pieces[0].ending == ","
    assert [piece for piece in pieces if piece.opens][1].text.startswith("the young man"), (
        "only the very first is short"
    )
    assert len([piece for piece in pieces if piece.opens][1].text) > 200


def test_a_cut_at_punctuation_is_better_than_one_at_a_space_and_phones_are_not_torn() -> None:
    assert next(segments("one two three four, five six seven eight nine", 30)).text == "one two three four,"
    spaced = "one two three [[f ao1 r]] five six"
    assert next(segments(spaced, 22)).text == "one two three"


def test_errors_of_the_iterator_come_through_as_they_are() -> None:
    def broken() -> Iterator[str]:
        yield "One is here. Two is "
        raise OSError("the line is dead")

    found = segments(broken())
    assert next(found).text == "One is here."
    with pytest.raises(OSError, match="the line is dead"):
        next(found)


def test_pieces_that_are_no_text_are_refused() -> None:
    with pytest.raises(voxstack.RequestError, match="is a bytes"):
        list(segments(iter([b"Hello."])))  # type: ignore[list-item]


def test_closing_closes_the_iterator() -> None:
    closed = []

    def source() -> Iterator[str]:
        try:
            while True:
                yield "One is here. "
        finally:
            closed.append(True)

    found = segments(source())
    next(found)
    found.close()
    assert closed == [True]


def test_waiting_for_text_gives_the_turn_to_others() -> None:
    scheduler = Scheduler(workers=1)
    other = threading.Event()

    def source() -> Iterator[str]:
        thread = threading.Thread(target=take_a_turn)
        thread.start()
        assert other.wait(10), "nobody else could compute while this waited for text"
        thread.join()
        yield "Hello there."

    def take_a_turn() -> None:
        with scheduler.admit("other", lambda: 0.0).turn():
            other.set()

    with scheduler.admit("this", lambda: 1.0).turn():
        assert [piece.text for piece in segments(source())] == ["Hello there."]


@pytest.mark.parametrize("text", ["", " \n\n ", "...", "***\n\n—"])
def test_nothing_to_say(text: str) -> None:
    assert list(segments(text)) == list(segments(iter(text))) == []


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ru", "Привет, мир. *** Как дела?", ["Привет, мир.", "*** Как дела?"]),
        ("hi", "नमस्ते दुनिया। आप कैसे हैं?", ["नमस्ते दुनिया।", "आप कैसे हैं?"]),
        ("zh", "你好。今天天气很好。", ["你好。", "今天天气很好。"]),
        ("de", "Es ist z. B. so. Ja!\n\n***", ["Es ist z. B. so.", "Ja!"]),
    ],
)
def test_sentences_of_other_languages(language: str, text: str, expected: list[str]) -> None:
    assert [found.text for found in segments(text, language=language)] == expected
    pieces = [text[i : i + 3] for i in range(0, len(text), 3)]
    assert "".join("".join(found.text for found in segments(iter(pieces), language=language)).split()) == "".join(
        "".join(expected).split()
    )
