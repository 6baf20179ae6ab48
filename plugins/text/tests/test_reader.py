# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here
from __future__ import annotations

import math

import numpy as np
import pytest
from tiny import addon, loaded, network, tensor

import voxstack
from voxstack_text.ipa import _PHONES, from_ipa
from voxstack_text.normalise.reader import read_passage
from voxstack_text.passage import Break, Insert, Passage, ProsodySpan
from voxstack_text.pronunciation.g2p_network import STEPS_PER_LETTER
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer
from voxstack_text.pronunciation.symbols import SYMBOLS
from voxstack_text.text import Text
from voxstack_text.tokens import VOWELS

IS_KNOWN = Pronouncer(Lexicon.built_in()).is_known
TEXT = loaded(Text(), addon())


def words(passage: Passage | str) -> str:
    items = read_passage(Passage(passage) if isinstance(passage, str) else passage, IS_KNOWN)
    return " ".join(item.word if item.seconds is None else f"{item.seconds:g}" for item in items)


def test_phones_in_brackets_are_spoken_as_written() -> None:
    entries = TEXT({"text": "Say [[hh ax0 l ow1]], John."})
    assert " ".join(entries["phones"]) == "pau s ey hh ax l ow pau jh aa n pau"
    assert entries["tokens"][3:7, 1].tolist() == [0, 0, 1, 1]
    assert entries["tokens"][3:7, 2].tolist() == [1, 0, 0, 0], "a word begins there"
    assert [word.text for word in entries["words"]] == ["Say", "[[hh ax0 l ow1]]", "John"]


def test_a_vowel_without_a_number_is_not_stressed() -> None:
    assert TEXT({"text": "[[hh ax l ow1]]"})["tokens"].tolist() == TEXT({"text": "[[hh ax0 l ow1]]"})["tokens"].tolist()


@pytest.mark.parametrize(
    "text, problem", [("Say [[h @ l ou]] now", "no phone 'h'"), ("Say [[ ]] now", "are no phones")]
)
def test_phones_that_do_not_exist_are_refused_with_their_place(text: str, problem: str) -> None:
    with pytest.raises(
        voxstack.RequestError,
        match=rf"at characters 104 to {100 + text.index(' now')}, .*{problem}; this voice has aa1 ae1",
    ):
        TEXT({"text": text, "text_start": 100})


def test_breaks_join_the_pauses_beside_them() -> None:
    assert words(Passage("one, two", breaks=(Break(5, 1.5),))) == "one 1.5 two"
    assert words(Passage("one, two", breaks=(Break(3, 0.0),))) == "one 0 two"
    assert words(Passage("one two", breaks=(Break(4, math.nan), Break(4, 1.0), Break(4, 0.5)))) == "one 1.5 two"
    assert words(Passage("one two", breaks=(Break(0, 1.0), Break(7, 2.0)))) == "1 one two 2"
    assert words(Passage(", one two,", breaks=(Break(0, math.nan),))) == "one two"


def test_inserts_are_read_in_their_place() -> None:
    inserts = (Insert(4, "W3C", "the 3 of us", "text"), Insert(6, "x", "A B", "words"))
    assert words(Passage("say . x", inserts=inserts)) == "say the three of us A B"


def test_prosody_applies_where_a_word_begins() -> None:
    passage = Passage("one two three", prosody_spans=(ProsodySpan(4, 7, 2.0, -3.0),))
    entries = TEXT({"text": passage.text, "passage": passage})
    assert entries["phones"][4:6] == ["t", "uw"]
    assert entries["rates"].tolist() == [1] * 4 + [2] * 2 + [1] * 4
    assert entries["volumes"].tolist() == [0] * 4 + [-3] * 2 + [0] * 4


