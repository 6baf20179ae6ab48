# ruff: noqa: RUF001 -- dashes, quotes and signs that look alike are the subject here
"""Segments of any text at any token limit, joined, against the text without a limit."""

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
from voxstack_text.sentences_block import Sentences
from voxstack_text.text import Text
from voxstack_text.tokens import FEATURES

WORDS = (
    "the apple|to record|a record|Dr. Smith's|he'd|shouldn't've|July 4, 2021|$1,234.50|1985|12345678901234567890"
    "|555-1234|½|NASA|zzkrwq|https://www.example.com/a_b?c=1|“Stop,”|(see below)|and — but|so; then|rock 'n' roll"
    "|Antidisestablishmentarianism|e.g. this|the|of|[[s t r eh1 ng th s t r eh1 ng th s]]"
    "|[[s s s s s s s s s s s s s]]|B2B|...|***|你好|é|3:45 p.m.|in|it|C#|a&b|x < y|naïve|John’s"
).split("|")


@dataclass
class Recorder(StreamableBlock):
    """Accepts a limited number of tokens, and records the utterances that it receives."""

    text: SequenceBlock
    limit: int | None = None

    needs, head, makes = frozenset({"text"}), True, "frames"

    @property
    def limits(self) -> Mapping[str, int]:
        return {} if self.limit is None else {"tokens": self.limit}

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        utterance["seen"].append({**utterance, **self.text(utterance)})
        yield np.zeros(1, np.float32)


def seen(limit: int | None, text: str, arriving: bool, markup: str) -> list[Utterance]:
    holder = addon([], {})
    block = loaded(Sentences(Recorder(loaded(Text(), holder), limit)), holder)
    found: list[Utterance] = []
    source: Any = iter([text[start : start + 5] for start in range(0, len(text), 5)]) if arriving else text
    for _ in block.stream(iter(()), {"text": source, "markup": markup, "seen": found}):
        pass
    return found


def prose(draw: random.Random, words: int) -> str:
    return " ".join(draw.choice(WORDS) + draw.choice(["", "", "", "", ",", ".", "?", " —", ";"]) for _ in range(words))


def marked_up(draw: random.Random, words: int) -> str:
    stretches = []
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
        stretches.append(draw.choice(kinds))
    return f"<speak>{' '.join(stretches)}</speak>"


def spoken(found: list[Utterance]) -> list[tuple[Any, ...]]:
    """Return every phone with its stress and its prosody, and every silence of a requested duration."""
    phones: list[tuple[Any, ...]] = []
    for segment in found:
        names = "phones", "tokens", "pauses", "rates", "volumes"
        for phone, tokens, pause, rate, volume in zip(*(segment[name] for name in names), strict=True):
            if phone != "pau":
                phones.append((phone, tokens[1], rate, volume))
            elif pause > 0:
                phones.append((phone, pause))
    return phones


def written(found: list[Utterance]) -> list[tuple[str, int, int, int]]:
    """Return every word: its text, its place in the request, and the number of phones before it."""
    words, before = [], 0
    for segment in found:
        base, sounds = segment["text_start"], ~segment["silences"]
        words += [
            (word.text, base + word.start, base + word.end, before + sum(sounds[: word.first_token]))
            for word in segment["words"]
        ]
        before += sum(sounds)
    return words


def joined(
    parts: list[tuple[str, int, int, int]], whole: list[tuple[str, int, int, int]]
) -> list[tuple[str, int, int, int]]:
    """Return the words, with adjacent parts of one word joined."""
    ends = {end for _, _, end, _ in whole}
    words: list[tuple[str, int, int, int]] = []
    for text, start, end, before in parts:
        if words and words[-1][2] == start and start not in ends:
            words[-1] = (words[-1][0] + text, words[-1][1], end, words[-1][3])
        else:
            words.append((text, start, end, before))
    return words


def reached(found: list[Utterance]) -> list[tuple[str, int, int, float]]:
    """Return every mark: its name, its place, and the phones and the seconds of requested silences before it."""
    marks, phones, seconds = [], 0, 0.0
    for segment in found:
        waits, sounds = [0.0 if math.isnan(pause) else pause for pause in segment["pauses"]], ~segment["silences"]
        for mark in segment["marks"]:
            phones_before, waited = phones + sum(sounds[: mark.token]), seconds + sum(waits[: mark.token])
            marks.append((mark.text, segment["text_start"] + mark.start, phones_before, round(waited, 6)))
        phones, seconds = phones + sum(sounds), seconds + sum(waits)
    return marks


def letters(found: list[Utterance]) -> str:
    return "".join("".join(segment["unit"].text for segment in found).split())


def check_joined(limit: int, text: str, markup: str, arriving: bool = False) -> None:
    whole, found = seen(None, text, arriving, markup), seen(limit, text, arriving, markup)
    assert max((len(segment["tokens"]) for segment in found), default=0) <= limit
    assert all(segment["silences"][0] and segment["silences"][-1] for segment in found)
    assert spoken(found) == spoken(whole)
    assert joined(written(found), written(whole)) == written(whole)
    assert reached(found) == reached(whole)
    assert letters(found) == letters(whole)
    fitting = {word.text for segment in whole for word in segment["words"] if word.tokens <= limit - 2}
    assert fitting <= {word.text for segment in found for word in segment["words"]}, "a word was cut that fits"
    for segment in found:
        if len(segment["tokens"]) > 2:
            assert segment["tokens"][1, FEATURES.index("word_start")] == 1
            assert not any(before and after for before, after in pairwise(segment["silences"]))
            assert not any(segment["silences"][word.first_token + word.tokens - 1] for word in segment["words"])
    units = [
        (
            segment["text_start"] + segment["unit"].start,
            segment["text_start"] + segment["unit"].end,
            segment["unit"].text,
        )
        for segment in found
    ]
    assert all(start <= end for start, end, _ in units)
    assert all(end <= start for (_, end, _), (start, _, _) in pairwise(units))
    if markup == "text":
        assert all(text[start:end] == unit for start, end, unit in units)
        assert all(text[start:end] == word for word, start, end, _ in written(found))


@pytest.mark.parametrize("seed", range(24))
def test_nothing_is_lost_or_spoken_twice_whatever_the_text_and_the_limit(seed: int) -> None:
    draw = random.Random(seed)
    limit = draw.choice([8, 9, 10, 13, 20, 32, 64, 100, 200])
    check_joined(limit, prose(draw, 50), "text")
    check_joined(limit, prose(draw, 50), "text", arriving=True)
    check_joined(limit, marked_up(draw, 40), "ssml")


@pytest.mark.parametrize("limit", [8, 11, 50])
def test_text_without_blanks_is_cut_as_well(limit: int) -> None:
    for text in ("a" * 450, "9" * 450, "https://" + "a/b" * 120 + ".com", "[[" + "s " * 200 + "ax0]]", "-" * 300 + "x"):
        check_joined(limit, text, "text")
