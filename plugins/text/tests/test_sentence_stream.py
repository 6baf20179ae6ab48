# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here
from __future__ import annotations

import random
import re
import threading
import tracemalloc
from collections.abc import Iterator

import pytest
from sentencex import segment  # type: ignore[import-untyped]

import voxstack
from voxstack_text.sentences.sentence_ends import with_curly_quotes
from voxstack_text.sentences.sentence_stream import Segment, split_sentences
from voxstack_voice.scheduler import Scheduler

TEXT = "Dr. Smith came at 5 p.m. today. He left!\n\n *** \n\n  A heading\n\nWhy? “Because.” He said so."
EXPECTED = ["Dr. Smith came at 5 p.m. today.", "He left!", "A heading", "Why?", "“Because.”", "He said so."]
WORDS = (
    "the river and the garden|Dr. Smith|Mr. and Mrs. Jones|the U.S. Navy|e.g. this|$3.50|1,234 people|5 p.m.|Jan. 5"
    '|he said|we went home|so; then|and — but|J. R. Smith|"Go on. And on."|“Stop. Now,” he said'
    "|(see this. Then that)|don't|'Well. Yes.'|No. 5|July 4, 2021|v1.2|example.com|first, second, third|‘I see. No.’"
    "|rock 'n' roll|the '90s|the dogs' bones"
).split("|")


def prose(draw: random.Random, sentences: int) -> str:
    words = []
    for _ in range(sentences):
        sentence = " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, 6)))
        words.append(sentence[0].upper() + sentence[1:] + draw.choice(".....!?") + "\n\n" * (draw.random() < 0.08))
    return " ".join(words)


def parts_of(draw: random.Random, text: str, longest: int) -> Iterator[str]:
    start = 0
    while start < len(text):
        size = draw.randint(1, longest)
        yield text[start : start + size]
        start += size


def sentences_as_a_whole(paragraph: str) -> list[str]:
    """Return the sentences that the library finds in a paragraph as a whole."""
    sentences, start = [], 0
    for sentence in segment("en", with_curly_quotes(paragraph)):
        sentences.append(paragraph[start : start + len(sentence)].strip())
        start += len(sentence)
    return sentences


def test_sentences_and_their_places() -> None:
    found = list(split_sentences(TEXT))
    assert [sentence.text for sentence in found] == EXPECTED
    assert all(TEXT[sentence.start :].startswith(sentence.text) for sentence in found)
    assert all(sentence.opens and sentence.ending == "" for sentence in found)


@pytest.mark.parametrize("seed", range(20))
def test_sentences_of_long_paragraphs_are_those_of_the_paragraph_as_a_whole(seed: int) -> None:
    text = prose(random.Random(seed), 150).replace("5 p.m.", "noon")  # which may be a number in a list, for the library
    paragraphs = re.split(r"\n\s*\n", text)
    expected = [sentence for paragraph in paragraphs for sentence in sentences_as_a_whole(paragraph.strip())]
    assert [sentence.text for sentence in split_sentences(text, 2000, 2000)] == expected


@pytest.mark.parametrize("seed", range(12))
def test_what_is_found_depends_on_the_text_alone(seed: int) -> None:
    draw = random.Random(seed)
    text = prose(draw, 40)
    for first, longest in ((200, 500), (40, 60)):
        one, *others = [list(split_sentences(parts_of(draw, text, size), first, longest)) for size in (1, 4, 30, 10**6)]
        assert all(other == one for other in others)
        assert all(text[sentence.start :].startswith(sentence.text) for sentence in one)
        letters = [
            "".join(re.findall(r"\w", " ".join(sentence.text for sentence in found)))
            for found in (one, list(split_sentences(text)))
        ]
        assert letters == ["".join(re.findall(r"\w", text))] * 2, "text was lost"


def arriving(*parts: str) -> tuple[list[Segment], list[str]]:
    """Return the segments yielded when a part after the last is requested, and the texts of all segments."""
    found: list[Segment] = []
    seen: list[Segment] = []

    def source() -> Iterator[str]:
        yield from parts
        seen.extend(found)

    for sentence in split_sentences(source()):
        found.append(sentence)
    return seen, [sentence.text for sentence in found]