def test_a_segment_of_a_sentence_continues_without_a_stop() -> None:
    def tokens(text: str, **more: float | str) -> dict[str, np.ndarray]:
        return TEXT({"text": text, "passage": Passage(text, **more)})  # type: ignore[arg-type, return-value]

    whole = TEXT({"text": "When it rains, it pours."})
    first, second = tokens("When it rains,", ending=","), tokens("it pours.", leading_silence=0.0)
    middle = whole["phones"][1:].index("pau") + 2
    np.testing.assert_array_equal(first["tokens"], whole["tokens"][:middle])
    np.testing.assert_array_equal(second["tokens"][1:], whole["tokens"][middle:])
    assert second["pauses"][0] == 0
    assert np.isnan(first["pauses"]).all()
    assert first["rates"][-1] > 1, "an acoustic model makes the silence at the end of its input longer"


def test_entries_have_one_value_per_token() -> None:
    entries = TEXT({"text": "One, two."})
    for name in ("phones", "silences", "pauses", "rates", "volumes"):
        assert len(entries[name]) == len(entries["tokens"])
    assert entries["silences"].tolist() == [phone == "pau" for phone in entries["phones"]]
    assert entries["marks"] == []


def test_text_may_arrive_in_parts_without_sentences_around_it() -> None:
    assert TEXT({"text": iter(["Hel", "lo."])})["phones"] == TEXT({"text": "Hello."})["phones"]


def test_markup_needs_sentences_around_it() -> None:
    with pytest.raises(voxstack.RequestError, match="put the stack's blocks into a Sentences"):
        TEXT({"text": "<speak>Hello.</speak>", "markup": "ssml"})


def test_a_word_that_the_network_fails_at_is_named_with_its_place() -> None:
    spec = network(
        "pronunciation",
        {"letters": tensor("batch", "letters", dtype="int64"), "mask": tensor("batch", "letters", mask=True)},
        {"logits": tensor("batch", "steps", len(SYMBOLS) + 1)},
    )

    def broken(letters: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        if letters.shape[1] == 5:
            raise voxstack.NetworkError("it broke")
        return {"logits": np.zeros((1, letters.shape[1] * STEPS_PER_LETTER, len(SYMBOLS) + 1), np.float32)}

    block = loaded(Text(), addon([], {"pronunciation": broken}, networks={"pronunciation": spec}))
    with pytest.raises(voxstack.NetworkError, match=r"at characters 14 to 19, 'zzyxw': .*it broke"):
        block({"text": "Say Zzyxw now", "text_start": 10})


def test_what_a_rule_cannot_read_is_named_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> str:
        raise OverflowError("too many")

    monkeypatch.setattr("voxstack_text.normalise.numbers.amount", fail)
    with pytest.raises(
        voxstack.RequestError, match=r"at characters 26 to 30: cannot read '5 km': too many; write it otherwise"
    ):
        TEXT({"text": "It is [[s ow1]] 5 km.", "text_start": 10})


@pytest.mark.parametrize(
    "written, phones",
    [
        ("həˈloʊ", "hh ax0 l ow1"),
        ("/kæt/", "k ae1 t"),
        ("ˈt͡ʃɝt͡ʃ", "ch er1 ch"),
        ("d͡ʒʌd͡ʒ", "jh ah1 jh"),
        ("ˌæbsəˈluːtli", "ae0 b s ax0 l uw1 t l iy0"),
        ("ˈbʌtn̩", "b ah1 t ax0 n"),
        ("ˈwɔːtəɹ", "w ao1 t er0"),
        ("kjut", "k y uw1 t"),
        ("ʃ", "sh"),
    ],
)
def test_ipa(written: str, phones: str) -> None:
    assert " ".join(from_ipa(written)) == phones


def test_all_of_the_ipa_table_is_in_the_voice() -> None:
    named = {phone for phones in _PHONES.values() for phone in phones}
    assert {f"{phone}1" if phone in VOWELS else phone for phone in named} <= set(SYMBOLS)
    assert {symbol.rstrip("01") for symbol in SYMBOLS} == named, "every phone of the voice has a letter"
