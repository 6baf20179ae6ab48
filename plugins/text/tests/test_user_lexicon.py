# ruff: noqa: RUF001 -- phonetic and typographic characters are meant
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voxstack import AddonError, RequestError, StreamableBlock, StreamablePipeline
from voxstack_text.sentences_block import Sentences
from voxstack_text.text import Text
from voxstack_text.user_lexicon.matching import UserLexicon
from voxstack_text.user_lexicon.phones import check_phones, with_ending
from voxstack_text.user_lexicon.sources import parse_lexicon, read_lexicon

PLS = """<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa" xml:lang="en-US">
  <metadata><x/></metadata>
  <lexeme><grapheme>2Pac</grapheme><grapheme>Tupac</grapheme><phoneme>ˈtuː.pɑːk</phoneme></lexeme>
  <lexeme role="x"><grapheme>W3C</grapheme>
    <alias>World Wide Web</alias><alias prefer="true">W  three
    C</alias><example>at W3C</example></lexeme>
  <lexeme><grapheme>Bob</grapheme><phoneme alphabet="x-voxstack">b ao1 b</phoneme></lexeme>
  <lexeme><grapheme>nothing</grapheme></lexeme>
</lexicon>
"""


def block(**lexicons: str) -> Text:
    """Return a ``Text`` with the lexicon of an addon, if there is one."""
    text = Text(lexicon=next(iter(lexicons), None))
    files = SimpleNamespace(read=lambda name: lexicons[name].encode())
    text.load(SimpleNamespace(networks={}, name="tiny", files=files))  # type: ignore[arg-type]
    return text


TEXT = block()


@dataclass
class Recorder(StreamableBlock):
    """Records the texts that it receives."""

    head, makes = True, "frames"

    def stream(self, source: Any, utterance: Any) -> Any:
        utterance["seen"].append(utterance["text"])
        yield np.zeros(1, np.float32)


def words(text: str, lexicon: Any, reader: Text = TEXT) -> list[tuple[str, str]]:
    """Return the written words of a text, each with its phones as in ``[[ ]]``."""
    given = reader({"text": text, "lexicon": read_lexicon(lexicon)})
    symbols = [phone.symbol for phone in given["spoken"]]
    return [
        (word.text, " ".join(symbols[word.first_token : word.first_token + word.tokens])) for word in given["words"]
    ]


def found(text: str, lexicon: Any) -> list[tuple[str, str, str]]:
    return [(text[one.start : one.end], one.value, one.ending) for one in read_lexicon(lexicon).find(text)]


def test_entries_are_phones_ipa_or_words_to_read_instead() -> None:
    lexicon = {"Nguyen": "w ih1 n", "GIF": "/dʒɪf/", "SQL": {"alias": "sequel"}, "Qi": {"ipa": "tʃiː"}}
    assert words("Nguyen Qi GIF SQL.", lexicon) == [
        ("Nguyen", "w ih1 n"), ("Qi", "ch iy1"), ("GIF", "jh ih1 f"), ("SQL", "s iy1 k w ax0 l"),
    ]  # fmt: skip


def test_entries_come_before_every_rule_and_rules_see_them_as_context() -> None:
    lexicon = {"2Pac": "t uw1 p aa0 k", "C++": {"alias": "see plus plus"}, "Nguyen": "w ih1 n", "5": "f ih1 f"}
    assert words("(C++) 2Pac, 5!", lexicon) == [
        ("C++", "s iy1 p l ah1 s p l ah1 s"), ("2Pac", "t uw1 p aa0 k"), ("5", "f ih1 f"),
    ]  # fmt: skip
    assert words("Dr. Nguyen", lexicon) == [("Dr.", "d aa1 k t er0"), ("Nguyen", "w ih1 n")]
    saint, alone = words("St. Nguyen", lexicon)[0], words("St.", lexicon)[0]
    assert saint == ("St.", "s ey1 n t") != alone


def test_several_words_are_one_entry_and_the_longest_counts() -> None:
    lexicon = {"New York": {"alias": "the city"}, "York": "y ao1 k", "New York Times": {"alias": "the paper"}}
    assert found("New  York and York", lexicon) == [("New  York", "the city", ""), ("York", "y ao1 k", "")]
    assert found("The new\nyork times", lexicon) == [("new\nyork times", "the paper", "")]


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("Nguyen's", "w ih1 n z"),
        ("Nguyen’s", "w ih1 n z"),
        ("NGUYEN'S", "w ih1 n z"),
        ("Nguyens", "w ih1 n z"),
        ("Nguyens'", "w ih1 n z"),
        ("Nguyen'll", "w ih1 n ax0 l"),
        ("Roses", "r ow1 z ax0 z"),
        ("Pac's", "p aa1 k s"),
    ],
)
def test_endings_are_pronounced(text: str, phones: str) -> None:
    lexicon = read_lexicon({"Nguyen": "w ih1 n", "Ros": "r ow1 z", "Pac": "p aa1 k"})
    (one,) = lexicon.find(text)
    assert (one.start, one.end, " ".join(with_ending(one))) == (0, len(text), phones)


