"""Text: from one written sentence to the tokens of an acoustic model."""
# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from voxstack import SequenceBlock, Utterance
from voxstack.addon import Addon
from voxstack_text.homographs import resolve
from voxstack_text.lexicon import Lexicon
from voxstack_text.pronouncer import Part, Pronouncer, before_vowel
from voxstack_text.pronunciation import LETTERS, Pronunciation, decode, encode
from voxstack_text.spoken import PAUSE, Spoken
from voxstack_text.syllables import phone_stress
from voxstack_text.tokens import Phone, token_features

ROLE = "pronunciation"
"""Role of a network that pronounces words: ``letters``, (batch, letters), to ``logits``, (batch, steps, symbols + 1)."""


class Word(NamedTuple):
    """One written token and its place among the tokens of the utterance.

    :param text: as it is written: "1985" is one, though three words are spoken for it.
    :param start: its first character in ``utterance["text"]``, and ``end`` the one behind it.
    :param first_token: row of ``tokens`` that it begins with.
    :param tokens: rows that it has.
    """

    text: str
    start: int
    end: int
    first_token: int
    tokens: int


@dataclass
class Text(SequenceBlock):
    """Reads ``text``, one sentence of US English, and gives its ``tokens``, (tokens, 6) int64, and its ``words``.

    Tokens are phones with silences at both ends and at punctuation (columns: ``voxstack_text.tokens.FEATURES``); words are
    a list of :class:`Word`. Characters that cannot be read are left out, with a warning in the log.

    :param network: the network that pronounces words outside the lexicon; the addon's only one of role ``pronunciation``,
        unless given. Without any, such words are spelled letter by letter.
    """

    network: str | None = None
    _pronouncer: Pronouncer | None = field(default=None, init=False, repr=False, compare=False)

    needs = frozenset({"text"})
    gives = frozenset({"tokens", "words"})

    def load(self, addon: Addon) -> None:
        network = None
        if self.network is not None or any(spec.role == ROLE for spec in addon.networks.values()):
            network = _by_network(addon, addon.select(self.network, ROLE).name)
        self._pronouncer = Pronouncer(Lexicon.built_in(), network)

    def __call__(self, utterance: Utterance) -> Utterance:
        assert self._pronouncer is not None, "Text runs after load(addon)"
        from voxstack_text.normalise import normalise  # its rules take a while to compile, and looking for plugins needs none

        text: str = utterance["text"]
        spoken = resolve(normalise(text, self._pronouncer.knows))
        phones, words = _phones(text, spoken, self._pronouncer)
        return {"tokens": token_features(phones, final_mark(text)), "words": words}


def final_mark(text: str) -> str:
    """How a sentence ends: "?", "!" or "."; quotes and brackets behind that do not count."""
    last = text.rstrip(" \t\r\n\"'”’»)]}")[-1:]
    return {"?": "?", "!": "!", "？": "?", "！": "!"}.get(last, ".")


def _by_network(addon: Addon, name: str) -> Callable[[str], Pronunciation]:
    network = addon.network(name)

    def pronounce(word: str) -> Pronunciation:
        plain = "".join(letter for letter in word if letter in LETTERS)
        return decode(network(letters=encode(plain)[None])["logits"][0]) if plain else ()

    return pronounce


def _phones(text: str, spoken: list[Spoken], pronouncer: Pronouncer) -> tuple[list[Phone], list[Word]]:
    """Phones of a sentence, and the words as written: neighbours from one written token are one."""
    phones, words = [Phone("pau")], list[Word]()
    parts = [_parts(item, pronouncer) for item in spoken]
    for item, here, following in zip(spoken, parts, [*parts, []][1:], strict=True):
        if item.word == PAUSE:
            phones.append(Phone("pau"))
            continue
        first = len(phones)
        for name, pronunciation in before_vowel(here, following[0][1] if following else ()):
            stressed = phone_stress(pronunciation)
            phones.extend(Phone(phone, stress, "" if at else name) for at, (phone, stress) in enumerate(stressed))
        if words and (words[-1].start, words[-1].end) == (item.start, item.end):
            first = words.pop().first_token
        if len(phones) > first:
            words.append(Word(text[item.start : item.end], item.start, item.end, first, len(phones) - first))
    return [*phones, Phone("pau")], words


def _parts(item: Spoken, pronouncer: Pronouncer) -> list[Part]:
    if item.word == PAUSE:
        return []
    return [(item.word, item.phones)] if item.phones else pronouncer.parts(item.word)
