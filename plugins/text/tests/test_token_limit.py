from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, plugin, tensor

import voxstack
from voxstack import (
    Frames,
    Registry,
    SequenceBlock,
    SequenceBlockContainer,
    StreamableBlock,
    StreamablePipeline,
    Utterance,
)
from voxstack.networks.addon import Addon
from voxstack.networks.sizes import limits_of
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.passage import Passage
from voxstack_text.sentences.cut_search import MIN_LIMIT, best_cuts
from voxstack_text.sentences.token_limit import split_to_limit
from voxstack_text.sentences_block import Sentences
from voxstack_text.text import Text
from voxstack_text.tokens import PAUSES

ENCODER = network(
    "encoder", {"tokens": tensor("batch", "tokens", 6, dtype="int64")}, {"encoded": tensor("batch", "tokens")}
)


@dataclass
class Encoding(SequenceBlock):
    """Has the limits of a network at fixed sizes."""

    limit: int | None = None
    split: bool = True
    _limits: Mapping[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    needs, gives = frozenset({"tokens"}), frozenset({"encoded"})

    def load(self, addon: Addon) -> None:
        shapes = {} if self.limit is None else {"tokens": [self.limit // 2, self.limit]}
        self._limits = limits_of(addon.network("encoder", {"runtime": "python", "split": self.split, "shapes": shapes}))

    @property
    def limits(self) -> Mapping[str, int]:
        return self._limits

    def __call__(self, utterance: Utterance) -> Utterance:
        return {"encoded": utterance["tokens"].astype("float32")}


@dataclass
class Recorder(StreamableBlock):
    """Streams what was encoded, and records the utterances that it receives."""

    needs, head, makes = frozenset({"encoded"}), True, "frames"

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        utterance.get("seen", []).append(utterance)
        yield utterance["encoded"]


def at_fixed_sizes(addon: Addon, runners: dict[str, Any]) -> Addon:
    """Return the addon with a plugin that makes contexts with fixed sizes valid; it changes nothing else."""

    def voxstack_wrap_network(network: Any, spec: Any, context: Any) -> Any:
        def run(**tensors: Any) -> Any:
            return network(**tensors)

        run.fixed_shapes = True  # type: ignore[attr-defined]
        return run if context.shapes else None

    return Addon(addon.files, Registry({"tiny": plugin([], runners, voxstack_wrap_network=voxstack_wrap_network)}))


def sentences(limit: int | None, split: bool = True, front: SequenceBlock | None = None) -> Any:
    """Return a Sentences block around a block that makes tokens and an encoder of this largest size."""
    holder = at_fixed_sizes(addon([], {}, networks={"encoder": ENCODER}), {"encoder": lambda tokens: {}})
    blocks = [loaded(front or Text(), holder), loaded(Encoding(limit, split), holder)]
    sequence_block = loaded(SequenceBlockContainer(blocks), holder)
    return loaded(Sentences(loaded(StreamablePipeline(sequence_block, Recorder()), holder)), holder)


def seen(limit: int | None, text: str, **more: Any) -> list[Utterance]:
    found: list[Utterance] = []
    for _ in sentences(limit).stream(iter(()), {"text": text, "seen": found, **more}):
        pass
    return found


TEXT = (
    "The committee had been told that the minister, who lives near the river, would record a record of the apple "
    "harvest and send it to the people of the town before the end of the year."
)


@parametrize_with_checks(
    [
        Case(sentences(24), {"text": TEXT}),
        Case(sentences(40), {"text": "<speak>One <mark name='a'/> two.</speak>", "markup": "ssml"}),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_a_sentence_is_cut_at_pauses_then_before_clauses_and_phrases() -> None:
    assert [segment["text"] for segment in seen(24, TEXT)] == [
        "The committee had been told",
        "that the minister,",
        "who lives near the river,",
        "would record a record",
        "of the apple harvest",
        "and send it to the people of",
        "the town before the end of the year.",
    ]
    assert [
        segment["text"] for segment in seen(30, "She put the old kettle on the stove and waited for the water.")
    ] == [
        "She put the old kettle on the stove",
        "and waited for the water.",
    ]
    assert [segment["text"] for segment in seen(28, "The word “slow” (or rather “slowly”) was there.")] == [
        "The word “slow”",
        "(or rather “slowly”) was there.",
    ]


def test_a_cut_sounds_like_cuts_of_long_sentences() -> None:
    comma, bare, last = seen(20, "It rained all afternoon, and the two old men waited there.")
    assert [segment["text"] for segment in (comma, bare, last)] == [
        "It rained all afternoon,",
        "and the two old",
        "men waited there.",
    ]
    assert [segment["passage"].ending for segment in (comma, bare, last)] == [",", " ", ""]
    assert [segment["unit"].kind for segment in (comma, bare, last)] == ["phrase"] * 3
    for segment, rate, kind in ((comma, 1.5, ","), (bare, 4.0, ","), (last, 1.0, ".")):
        assert segment["rates"][-1] == rate
        assert math.isnan(segment["pauses"][-1])
        assert segment["tokens"][-1, 4] == PAUSES[kind]
    assert [segment["pauses"][0] == 0 for segment in (comma, bare, last)] == [False, True, True]


def test_words_keep_the_pronunciation_that_the_whole_sentence_gives_them() -> None:
    text = "They went to record the apple"
    for limit in range(8, 24):
        phones = [phone for segment in seen(limit, text) for phone in segment["phones"] if phone != "pau"]
        assert " ".join(phones) == "dh ey w eh n t t ax r ih k ao r d dh iy ae p ax l"


def test_a_word_that_is_longer_than_a_segment_is_divided() -> None:
    found = seen(24, "See https://www.example.com/a/1234567890, then.")
    assert [segment["text"] for segment in found] == ["See", "https://ww", "w.example.", "com/a/12", "34567890, then."]
    assert [[word.text for word in segment["words"]] for segment in found[-2:]] == [["com/a/12"], ["34567890", "then"]]
    assert [segment["text_start"] for segment in found] == [0, 4, 14, 24, 32]


def test_requested_silences_stay_and_so_do_marks_before_and_after_them() -> None:
    source = (
        "<speak>One two three four<mark name='a'/><break time='0.75s'/><mark name='b'/> five six seven eight</speak>"
    )
    first, second = seen(18, source, markup="ssml")
    assert first["pauses"][-1] == 0.75
    assert [(mark.text, mark.token) for mark in first["marks"]] == [("a", len(first["phones"]) - 1)]
    assert [(mark.text, mark.token) for mark in second["marks"]] == [("b", 1)]
    assert second["pauses"][0] == 0


def test_text_that_fits_is_as_it_is_without_a_limit() -> None:
    for text, markup in ((TEXT, "text"), (f"<speak><prosody rate='slow'>{TEXT}</prosody></speak>", "ssml")):
        for limited, unlimited in zip(seen(400, text, markup=markup), seen(None, text, markup=markup), strict=True):
            assert limited["unit"] == unlimited["unit"]
            for name in Text.gives:
                assert str(list(limited[name])) == str(list(unlimited[name])), name


@pytest.mark.parametrize("limit", [24, 400])
def test_text_is_laid_out_once(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    layout = Text.layout
    monkeypatch.setattr(Text, "layout", lambda block, *read: done.append(read[0].text) or layout(block, *read))
    assert seen(limit, f"{TEXT} Yes.")
    assert done == [TEXT, "Yes."]


def test_an_error_is_the_same_and_comes_from_its_own_sentence() -> None:
    found: list[Utterance] = []
    with pytest.raises(voxstack.RequestError, match=r"characters 13 to 19, '\[\[xx\]\]': there is no phone 'xx'"):
        for _ in sentences(40).stream(iter(()), {"text": "Good day. Oh [[xx]].", "seen": found}):
            pass
    assert [segment["text"] for segment in found] == ["Good day."]


def test_without_split_nothing_is_cut() -> None:
    found: list[Utterance] = []
    for _ in sentences(24, split=False).stream(iter(()), {"text": TEXT, "seen": found}):
        pass
    assert [segment["text"] for segment in found] == [TEXT]


def test_too_small_a_limit_is_refused_when_the_voice_is_loaded() -> None:
    sentences(MIN_LIMIT)
    with pytest.raises(voxstack.ContextError, match=r"largest size is 7 tokens.*at least 8 for 'tokens'"):
        sentences(MIN_LIMIT - 1)


def test_a_passage_of_any_length_is_cut() -> None:
    text = loaded(Text(), addon([], {}))
    passage = Passage("word " * 1000)
    layout = text.layout(passage)
    found = list(split_to_limit(passage, layout, 64))
    assert {len(segment.layout.rows) for segment in found if segment.layout} <= {59, 62}
    assert sum(len(segment.layout.words) for segment in found if segment.layout) == 1000
    assert best_cuts(layout, len(layout.rows)) == [1, len(layout.rows) - 1]


def test_other_blocks_that_make_tokens_keep_to_the_limit_themselves() -> None:
    @dataclass
    class Own(SequenceBlock):
        """Tokens of another front end."""

        needs, gives = frozenset({"text"}), frozenset({"tokens"})

        def __call__(self, utterance: Utterance) -> Utterance:
            return {"tokens": np.zeros((len(utterance["text"]), 6))}

    assert [len(chunk) for chunk in sentences(24, front=Own()).stream(iter(()), {"text": TEXT})] == [len(TEXT)]