def test_the_same_case_comes_first_then_any() -> None:
    assert found("Polish polish POLISH", {"polish": "p aa1", "Polish": "p ow1"}) == [
        ("Polish", "p ow1", ""), ("polish", "p aa1", ""), ("POLISH", "p aa1", ""),
    ]  # fmt: skip
    assert found("gas, the US and us, in IT: it", {"GA": "jh", "US": "y", "IT": "ay"}) == [
        ("US", "y", ""), ("IT", "ay", ""),
    ]  # fmt: skip


def test_entries_are_not_found_within_words_addresses_and_numbers() -> None:
    lexicon = {"win": "w", "node": "n", "5": "f", "bob": "b"}
    assert found("winning node.js bob@x.com x@bob.org 1,5 5.2 1.5 window", lexicon) == []
    assert found("win-win (node). bob: 5,", lexicon) == [
        ("win", "w", ""), ("win", "w", ""), ("node", "n", ""), ("bob", "b", ""), ("5", "f", ""),
    ]  # fmt: skip


def test_a_request_comes_before_the_application_and_that_before_the_voice() -> None:
    voice = block(**{"names.tsv": "Bob\tb ih1 b\nAnn\tae1 n\nEve\tiy1 v\n"})
    both = read_lexicon({"Bob": "b ow1 b"}).over(read_lexicon({"bob": "b aw1 b", "Ann": "ey1 n"}))
    assert words("Bob, Ann, Eve, Tim.", both, voice) == [
        ("Bob", "b ow1 b"), ("Ann", "ey1 n"), ("Eve", "iy1 v"), ("Tim", "t ih1 m"),
    ]  # fmt: skip
    assert words("Bob", {}, voice) == [("Bob", "b ih1 b")]


def test_of_several_sources_the_last_one_counts_and_in_a_file_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("Bob\tb ih1 b\nBob\tb ow1 b\nAnn\tae1\n", encoding="utf-8")
    assert found("Bob Ann", [tmp_path / "a.tsv"])[0] == ("Bob", "b ih1 b", "")
    assert found("Bob Ann", [{"Bob": "b"}, str(tmp_path / "a.tsv"), {"Ann": "n"}]) == [
        ("Bob", "b ih1 b", ""), ("Ann", "n", ""),
    ]  # fmt: skip


def test_pls_gives_each_grapheme_its_preferred_pronunciation() -> None:
    entries = parse_lexicon(PLS.encode(), "names.pls")
    assert [(entry.grapheme, entry.kind, entry.value, entry.where) for entry in entries] == [
        ("2Pac", "ipa", "ˈtuː.pɑːk", "names.pls, line 4"),
        ("Tupac", "ipa", "ˈtuː.pɑːk", "names.pls, line 4"),
        ("W3C", "alias", "W three C", "names.pls, line 7"),
        ("Bob", "phones", "b ao1 b", "names.pls, line 8"),
    ]
    assert parse_lexicon(PLS.replace("UTF-8", "UTF-16").encode("utf-16"), "names.pls") == entries


