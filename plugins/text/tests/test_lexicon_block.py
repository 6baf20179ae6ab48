# ruff: noqa: RUF001 -- Chinese text and marks are the subject here
from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pytest

from voxstack import AddonError, RequestError, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.lexicon import Lexicon
from voxstack_text.user_lexicon.sources import read_lexicon

TONES = """hello hh ah l ow 7 8 7 9
Don't d ow n t 7 9 7 7
a ah 8
b b iy 7 9
你 n i 3 3
你好 n i h ao 2 2 3 3
好 h ao 3 3
hello t 7
bad xx 7
uneven n i 3
"""
PLAIN = "hello hh ah l ow\n你好 n i h ao\n"
SYMBOLS = {name: 1 + number for number, name in enumerate("hh ah l ow d n t b iy i h ao , .".split())}


def lexicon(content=TONES, **fields):
    block = Lexicon("lexicon.txt", SYMBOLS, **{"tones": content is not PLAIN, **fields})
    content = content if isinstance(content, bytes) else content.encode()
    config = {"files": {"lexicon.txt": {"size": len(content)}}}
    files = SimpleNamespace(read={"lexicon.txt": content}.__getitem__)
    block.load(SimpleNamespace(name="tiny", config=config, files=files))
    return block


def phones(text, **fields):
    """Return the phones of a text, with their tones."""
    given = lexicon(**fields)({"text": text})
    names = {token: name for name, token in SYMBOLS.items()} | {0: "_"}
    assert given["tokens"].dtype == np.int64
    return " ".join(
        f"{names[token]}{tone or ''}"
        for token, tone in zip(given["tokens"], given.get("tones", 0 * given["tokens"]), strict=True)
    )


@parametrize_with_checks(
    [
        Case(lexicon(), {"text": "hello, 你好"}),
        Case(lexicon(PLAIN, start=[20], blank=[0], end=[21], same={"，": ","}), {"text": "hello， hello"}),
    ]
)
def test_contract(case, check):
    check(case)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", "hh7 ah8 l7 ow9"),
        ("HELLO, hello.", "hh7 ah8 l7 ow9 , hh7 ah8 l7 ow9 ."),
        ("你好", "n2 i2 h3 ao3"),
        ("你 好", "n2 i2 h3 ao3"),
        ("好你好hello", "h3 ao3 n2 i2 h3 ao3 hh7 ah8 l7 ow9"),
        ("don't don’t", "d7 ow9 n7 t7 d7 ow9 n7 t7"),
        ("hello。", "hh7 ah8 l7 ow9 ."),
    ],
)
def test_words_are_read_by_the_dictionary(text, expected):
    assert phones(text, same={"。": ".", "’": "'"}) == expected


def test_words_of_ideographs_are_the_longest_ones_up_to_a_limit():
    assert phones("你好", longest=1) == "n3 i3 h3 ao3"


def test_other_words_are_spelled_and_the_rest_is_skipped(caplog):
    with caplog.at_level(logging.WARNING, "voxstack.text"):
        assert phones("abba! bad") == "ah8 b7 iy9 b7 iy9 ah8 b7 iy9 ah8"
    assert "skipped '!'" in caplog.text


def test_a_dictionary_without_tones_has_none():
    assert phones("hello 你好", content=PLAIN) == "hh ah l ow n i h ao"
    assert "tones" not in lexicon(PLAIN).gives


def test_blanks_start_and_end_have_the_tone_0():
    assert phones("a, a", start=[0], blank=[0], end=[13]) == "_ _ ah8 _ , _ ah8 _ ,"


def test_ends_and_marks_may_have_tones_of_their_own():
    fields = {"start": [0, 0], "start_tones": [0, 6], "end": [0], "end_tones": [5], "mark_tone": 6}
    assert phones("a,", blank=[0], **fields) == "_ _6 _ ah8 _ ,6 _ _5"
    with pytest.raises(StackError, match="write one for each of the 1 of 'start'"):
        lexicon(start=[0], start_tones=[1, 2])


def test_apostrophes_may_be_marks(caplog):
    same = {"’": "'"}
    assert phones("don’t", same=same) == "d7 ow9 n7 t7"
    assert phones("don’t t", same=same, apostrophes=False, content=TONES + "t t 7\ndon d 7\n") == "d7 t7 t7"


