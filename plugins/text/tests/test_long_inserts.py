"""What is spoken at once has a bound, whatever the text and its markup ask for, and nothing is lost at the cuts."""
# ruff: noqa: RUF001 -- signs that look alike are the subject here

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from deadlines import limited
from tiny import addon, loaded

import voxstack
from voxstack import Frames, StreamableBlock, StreamablePipeline, Utterance
from voxstack.errors import CancelledError
from voxstack_text.ipa import from_ipa
from voxstack_text.layout import Layout, Row
from voxstack_text.passage import Bookmark, Break, Insert, Passage, ProsodySpan
from voxstack_text.sentences.cut_search import _LARGEST_SEARCHED, best_cuts, token_count
from voxstack_text.sentences.markup_cuts import cut_markup
from voxstack_text.sentences_block import Sentences
from voxstack_text.ssml.parser import parse_ssml
from voxstack_text.text import Text
from voxstack_text.tokens import Phone

MOST = 4 * 500  # tokens


@dataclass
class Recorder(StreamableBlock):
    """Records the utterances that it receives."""

    needs, head, makes = frozenset({"tokens"}), True, "frames"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        utterance["seen"].append(utterance)
        yield np.zeros(1, np.float32)


TEXT = loaded(Text(), addon())
BLOCK = loaded(Sentences(StreamablePipeline(TEXT, Recorder())), addon())


def seen(text: Any, **more: Any) -> list[Utterance]:
    found: list[Utterance] = []
    for _ in BLOCK.stream(iter(()), {"text": text, "seen": found, **more}):
        pass
    assert max((len(utterance["tokens"]) for utterance in found), default=0) <= MOST
    return found


def ssml(body: str) -> list[Utterance]:
    return seen(f"<speak>{body}</speak>", markup="ssml")


def phones(found: list[Utterance]) -> list[str]:
    return [phone for utterance in found for phone in utterance["phones"] if phone != "pau"]


def words(found: list[Utterance]) -> list[tuple[str, int, int]]:
    """Return text, start and end of each word, counted in the whole request."""
    return [
        (word.text, utterance["text_start"] + word.start, utterance["text_start"] + word.end)
        for utterance in found
        for word in utterance["words"]
    ]


def test_characters_are_cut_between_their_names_and_each_part_has_its_letters() -> None:
    digits = "".join(random.Random(0).choices("0123456789", k=10_000))
    found = ssml(f"Code <say-as interpret-as='characters'>{digits}</say-as>, yes.")
    assert max(len(utterance["tokens"]) for utterance in found) < 600, "what is spoken has about 500 characters"
    spoken = {digit: phones(ssml(f"<say-as interpret-as='characters'>{digit}</say-as>")) for digit in set(digits)}
    assert phones(found) == [*"k ow d".split(), *(p for digit in digits for p in spoken[digit]), *"y eh s".split()]
    first, *parts, last = words(found)
    assert [first[0], last[0]] == ["Code", "yes"]
    assert "".join(text for text, _, _ in parts) == digits
    place = len("<speak>Code <say-as interpret-as='characters'>")
    assert all(digits[start - place : end - place] == text for text, start, end in parts)
    assert "".join(utterance["unit"].text for utterance in found).replace(" ", "") == f"Code{digits},yes."
    assert [utterance["passage"].ending for utterance in found] == [" "] * (len(found) - 1) + [""]
    assert [utterance["pauses"][0] == 0 for utterance in found] == [False] + [True] * (len(found) - 1)


