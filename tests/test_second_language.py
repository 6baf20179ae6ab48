"""A plugin brings another language: the normaliser of ``Text`` is a block like any other."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import esperanto
import numpy as np
import pytest
from tiny import plugin

import voxstack
from voxstack import BlockError, Registry, SequenceBlock, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_voice.reading_stack import read_utterance

TEXT = "Saluton, ĉu vi havas 23 katojn? Jes, 5 %!"


@dataclass
class Given(SequenceBlock):
    """Gives what a test says.

    :param words: the spoken words.
    """

    words: list[list[str]]

    gives = frozenset({"spoken_words"})

    def __call__(self, utterance: Any) -> Any:
        return {"spoken_words": [(word, int(start), int(end), *more) for word, start, end, *more in self.words]}


@dataclass
class Greedy(Given):
    """Needs what it does not get."""

    needs = frozenset({"text", "rate"})


@pytest.fixture(scope="module")
def amber() -> voxstack.Voice:
    plugins = {"esperanto": esperanto, "given": plugin([Given, Greedy])}
    registry = Registry.installed().with_plugins(plugins)
    return voxstack.load("amber", registry=registry, scheduler=voxstack.Scheduler(load=None, patience=None))


def with_normaliser(amber: voxstack.Voice, normaliser: dict[str, Any]) -> voxstack.StreamableBlock:
    """Return amber's stack with another normaliser."""
    stack = copy.deepcopy(amber.addon.config["stack"])
    stack[0]["language"] = "eo"
    stack[0]["block"]["sequence_block"]["blocks"][0]["normaliser"] = normaliser
    block: voxstack.StreamableBlock = voxstack.build(stack, amber.addon)
    return block


@parametrize_with_checks([Case(esperanto.EsperantoWords(), utterance={"text": "Mi havas 23 katojn."})])
def test_contract(case: Any, check: Any) -> None:
    check(case)


def test_another_language_is_read_with_words_phones_and_pauses_in_place(amber: voxstack.Voice) -> None:
    block = with_normaliser(amber, {"type": "EsperantoWords"})
    first, second = read_utterance(block, amber.request(TEXT))
    assert first.spoken == "saluton, ĉu vi havas dudek tri katojn"
    assert second.spoken == "jes, kvin procentoj"
    assert [(word.text, word.start, " ".join(word.phonemes)) for word in first.words][3:5] == [
        ("havas", 15, "hh aa1 v aa0 s"), ("23", 21, "d uw1 d eh0 k t r iy1"),
    ]  # fmt: skip
    assert [TEXT[pause.start : pause.end] for pause in (*first.pauses, *second.pauses)] == [",", ","]


def test_it_is_spoken_with_the_times_of_its_words(amber: voxstack.Voice) -> None:
    block, request = with_normaliser(amber, {"type": "EsperantoWords"}), amber.request(TEXT)
    samples = np.concatenate(list(block.stream(iter(()), request)))
    events = list(request["timeline"].take(np.inf))
    assert [event.text for event in events if event.kind == "word"] == ("Saluton ĉu vi havas 23 katojn Jes 5 %".split())
    assert 1.5 < len(samples) / amber.sample_rate < 8
    assert np.abs(samples).max() > 0.1


def test_lexicons_and_requested_phones_come_before_it(amber: voxstack.Voice) -> None:
    lexicon = amber.read_lexicon({"Zamenhof": "z aa1", "Peĉjo": {"alias": "3"}})
    request = {**amber.request("Mi, Zamenhof, 2 [[w ih1 n]] Peĉjo 4."), "lexicon": lexicon}
    (reading,) = read_utterance(with_normaliser(amber, {"type": "EsperantoWords"}), request)
    assert [(word.text, " ".join(word.phonemes)) for word in reading.words] == [
        ("Mi", "m iy1"), ("Zamenhof", "z aa1"), ("2", "d uw1"), ("[[w ih1 n]]", "w ih1 n"), ("Peĉjo", "t r iy1"),
        ("4", "k v aa1 r"),
    ]  # fmt: skip
    assert len(reading.pauses) == 2


@pytest.mark.parametrize(
    ("normaliser", "problem"),
    [
        ({"type": "Rewrite", "name": "x"}, "normaliser: Rewrite does not give 'spoken_words'"),
        ({"type": "Greedy", "words": []}, "normaliser: Greedy needs 'rate', and a normaliser is given a 'text' alone"),
        ({"type": "Espe"}, "no block named 'Espe'"),
    ],
)
def test_a_block_that_is_no_normaliser_is_refused(
    amber: voxstack.Voice, normaliser: dict[str, Any], problem: str
) -> None:
    with pytest.raises(StackError, match=problem):
        with_normaliser(amber, normaliser)


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        (["two words", "0", "1"], "the word is not one word"),
        (["jes", "0", "9"], "its span is not within the text's 4 characters"),
        (["jes", "2", "2"], "its span is not within"),
        (["jes", "0", "3", "y xx"], "its phones: there is no phone 'xx'"),
    ],
)
def test_words_that_break_the_contract_are_named(amber: voxstack.Voice, word: list[str], problem: str) -> None:
    block = with_normaliser(amber, {"type": "Given", "words": [word]})
    with pytest.raises(BlockError, match=problem):
        list(read_utterance(block, amber.request("Jes.")))