def test_words_have_their_place_in_tokens_and_text():
    given = lexicon(start=[20], blank=[0])({"text": "Hello, 你好!"})
    words = [(word.text, word.start, word.end) for word in given["words"]]
    assert words == [("Hello", 0, 5), ("你好", 7, 9)]
    first, second = given["words"]
    assert (first.first_token, first.tokens) == (1, 8)  # from the blank before it to its last phone
    assert (second.first_token, second.tokens) == (11, 8)
    assert len(given["tokens"]) == 20


NUMBERS = TONES + "".join(
    f"{word} t {index + 20}\n" for index, word in enumerate("five dollars fifty percent and".split())
)


def test_numbers_are_read_by_the_rules_of_a_language(caplog):
    assert phones("hello 5, a $5.50", content=NUMBERS, numbers="en-US") == ("hh7 ah8 l7 ow9 t20 , ah8 t20 t21 t24 t22")
    assert phones("5% a.", content=NUMBERS, numbers="en-US") == "t20 t23 ah8 ."
    given = lexicon(NUMBERS, numbers="en-US")({"text": "a $5.50."})
    assert [(word.text, word.first_token, word.tokens) for word in given["words"]] == [("a", 0, 1), ("$5.50", 1, 4)]
    assert phones("hello 5", content=NUMBERS) == "hh7 ah8 l7 ow9"
    assert "skipped '5'" in caplog.text


def test_nothing_to_read_is_an_error():
    with pytest.raises(RequestError, match=r"no word of '\?!' is in the dictionary"):
        lexicon()({"text": "?!"})
    with pytest.raises(RequestError, match="put Sentences around the block"):
        lexicon()({"text": iter(["a"])})


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "has no line with a word"), (b"word\n\n", "has no line"), (b"a \xff", "is not a text in UTF-8")],
)
def test_a_file_that_is_no_dictionary_is_refused(content, problem):
    with pytest.raises(AddonError, match=f"tiny: lexicon.txt: .*{problem}"):
        lexicon(content)


def test_a_file_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("voxstack_text.lexicon.MAX_BYTES", 10)
    with pytest.raises(AddonError, match="reads at most 10; leave rare words out"):
        lexicon()


USERS = read_lexicon({"hi": "hh iy 5 6", "hey": {"alias": "hello b"}, "你好世": "n i 1 1"})


def test_words_of_the_requests_lexicon_come_first():
    block = lexicon(blank=[0])
    given = block({"text": "hi, hello hey 你好世", "lexicon": USERS})
    names = [name for name in given["phones"] if name]
    assert names == "hh iy , hh ah l ow hh ah l ow b iy n i".split()
    assert given["tones"][given["tokens"] > 0].tolist() == [5, 6, 0, 7, 8, 7, 9, 7, 8, 7, 9, 7, 9, 1, 1]
    assert [(word.text, word.tokens) for word in given["words"]] == [
        ("hi", 4),
        ("hello", 8),
        ("hey", 12),
        ("你好世", 4),
    ]
    assert (
        block({"text": "hello b", "lexicon": USERS})["tokens"].tolist() == block({"text": "hello b"})["tokens"].tolist()
    )


def test_endings_of_the_requests_words_are_a_phone_if_there_is_one():
    assert lexicon()({"text": "hi's", "lexicon": USERS})["phones"] == ["hh", "iy"]
    block = Lexicon("lexicon.txt", {**SYMBOLS, "z": 99}, tones=True)
    files = SimpleNamespace(read=lambda name: TONES.encode())
    block.load(SimpleNamespace(name="tiny", config={"files": {}}, files=files))
    assert block({"text": "hi's", "lexicon": USERS})["phones"] == ["hh", "iy", "z"]


@pytest.mark.parametrize("value", ["/hi/", "hh iy", "hh iy 5", "hh q 5 5", "hh iy 5 x"])
def test_pronunciations_of_another_voice_are_refused(value):
    assert lexicon().check_lexicon(USERS)
    with pytest.raises(RequestError, match=r"^lexicon, 'a': '.*' is no pronunciation of this voice; write its phones"):
        lexicon().check_lexicon(read_lexicon({"a": value}))