@pytest.mark.parametrize(
    ("body", "unit"),
    [
        ("<sub alias='{}'>W3C</sub>", "World Wide Web, Consortium "),
        ("<sub alias='{}'/>", "hello "),
        ("<phoneme ph='{}'>Paris and London</phoneme>", "ˈpæɹɪs"),
        ("<phoneme alphabet='x-voxstack' ph='{}'>x</phoneme>", "hh ax0 l ow1 "),
        ("<say-as interpret-as='telephone'>{}</say-as>", "555-12 "),
        ("<say-as interpret-as='cardinal'>{}</say-as>", "7"),
        ("[[{}]]", "hh ax0 l ow1 "),
        ("{}", "hello there "),
    ],
)
def test_whatever_is_spoken_for_an_insert_is_cut(body: str, unit: str) -> None:
    found, single = ssml(f"One {body.format(unit * 2000)} two."), phones(ssml(body.format(unit)))
    assert len(found) > 8
    assert phones(found) == ["w", "ah", "n", *single * 2000, "t", "uw"]
    reported = [text for text, _, _ in words(found)]
    assert (reported[0], reported[-1]) == ("One", "two")
    assert all(0 <= start <= end for _, start, end in words(found))
    if "W3C" in body or "Paris" in body:
        assert "".join(reported[1:-1]).replace(" ", "") == ("W3C" if "W3C" in body else "ParisandLondon")


@pytest.mark.parametrize(
    "text",
    [
        "x" * 20_000,
        "7" * 10_003,
        "≤" * 2000,
        "%" * 3000,
        "[[" + "aa " * 5000 + "]]",
        "1,234,567,890 " * 300,
        "MMMM" * 900,
        "https://a.b/" + "c?d=e&" * 2000,
        "[[" + "aa" * 5000,
        "[[ hello " * 1000,
        "a." * 3000,
        "漢x" * 2000,
    ],
    ids=lambda text: f"{text[:8]}x{len(text)}",
)
def test_no_text_makes_more_tokens_at_once(text: str) -> None:
    found = seen(text)
    assert len(found) > 3
    assert phones(seen(iter([text[:300], text[300:]])))


def test_a_long_number_is_read_digit_by_digit_to_its_end() -> None:
    for length in (501, 515, 516, 701, 703):
        assert "hh" not in phones(seen("7" * length)), "no hundred"
        assert len(phones(seen("7" * length))) == length * len(phones(seen("7")))


def test_phones_between_brackets_are_cut_between_phones_however_they_arrive() -> None:
    text = "Say [[" + "hh ax0 l ow1 " * 300 + "]] to them, [[s ey1]]."
    whole = seen(text)
    expected = [*"s ey".split(), *"hh ax l ow".split() * 300, *"t ax dh eh m s ey".split()]
    assert phones(whole) == expected
    assert phones(seen(iter(text[i : i + 9] for i in range(0, len(text), 9)))) == expected
    assert all(text[start:end] == word for word, start, end in words(whole))
    with pytest.raises(voxstack.RequestError, match=r"no phone 'xx'"):
        seen("Say [[" + "hh ax0 l ow1 " * 300 + "xx]] to them.")


def test_long_silences_are_cut_and_keep_their_length() -> None:
    found = ssml("One" + '<break time="50s"/>' * 10 + '<mark name="a"/> two.<break time="60s"/><break time="9s"/>')
    silences = [utterance["pauses"][np.isfinite(utterance["pauses"])] for utterance in found]
    assert sum(map(np.sum, silences)) == pytest.approx(569)
    assert max(map(np.max, silences)) <= 60
    assert phones(found) == "w ah n t uw".split()
    (mark,) = [(number, mark) for number, utterance in enumerate(found) for mark in utterance["marks"]]
    assert found[mark[0]]["phones"][mark[1].token] == "t"


