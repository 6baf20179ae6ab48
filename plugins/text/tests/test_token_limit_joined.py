# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are what this is about
"""Pieces of any text at any limit, joined, are what is spoken without one."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded

from voxstack import Frames, SequenceBlock, StreamableBlock, Utterance
from voxstack_text import Sentences, Text
from voxstack_text.tokens import FEATURES

WORDS = (
    "the apple|to record|a record|Dr. Smith's|he'd|shouldn't've|July 4, 2021|$1,234.50|1985|12345678901234567890|555-1234|½|NASA|zzkrwq"
    "|https://www.example.com/a_b?c=1|“Stop,”|(see below)|and — but|so; then|rock 'n' roll|Antidisestablishmentarianism|e.g. this|the|of"
    "|[[s t r eh1 ng th s t r eh1 ng th s]]|[[s s s s s s s s s s s s s]]|B2B|...|***|你好|é|3:45 p.m.|in|it|C#|a&b|x < y|naïve|John’s"
).split("|")


@dataclass
class Taking(StreamableBlock):
    """Takes so many tokens at most, and keeps what it is given."""

    text: SequenceBlock
    most: int | None = None

    needs, head, makes = frozenset({"text"}), True, "frames"

    @property
    def limits(self) -> Mapping[str, int]:
        return {} if self.most is None else {"tokens": self.most}

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        utterance["seen"].append({**utterance, **self.text(utterance)})
        yield np.zeros(1, np.float32)


def seen(most: int | None, text: str, arriving: bool, markup: str) -> list[Utterance]:
    holder = addon([], {})
    block = loaded(Sentences(Taking(loaded(Text(), holder), most)), holder)
    found: list[Utterance] = []
    pieces: Any = iter([text[at : at + 5] for at in range(0, len(text), 5)]) if arriving else text
    for _ in block.stream(iter(()), {"text": pieces, "markup": markup, "seen": found}):
        pass
    return found


def prose(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) + draw.choice(["", "", "", "", ",", ".", "?", " —", ";"]) for _ in range(words))


def marked_up(draw: random.Random, words: int) -> str:
    made = []
    for number in range(words):
        word = draw.choice(WORDS).replace("&", "&amp;").replace("<", "&lt;") + draw.choice(["", "", "", ",", "."])
        rate, volume, wait = draw.choice(["slow", "150%"]), draw.randint(1, 6), draw.randint(1, 900)
        kinds = [
            *[word] * 4,
            f'<prosody rate="{rate}" volume="+{volume}dB">{word} {draw.choice(WORDS[:5])}</prosody>',
            f'<break time="{wait}ms"/>{word}',
            f'{word}<break strength="{draw.choice(["none", "weak", "strong"])}"/>',
            f'<mark name="{number}"/><break time="{wait}ms"/><mark name="{number}.5"/>{word}',
            f'<mark name="{number}"/>',
            '<sub alias="World Wide Web Consortium, one of 12345">W3C</sub>',
            '<say-as interpret-as="characters">ABCDEFGHIJKLMNOP</say-as>',
            '<say-as interpret-as="telephone">555-123-4567</say-as>',
            '<phoneme ph="ˈpæɹɪs">Paris</phoneme>',
        ]
        made.append(draw.choice(kinds))
    return f"<speak>{' '.join(made)}</speak>"


def spoken(found: list[Utterance]) -> list[tuple[Any, ...]]:
    """Every phone with its stress and its manner, and every silence of a given length."""
    made: list[tuple[Any, ...]] = []
    for one in found:
        names = "phones", "tokens", "pauses", "rates", "volumes"
        for phone, tokens, pause, rate, volume in zip(*(one[name] for name in names), strict=True):
            if phone != "pau":
                made.append((phone, tokens[1], rate, volume))
            elif pause > 0:
                made.append((phone, pause))
    return made


def written(found: list[Utterance]) -> list[tuple[str, int, int, int]]:
    """Every word: its text, its place in the request, and how many phones were spoken before it."""
    made, before = [], 0
    for one in found:
        base, sounds = one["text_start"], ~one["silences"]
        made += [
            (word.text, base + word.start, base + word.end, before + sum(sounds[: word.first_token]))
            for word in one["words"]
        ]
        before += sum(sounds)
    return made


def joined(
    shares: list[tuple[str, int, int, int]], whole: list[tuple[str, int, int, int]]
) -> list[tuple[str, int, int, int]]:
    """Words of which several shares follow each other, put together."""
    ends = {end for _, _, end, _ in whole}
    made: list[tuple[str, int, int, int]] = []
    for text, start, end, before in shares:
        if made and made[-1][2] == start and start not in ends:
            made[-1] = (made[-1][0] + text, made[-1][1], end, made[-1][3])
        else:
            made.append((text, start, end, before))
    return made


def reached(found: list[Utterance]) -> list[tuple[str, int, int, float]]:
    """Every mark: its name, its place, and the phones and the seconds of given silences before it."""
    made, phones, given = [], 0, 0.0
    for one in found:
        waits, sounds = [0.0 if math.isnan(pause) else pause for pause in one["pauses"]], ~one["silences"]
        for mark in one["marks"]:
            heard, waited = phones + sum(sounds[: mark.token]), given + sum(waits[: mark.token])
            made.append((mark.text, one["text_start"] + mark.start, heard, round(waited, 6)))
        phones, given = phones + sum(sounds), given + sum(waits)
    return made


def letters(found: list[Utterance]) -> str:
    return "".join("".join(one["unit"].text for one in found).split())


def check_joined(most: int, text: str, markup: str, arriving: bool = False) -> None:
    whole, found = seen(None, text, arriving, markup), seen(most, text, arriving, markup)
    assert max((len(one["tokens"]) for one in found), default=0) <= most
    assert all(one["silences"][0] and one["silences"][-1] for one in found)
    assert spoken(found) == spoken(whole)
    assert joined(written(found), written(whole)) == written(whole)
    assert reached(found) == reached(whole)
    assert letters(found) == letters(whole)
    fitting = {word.text for one in whole for word in one["words"] if word.tokens <= most - 2}
    assert fitting <= {word.text for one in found for word in one["words"]}, "a word was cut that need not be"
    for one in found:
        if len(one["tokens"]) > 2:
            assert one["tokens"][1, FEATURES.index("word_start")] == 1
            assert not any(before and behind for before, behind in pairwise(one["silences"]))
            assert not any(one["silences"][word.first_token + word.tokens - 1] for word in one["words"])
    units = [
        (one["text_start"] + one["unit"].start, one["text_start"] + one["unit"].end, one["unit"].text) for one in found
    ]
    assert all(start <= end for start, end, _ in units)
    assert all(end <= start for (_, end, _), (start, _, _) in pairwise(units))
    if markup == "text":
        assert all(text[start:end] == unit for start, end, unit in units)
        assert all(text[start:end] == word for word, start, end, _ in written(found))


@pytest.mark.parametrize("seed", range(24))
def test_nothing_is_lost_or_said_twice_whatever_the_text_and_the_limit(seed: int) -> None:
    draw = random.Random(seed)
    most = draw.choice([8, 9, 10, 13, 20, 32, 64, 100, 200])
    check_joined(most, prose(draw, 50), "text")
    check_joined(most, prose(draw, 50), "text", arriving=True)
    check_joined(most, marked_up(draw, 40), "ssml")


@pytest.mark.parametrize("most", [8, 11, 50])
def test_what_has_no_blank_is_cut_as_well(most: int) -> None:
    for text in ("a" * 450, "9" * 450, "https://" + "a/b" * 120 + ".com", "[[" + "s " * 200 + "ax0]]", "-" * 300 + "x"):
        check_joined(most, text, "text")
