from __future__ import annotations

import pytest

from voxstack_text.passage import PLACEHOLDER, Bookmark, Break, Insert, Passage, ProsodySpan
from voxstack_text.sentences.spoken_inserts import with_spoken_inserts
from voxstack_text.ssml.parser import parse_ssml


@pytest.mark.parametrize(
    ("document", "spoken"),
    [
        ('<speak>He <sub alias="World Wide Web">WWW</sub> left.</speak>', "He World Wide Web left."),
        ('<speak>An <say-as interpret-as="characters">abc</say-as>.</speak>', "An A B C."),
        (
            '<speak>A <phoneme alphabet="ipa" ph="t\u0259\u02c8m\u0251\u02d0to\u028a">tomato</phoneme>.</speak>',
            "A tomato.",
        ),
        ("<speak>Plain.</speak>", "Plain."),
    ],
)
def test_what_is_spoken_is_in_the_text_with_the_place_of_what_is_written(document: str, spoken: str) -> None:
    (passage,) = parse_ssml(document, {}).passages(200, 500)
    found = with_spoken_inserts(passage)
    assert found.text == spoken
    assert not found.inserts
    assert PLACEHOLDER not in found.text
    first, end = found.span(0, len(spoken))
    written = document[found.start + first : found.start + end]
    assert written.startswith(spoken[0])
    assert written.endswith(".")


def test_markup_after_an_insert_moves() -> None:
    insert = Insert(0, "WWW", "World Wide Web", "text")
    passage = Passage(f"{PLACEHOLDER} b", 5, inserts=(insert,), breaks=(Break(2, 1.0),), bookmarks=(Bookmark(0, "m"),))
    found = with_spoken_inserts(passage)
    assert (found.breaks, found.bookmarks) == ((Break(15, 1.0),), (Bookmark(0, "m"),))
    assert found.text[15] == "b"
    assert found.span(6, 10) == (0, 1)
    assert found.span(15, 16) == (2, 3)


def test_spans_that_begin_before_the_text_or_end_after_it_are_cut() -> None:
    insert = Insert(0, "W", "double u", "words")
    passage = Passage(f"{PLACEHOLDER} b", inserts=(insert,), prosody_spans=(ProsodySpan(-5, 9, 2.0),))
    changed = with_spoken_inserts(passage)
    assert changed.text == "double u b"
    assert changed.prosody_spans == (ProsodySpan(0, len(changed.text), 2.0),)