@pytest.mark.parametrize(
    "parts, early, rest",
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
def test_a_sentence_is_yielded_as_soon_as_its_end_is_certain(
    parts: list[str], early: list[str], rest: list[str]
) -> None:
    seen, found = arriving(*parts)
    assert [sentence.text for sentence in seen] == early
    assert found == early + rest


def test_the_first_phrase_does_not_wait_for_the_sentence_and_shows_that_more_follows() -> None:
    text = "When the rain had stopped, the children ran outside, and so on. Then it rained again, as it does."
    segments = list(split_sentences(iter(text)))
    assert [(sentence.text, sentence.ending, sentence.opens) for sentence in segments] == [
        ("When the rain had stopped,", ",", True),
        ("the children ran outside, and so on.", "", False),
        ("Then it rained again, as it does.", "", True),
    ]
    assert next(split_sentences(text)).text == "When the rain had stopped, the children ran outside, and so on.", (
        "the first phrase of a whole text is not urgent"
    )


def test_a_megabyte_of_one_paragraph_gives_its_first_sentence_at_once_and_needs_no_memory() -> None:
    text = 'Dr. Smith came home at 5 p.m. and said "It is late. I am tired," to his wife. ' * 130_000
    assert len(text) > 10_000_000
    next(split_sentences("Some rules are compiled. Once."))
    tracemalloc.start()
    found = split_sentences(text)
    for _ in range(300):
        assert len(next(found).text) == 77
    assert tracemalloc.get_traced_memory()[1] < 500_000
    tracemalloc.stop()


def test_an_endless_stream_of_text_needs_no_memory() -> None:
    def forever() -> Iterator[str]:
        while True:
            yield from ("It ", "goes ", "on", " and on", ", and on", ". ")

    found = split_sentences(forever())
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
    found = list(split_sentences(text if whole else iter(text), longest, longest))
    assert max(len(sentence.text) for sentence in found) <= longest
    assert "".join(sentence.text for sentence in found).replace(" ", "") == text.replace(" ", "")
    assert {sentence.ending for sentence in found[:-1]} <= {",", " "}
    assert found[-1].ending == ""
    assert [sentence.opens for sentence in found] == [True] + [False] * (len(found) - 1)


def test_the_first_segment_of_a_long_sentence_is_short() -> None:
    text = "the old man and the sea, " * 40 + "the end. " + "the young man and the sea, " * 30
    segments = list(split_sentences(text, first=200, longest=500))
    assert len(segments[0].text) <= 200 < len(segments[1].text) <= 500
    assert segments[0].ending == ","
    assert [sentence for sentence in segments if sentence.opens][1].text.startswith("the young man"), (
        "only the very first is short"
    )
    assert len([sentence for sentence in segments if sentence.opens][1].text) > 200


def test_a_cut_at_punctuation_is_better_than_one_at_a_space_and_phones_are_not_torn() -> None:
    assert next(split_sentences("one two three four, five six seven eight nine", 30)).text == "one two three four,"
    spaced = "one two three [[f ao1 r]] five six"
    assert next(split_sentences(spaced, 22)).text == "one two three"


def test_errors_of_the_iterator_come_through_as_they_are() -> None:
    def broken() -> Iterator[str]:
        yield "One is here. Two is "
        raise OSError("the line is dead")

    found = split_sentences(broken())
    assert next(found).text == "One is here."
    with pytest.raises(OSError, match="the line is dead"):
        next(found)


def test_parts_that_are_not_text_are_refused() -> None:
    with pytest.raises(voxstack.RequestError, match="is a bytes"):
        list(split_sentences(iter([b"Hello."])))  # type: ignore[list-item]


def test_closing_closes_the_iterator() -> None:
    closed = []

    def source() -> Iterator[str]:
        try:
            while True:
                yield "One is here. "
        finally:
            closed.append(True)

    found = split_sentences(source())
    next(found)
    found.close()
    assert closed == [True]


def test_waiting_for_text_gives_the_turn_to_others() -> None:
    scheduler = Scheduler(workers=1)
    other = threading.Event()

    def source() -> Iterator[str]:
        thread = threading.Thread(target=take_a_turn)
        thread.start()
        assert other.wait(10), "no other stream could compute while this one waited for text"
        thread.join()
        yield "Hello there."

    def take_a_turn() -> None:
        with scheduler.admit("other", lambda: 0.0).turn():
            other.set()

    with scheduler.admit("this", lambda: 1.0).turn():
        assert [sentence.text for sentence in split_sentences(source())] == ["Hello there."]


@pytest.mark.parametrize("text", ["", " \n\n ", "...", "***\n\n—"])
def test_nothing_to_pronounce(text: str) -> None:
    assert list(split_sentences(text)) == list(split_sentences(iter(text))) == []


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
    assert [found.text for found in split_sentences(text, language=language)] == expected
    parts = [text[i : i + 3] for i in range(0, len(text), 3)]
    assert "".join("".join(found.text for found in split_sentences(iter(parts), language=language)).split()) == "".join(
        "".join(expected).split()
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It broke (see section 2). Then we left.", ["It broke (see section 2).", "Then we left."]),
        ("It broke (see part a) and burned. We left.", ["It broke (see part a) and burned.", "We left."]),
        ("1) Wash it. Dry it. 2) Fold it. Rest.", ["1) Wash it.", "Dry it.", "2) Fold it.", "Rest."]),
        ("a) Wash it. Dry it. b) Fold it. Rest.", ["a) Wash it.", "Dry it.", "b) Fold it.", "Rest."]),
        ("See ch. 4 for it. Then rest.", ["See ch. 4 for it.", "Then rest."]),
        ("We use .NET here. It works.", ["We use .NET here.", "It works."]),
        ("If a!=b, stop. Go.", ["If a!=b, stop.", "Go."]),
        ("Smith v. Jones was long. It ended.", ["Smith v. Jones was long.", "It ended."]),
    ],
)
def test_marks_inside_a_sentence_end_none(text: str, expected: list[str]) -> None:
    assert [segment.text for segment in split_sentences(text)] == expected
    arrived = "".join(segment.text for segment in split_sentences(iter(text)))
    assert arrived.replace(" ", "") == "".join(expected).replace(" ", "")


@pytest.mark.parametrize("unit", ["日本 ", "— ", "… ", "😀 ", "* ", "— , ", "· ; "])
@pytest.mark.parametrize("size", [1, 7])
def test_a_run_of_what_cannot_be_pronounced_ends(unit: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = unit * 300 + ", hello there, my friend."
    turns = 0

    def counted() -> None:
        nonlocal turns
        turns += 1
        assert turns < 4 * len(text), "it goes round without an end"

    monkeypatch.setattr("voxstack_text.sentences.sentence_stream.check_cancelled", counted)
    found = list(split_sentences(iter([text[i : i + size] for i in range(0, len(text), size)])))
    assert " ".join(segment.text for segment in found).endswith("hello there, my friend.")