def test_cut_passages_keep_all_markup_in_order() -> None:
    draw = random.Random(1)
    for _ in range(60):
        text = "".join(draw.choice("ab \ua66e.") for _ in range(draw.randint(1, 60)))
        places = [index for index, character in enumerate(text) if character == "\ua66e"]
        count = draw.randint(0, 9)
        passage = Passage(
            text,
            100,
            "",
            draw.choice([math.nan, 0.0, 1.0, 130.0]),
            tuple((100 + 10 * index, 110 + 10 * index) for index in range(len(text))),
            tuple(
                Insert(i, "letters" * draw.randint(0, 9), "word " * draw.choice([1, 3, 50]), "words") for i in places
            ),
            tuple(
                Break(i, draw.choice([math.nan, 0.0, 2.0, 70.0]))
                for i in sorted(draw.choices(range(len(text)), k=count))
            ),
            tuple(ProsodySpan(i, i + 1, 1.0 + i) for i in range(0, len(text), 3)),
            tuple(Bookmark(i, f"m{i}") for i in sorted(draw.choices(range(len(text) + 1), k=count))),
        )
        cut = list(cut_markup(passage, 20))
        assert "".join(part.written for part in cut).replace(" ", "") == passage.written.replace(" ", "")
        spoken = " ".join(insert.spoken for part in cut for insert in part.inserts)
        assert spoken.split() == " ".join(insert.spoken for insert in passage.inserts).split()
        names = [mark.name for part in cut for mark in part.bookmarks]
        assert names == [mark.name for mark in passage.bookmarks]
        seconds = [s for part in cut for s in (part.leading_silence, *(b.seconds for b in part.breaks)) if s > 0]
        wanted = [s for s in (passage.leading_silence, *(b.seconds for b in passage.breaks)) if s > 0]
        assert sum(seconds) == pytest.approx(sum(wanted))
        for part in cut:
            assert TEXT.layout(part).rows
            assert len(cut) == 1 or sum(len(insert.spoken) for insert in part.inserts) <= 25
            assert all(0 <= b.position <= len(part.text) for b in (*part.breaks, *part.bookmarks))
            assert all(part.text[insert.position] == "\ua66e" for insert in part.inserts)
            assert len(part.origins or ()) == len(part.text)
            assert all(0 <= span.start < span.end <= len(part.text) for span in part.prosody_spans)


@pytest.mark.parametrize("seed", range(5))
def test_beyond_the_search_cuts_are_found_in_one_pass(seed: int) -> None:
    draw = random.Random(seed)
    rows = [Row(Phone("aa", word="x" * (draw.random() < 0.2)), index) for index in range(9000)]
    rows = [row._replace(phone=Phone("pau")) if draw.random() < 0.02 else row for row in rows]
    rows[0] = rows[-1] = Row(Phone("pau"), 0)
    rows[1] = Row(Phone("aa", word="x"), 1)
    layout = Layout(rows, [])
    cuts = best_cuts(layout, _LARGEST_SEARCHED + 1)
    sizes = [token_count(rows, start, end) for start, end in pairwise(cuts)]
    assert max(sizes) <= _LARGEST_SEARCHED - 1
    assert min(sizes[:-1]) >= _LARGEST_SEARCHED // 4
    assert (cuts[0], cuts[-1]) == (1, len(rows) - 1)


def test_line_breaks_and_entities_inside_inserts_are_no_trouble() -> None:
    (passage,) = parse_ssml("<speak><sub alias='x'>" + "a\n&amp;" * 60_000 + "</sub></speak>", {}).passages(200, 500)
    assert len(passage.inserts[0].written) == 180_000


def test_a_long_transcription_is_read_in_one_pass() -> None:
    assert len(from_ipa("həˈloʊ" * 20_000)) == 80_000


def test_text_stops_when_its_stream_does() -> None:
    document = parse_ssml("<speak>One two.</speak>", {})
    for work in (
        lambda: parse_ssml("<speak><s>One.</s></speak>", {}),
        lambda: list(document.passages(200, 500)),
        lambda: TEXT({"text": "One."}),
        lambda: from_ipa("a"),
        lambda: seen("漢", text_start=0),
    ):
        with limited() as turn:
            turn.missed = True
            with pytest.raises(CancelledError):
                work()


def test_a_document_may_arrive_in_parts_and_all_of_them_are_text() -> None:
    assert phones(seen(iter(["<speak>O", "ne.</", "speak>"]), markup="ssml")) == "w ah n".split()
    with pytest.raises(voxstack.RequestError, match=r"Sentences: a part of the text is a int"):
        seen(iter(["<speak>", 1]), markup="ssml")
    with pytest.raises(voxstack.RequestError, match=r"Text: a part of the text is a NoneType"):
        TEXT({"text": iter(["One.", None])})
