from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, plugin, tensor

import voxstack
from voxstack.networks.addon import Addon
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.passage import Break, Passage, ProsodySpan
from voxstack_text.pronunciation.g2p_network import LETTERS, STEPS_PER_LETTER
from voxstack_text.pronunciation.symbols import SYMBOLS
from voxstack_text.text import Text, Word
from voxstack_text.tokens import FEATURES, PAUSES, PHONES

NETWORK = network(
    "pronunciation",
    {"letters": tensor("batch", "letters", dtype="int64"), "mask": tensor("batch", "letters", mask=True)},
    {"logits": tensor("batch", "steps", len(SYMBOLS) + 1)},
)


def by_letter(letters: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    """Return one symbol per letter: the one of the same number."""
    assert mask.dtype == np.float32
    assert letters.max() < len(LETTERS)
    logits = np.zeros((*letters.shape, STEPS_PER_LETTER, len(SYMBOLS) + 1), np.float32)
    logits[..., 0, :] = np.eye(len(SYMBOLS) + 1)[letters + 1]
    logits[..., 1:, 0] = 1
    return {"logits": logits.reshape(len(letters), -1, len(SYMBOLS) + 1)}


def text(block: Text | None = None, **networks: Any) -> Text:
    return loaded(block or Text(), addon([], dict.fromkeys(networks, by_letter), networks=networks))


def phones(tokens: np.ndarray) -> str:
    return " ".join(PHONES[number] for number in tokens[:, 0])


BWAUCE = " ".join(["pau", *(SYMBOLS[LETTERS.index(letter)].rstrip("01") for letter in "bwauce"), "pau"])
SENTENCE = "The apple, said Dr. O'Neil's friend, cost $3.50 in \"1985\"?"


@parametrize_with_checks(
    [
        Case(text(), {"text": SENTENCE}),
        Case(text(Text("oov"), oov=NETWORK), {"text": "Zyxwv!"}),
        Case(text(), {"text": ""}),
        Case(
            text(),
            {
                "text": "A b.",
                "passage": Passage(
                    "A b.", 7, ",", 0.0, breaks=(Break(2, 1.0),), prosody_spans=(ProsodySpan(2, 3, 2.0, 1.0),)
                ),
            },
        ),
    ]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_tokens_of_a_sentence() -> None:
    entries = text()({"text": "The apple, John's."})
    tokens = entries["tokens"]
    assert tokens.dtype == np.int64
    assert phones(tokens) == "pau dh iy ae p ax l pau jh aa n z pau"
    column = dict(zip(FEATURES, tokens.T, strict=True))
    assert column["stress"].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0]
    assert column["word_start"].tolist() == [0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0]
    assert column["function_word"].tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert [kind for kind in column["pause"] if kind] == [PAUSES["start"], PAUSES[","], PAUSES["."]]


def test_words_are_as_written_and_cover_all_tokens_but_silence() -> None:
    entries = text()({"text": SENTENCE})
    words: list[Word] = entries["words"]
    assert [word.text for word in words] == [
        "The",
        "apple",
        "said",
        "Dr.",
        "O'Neil's",
        "friend",
        "cost",
        "$3.50",
        "in",
        "1985",
    ]
    assert all(SENTENCE[word.start : word.end] == word.text for word in words)
    covered = [row for word in words for row in range(word.first_token, word.first_token + word.tokens)]
    silent = [row for row, phone in enumerate(entries["tokens"][:, 0]) if PHONES[phone] == "pau"]
    assert sorted(covered + silent) == list(range(len(entries["tokens"])))


@pytest.mark.parametrize(
    "written, kind",
    [
        ("Yes.", "."),
        ("Yes", "."),
        ("Yes?", "?"),
        ("Yes!", "!"),
        ('"Yes?"', "?"),
        ("(Yes!) ", "!"),
        ("Yes?!", "!"),
        ("yes,", "."),
        ("", "."),
    ],
)
def test_how_a_sentence_ends(written: str, kind: str) -> None:
    assert text()({"text": written})["tokens"][-1, 4] == PAUSES[kind]


@pytest.mark.parametrize("written", ["", "...", "你好"])
def test_nothing_to_say_is_two_silences(written: str) -> None:
    entries = text()({"text": written})
    assert phones(entries["tokens"]) == "pau pau"
    assert entries["words"] == []


def test_homographs_and_letters() -> None:
    assert phones(text()({"text": "To record a record"})["tokens"]) == "pau t ax r ih k ao r d ax r eh k er d pau"
    tokens = text()({"text": "Plan A"})["tokens"]
    assert phones(tokens).endswith("ey pau")
    assert tokens[-2, 3] == 0, "the letter A is no function word"


def test_unknown_words_are_spelled_without_a_network_and_pronounced_with_one() -> None:
    assert phones(text()({"text": "Zzyxw"})["tokens"]).startswith("pau z iy z iy w ay eh k s")
    assert phones(text(oov=NETWORK)({"text": "Bwauce"})["tokens"]) == BWAUCE


def test_the_only_network_of_the_role_is_taken_or_the_one_that_is_named() -> None:
    other = network("encoder", {"tokens": tensor("batch", "tokens")}, {"encoded": tensor("batch", "tokens")})
    assert phones(text(encoder=other)({"text": "bwauce"})["tokens"]) != BWAUCE
    assert phones(text(Text("two"), one=NETWORK, two=NETWORK)({"text": "bwauce"})["tokens"]) == BWAUCE
    with pytest.raises(voxstack.VoxstackError, match="more than one network"):
        text(one=NETWORK, two=NETWORK)
    with pytest.raises(voxstack.VoxstackError, match="did you mean 'one'"):
        text(Text("ones"), one=NETWORK)


def at_fixed_sizes(split: bool = True) -> tuple[Text, list[int]]:
    """Return a Text whose network accepts at most eight letters, and a list of the lengths of its calls."""
    lengths: list[int] = []

    def counting(letters: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        lengths.append(letters.shape[1])
        return by_letter(letters, mask)

    def voxstack_wrap_network(network: Any, spec: Any, context: Any) -> Any:
        def run(**tensors: Any) -> Any:
            return network(**tensors)

        run.fixed_shapes = True  # type: ignore[attr-defined]
        return run

    context = {"runtime": "python", "split": split, "shapes": {"letters": [4, 8]}}
    files = addon([], {}, networks={"oov": NETWORK}, contexts={"default": context}).files
    registry = voxstack.Registry({"tiny": plugin([], {"oov": counting}, voxstack_wrap_network=voxstack_wrap_network)})
    return loaded(Text(), Addon(files, registry)), lengths


def test_a_word_with_more_letters_than_the_network_accepts_is_pronounced_in_parts() -> None:
    word = "bwaucebwaucekrontibwauce"
    block, lengths = at_fixed_sizes()
    assert phones(block({"text": word})["tokens"]) == phones(text(oov=NETWORK)({"text": word})["tokens"])
    assert max(lengths) <= 8
    assert sum(lengths) == len(word)
    assert len(block({"text": word})["words"]) == 1


def test_without_split_the_network_gets_the_whole_word() -> None:
    block, lengths = at_fixed_sizes(split=False)
    block({"text": "bwaucebwaucekronti"})
    assert lengths == [18]
