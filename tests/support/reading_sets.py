"""Sets of texts with the words that a careful reader would say for them, and the comparison of a voice's reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import voxstack

SETS = Path(__file__).parents[2] / "plugins" / "text" / "tests" / "data" / "reading"
PAUSE = "/"
_WORD = re.compile(r"([^\s\[\]]+)(?:\[([^\]]*)\])?")


class Case(NamedTuple):
    """One text: its kind, how it is written, and its readings, each of words, some with phones in brackets."""

    kind: str
    written: str
    readings: tuple[str, ...]

    @property
    def has_pauses(self) -> bool:
        """Whether the readings state the pauses."""
        return any(PAUSE in reading.split() for reading in self.readings)


def cases(name: str) -> list[Case]:
    """Return the cases of a set, in the order of its file."""
    lines = (SETS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [_case(*line.split("\t")) for line in lines if line.strip() and not line.startswith("#")]


def _case(kind: str, written: str, spoken: str) -> Case:
    return Case(kind, written.replace("\\n", "\n"), tuple(spoken.split(" | ")))


def read(voice: voxstack.Voice, written: str) -> list[tuple[str, str]]:
    """Return the words that a voice reads, in lower case with their phones, and ``PAUSE`` at each pause."""
    markup = "ssml" if written.lstrip().startswith("<speak") else "auto"
    found: list[tuple[str, str]] = []
    for reading in voice.read(written, markup=markup):
        if found and reading.kind == "sentence":
            found.append((PAUSE, ""))
        for item in reading.items:
            if item.kind == "pause":
                found.append((PAUSE, ""))
            else:
                found += [(_plain(word), " ".join(item.phonemes)) for word in item.spoken.split()]
    return list(_single_pauses(found))


def _plain(word: str) -> str:
    """Return a word in lower case, and the plural or possessive of a letter without its apostrophe."""
    return re.sub(r"^([A-Z])'s$", r"\1s", word).lower()


def _single_pauses(found: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    last = PAUSE
    kept = list(found)
    while kept and kept[-1][0] == PAUSE:
        kept.pop()
    for item in kept:
        if item[0] != PAUSE or last != PAUSE:
            yield item
        last = item[0]


def is_right(case: Case, found: list[tuple[str, str]]) -> bool:
    """Return whether the words are those of one of the readings, with the phones, and the pauses, that they state."""
    heard = found if case.has_pauses else [item for item in found if item[0] != PAUSE]
    return any(_agrees(_WORD.findall(reading), heard, case.has_pauses) for reading in case.readings)


def _agrees(expected: list[tuple[str, str]], heard: list[tuple[str, str]], pauses: bool) -> bool:
    wanted = [(re.sub(r"^([a-z])'s$", r"\1s", word), phones) for word, phones in expected if pauses or word != PAUSE]
    return [word for word, _ in wanted] == [word for word, _ in heard] and all(
        f" {phones} " in f" {spoken} " for (_, phones), (_, spoken) in zip(wanted, heard, strict=True) if phones
    )


def written_as(case: Case, found: list[tuple[str, str]]) -> str:
    """Return what was read, as the readings of a case are written."""
    phones = any("[" in reading for reading in case.readings)
    return " ".join(f"{word}[{spoken}]" if phones and spoken else word for word, spoken in found)