def test_lines_are_words_and_pronunciations_with_comments_between() -> None:
    content = "\ufeff# names\r\n\r\nNguyen\tw ih1 n\r\nNew York\tthe city\talias\r\nQi\t/tʃiː/\r\n"
    assert [(entry.grapheme, entry.kind, entry.value) for entry in parse_lexicon(content.encode(), "x")] == [
        ("Nguyen", "phones", "w ih1 n"), ("New York", "alias", "the city"), ("Qi", "ipa", "tʃiː"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a\tb\nNguyen w ih1 n", "x, line 2: 'Nguyen w ih1 n' has 0 tabs; write a word, a tab"),
        ("Bob\tb q b", "x, line 1: there is no phone 'q'"),
        ("Bob\tb\tipax", "x, line 1: there is no kind 'ipax' of pronunciation; write phones, ipa, alias"),
        ("\n\nBob\t \n", "x, line 3: there is no pronunciation"),
        (f"{'b' * 501}\tb", "x, line 1: the word 'bbb.*' has 501 characters; 500 at most"),
        (PLS.replace("ˈtuː", "ˈ8"), "x, line 4: '8' stands for no phone"),
        (PLS.replace("x-voxstack", "x-sampa"), "x, line 8: the alphabet 'x-sampa' is not supported"),
        (PLS.replace("<alias>", "<alias", 1), "x, line 6: not well-formed XML"),
        (PLS.replace("<lexeme>", "<lexeme><lexeme>"), "x, line 4: <lexeme> stands in <lexeme>"),
        (PLS.replace("<grapheme>Bob</grapheme>", ""), "x, line 8: this <lexeme> has no <grapheme>"),
        ("<speak>x</speak>", "x, line 1: a lexicon begins with <lexicon>"),
        ('<!DOCTYPE l [<!ENTITY a "b">]><lexicon>&a;</lexicon>', "x, line 1: document types and entity"),
    ],
)
def test_errors_name_the_file_the_line_and_what_is_wrong(content: str, problem: str) -> None:
    with pytest.raises(RequestError, match=f"^{problem}"):
        check_phones(UserLexicon.of(parse_lexicon(content.encode(), "x")))


def test_bytes_that_are_not_utf8_are_named_by_their_line() -> None:
    with pytest.raises(RequestError, match=r"^x, line 2: it is not UTF-8"):
        parse_lexicon(b"Bob\tb\nB\xf6b\tb", "x")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"a": "xx"}, "lexicon, 'a': there is no phone 'xx'.* IPA stands between slashes"),
        ({"a": "/ʘ/"}, "lexicon, 'a': 'ʘ' stands for no phone"),
        ({"a": "/ˈ/"}, "lexicon, 'a': /ˈ/ has no sound"),
        ({"a": {"b": "c"}}, "lexicon, 'a': there is no kind 'b'"),
        ({"a": {}}, "lexicon, 'a': {} is no pronunciation"),
        ({"a": 5}, "lexicon, 'a': 5 is no pronunciation"),
        ({5: "b"}, "lexicon, 5: 'b' is no pronunciation"),
        (5, "lexicon: expected a mapping .*, got 5"),
        ("no/such.tsv", "lexicon: cannot read 'no/such.tsv': No such file or directory"),
    ],
)
def test_errors_of_mappings_name_the_word(source: Any, problem: str) -> None:
    with pytest.raises(RequestError, match=f"^{problem}"):
        check_phones(read_lexicon(source))


def test_the_lexicon_of_an_addon_is_checked_when_the_block_is_loaded() -> None:
    with pytest.raises(AddonError, match=r"tiny: names\.tsv, line 1: there is no phone 'q'"):
        block(**{"names.tsv": "Bob\tq"})


def test_words_between_brackets_and_in_markup_are_left_alone() -> None:
    assert words("[[w ih1 n]] win", {"w": "b", "win": "b ih1 b"}) == [("[[w ih1 n]]", "w ih1 n"), ("win", "b ih1 b")]


@pytest.mark.parametrize("seed", range(40))
def test_any_words_of_any_text_are_found_where_they_are(seed: int) -> None:
    draw = Random(seed)
    text = "".join(
        draw.choices(["Nguyen", "GIF", "’s", " ", " ", ", ", ".", "5", "é", "-", "’", "(", ")", "C++", "\n"], k=60)
    )
    starts = draw.sample(range(50), 5)
    slices = [text[start : start + draw.choice([1, 2, 5, 9])] for start in starts]
    lexicon = read_lexicon({word: draw.choice(["w ih1 n", {"alias": word}]) for word in slices if word.strip()})
    done = 0
    for one in lexicon.find(text):
        assert done <= one.start < one.end <= len(text)
        done = one.end
    given = TEXT({"text": text, "lexicon": lexicon})
    assert all(text[word.start : word.end] == word.text for word in given["words"])


def test_a_sentence_of_a_sign_that_only_a_lexicon_has_is_spoken() -> None:
    own = block(**{"signs.tsv": "\U0001f643\tturned\talias\n"})
    sentences = Sentences(StreamablePipeline(own, Recorder()))
    sentences.load(SimpleNamespace(networks={}, config={}))  # type: ignore[arg-type]

    def read(lexicon: Any) -> list[str]:
        found: list[str] = []
        request = {"text": "Yes. \U0001f642. \U0001f643!", "lexicon": lexicon, "seen": found}
        for _ in sentences.stream(iter(()), request):
            pass
        return found

    assert read(None) == ["Yes.", "\U0001f643!"]
    assert read(read_lexicon({"\U0001f642": {"alias": "smile"}})) == ["Yes.", "\U0001f642.", "\U0001f643!"]
