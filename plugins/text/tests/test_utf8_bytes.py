from __future__ import annotations

import numpy as np
import pytest

from voxstack import RequestError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.utf8_bytes import Utf8Bytes

MARKS = {"[S1]": 1, "[S1]x": 2}


@parametrize_with_checks([Case(Utf8Bytes(MARKS), utterance={"text": "[S1] Größe."})])
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Ab", [65, 98]),
        ("ß\n", [0xC3, 0x9F, 10]),
        ("[S1]A[s1]", [1, 65, *b"[s1]"]),
        ("[S1]x", [2]),
        ("\ud800", [63]),
    ],
)
def test_it_reads_bytes_and_symbols(text, tokens):
    np.testing.assert_array_equal(Utf8Bytes(MARKS)({"text": text})["tokens"], tokens)


def test_an_offset_moves_bytes_alone():
    np.testing.assert_array_equal(Utf8Bytes(MARKS, offset=3)({"text": "[S1]A"})["tokens"], [1, 68])


def test_words_have_their_tokens():
    words = Utf8Bytes(MARKS)({"text": "[S1] Größe, ja!"})["words"]
    assert [(word.text, word.first_token, word.tokens) for word in words] == [("Größe", 2, 7), ("ja", 11, 2)]
    assert [(word.start, word.end) for word in words] == [(5, 10), (12, 14)]


def test_it_reads_no_markup():
    with pytest.raises(RequestError, match="reads plain text, and the request is SSML"):
        Utf8Bytes()({"text": "<speak>Hi</speak>", "markup": "ssml"})


@pytest.mark.parametrize(("text", "problem"), [("", "the text is empty"), ("Größe", "has 7 bytes, and .* up to 6")])
def test_refusals(text, problem):
    with pytest.raises(RequestError, match=problem):
        Utf8Bytes(longest=6)({"text": text})
