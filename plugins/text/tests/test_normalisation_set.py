"""The cases in ``data/normalisation.tsv``: what a careful reader would say, against the result of the rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from voxstack_text.normalise.normaliser import normalise
from voxstack_text.pronunciation.homographs import resolve_homographs
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer
from voxstack_text.spoken_words import PAUSE

SET = Path(__file__).parent / "data" / "normalisation.tsv"
CASES, OF_A_KIND, RIGHT = 300, 5, 0.98
"""Minimum number of cases, of cases of each kind, and share of all cases that are read correctly."""

_WORD = re.compile(r"([^\s\[\]]+)(?:\[([^\]]*)\])?")
_FOREIGN = re.compile(r"[\u0400-\u05ff\u2600-\uffff\U0001f000-\U0001ffff]")  # Cyrillic, Hebrew, pictures, East Asian
PRONOUNCER = Pronouncer(Lexicon.built_in())


class Case(NamedTuple):
    """One line of the set; ``spoken`` is words in lower case, some with phones in brackets."""

    kind: str
    written: str
    spoken: str


def cases(path: Path = SET) -> list[Case]:
    """Return all cases, in the order of the file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Case(*line.split("\t")) for line in lines if line.strip() and not line.startswith("#")]


def spoken_words(written: str) -> list[tuple[str, str]]:
    """Return words with their phones, without pauses, and without the apostrophe in plurals of letters ("D V D's")."""
    spoken = [item for item in resolve_homographs(normalise(written, PRONOUNCER.is_known)) if item.word != PAUSE]
    return [
        (re.sub(r"^([A-Z])'s$", r"\1s", item.word).lower(), " ".join(item.phones or _phones(item.word)))
        for item in spoken
    ]


def _phones(word: str) -> Iterator[str]:
    for _, pronunciation in PRONOUNCER.pronounce(word):
        yield from pronunciation


def is_right(case: Case) -> bool:
    """Return whether the words are those of the case, with the phones that it states."""
    expected = _WORD.findall(case.spoken)
    actual = spoken_words(case.written)
    words = [word for word, _ in actual] == [re.sub(r"^([a-z])'s$", r"\1s", word) for word, _ in expected]
    return words and all(
        f" {phones} " in f" {heard} " for (_, heard), (_, phones) in zip(actual, expected, strict=True) if phones
    )


def result(case: Case) -> str:
    """Return the result of the rules, with phones if the case states phones."""
    words = spoken_words(case.written)
    return " ".join(f"{word}[{phones}]" if "[" in case.spoken else word for word, phones in words)


def table(every: list[Case], wrong: list[Case]) -> str:
    """Return a line per kind: number of cases, number of right ones, their share."""
    counts, failed = Counter(case.kind for case in every), Counter(case.kind for case in wrong)
    rows = [(kind, count, count - failed[kind]) for kind, count in counts.items()]
    rows.append(("all", len(every), len(every) - len(wrong)))
    return "\n".join(f"{kind:14}{count:5}{good:5}{100 * good / count:7.1f} %" for kind, count, good in rows)


def test_the_rules_read_as_a_careful_reader_would(capsys: pytest.CaptureFixture[str]) -> None:
    every = cases()
    wrong = [case for case in every if not is_right(case)]
    listed = "\n".join(
        f"{case.kind}: {case.written!r} should be {case.spoken!r}, not {result(case)!r}" for case in wrong
    )
    print(f"\n{table(every, wrong)}\n{listed}")
    assert len(wrong) <= (1 - RIGHT) * len(every), f"{len(wrong)} of {len(every)} are read wrong:\n{listed}"


def test_the_set_is_large_enough_and_well_made() -> None:
    every = cases()
    counts = Counter(case.kind for case in every)
    assert len(every) >= CASES
    assert min(counts.values()) >= OF_A_KIND, counts.most_common()[-1]
    assert len({case.written for case in every}) == len(every), "a case occurs twice"
    assert all(case.spoken == case.spoken.lower() and _WORD.sub("", case.spoken).strip() == "" for case in every)


def test_what_has_no_reading_is_skipped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    foreign = [case for case in cases() if case.kind in ("emoji", "script") and _FOREIGN.search(case.written)]
    assert len(foreign) >= OF_A_KIND
    for case in foreign:
        caplog.clear()
        spoken_words(case.written)
        assert [record.levelname for record in caplog.records] == ["WARNING"], case.written


def test_a_wrong_case_is_distinguished_from_a_right_one() -> None:
    assert is_right(Case("money", "$5", "five dollars"))
    assert not is_right(Case("money", "$5", "dollars five"))
    assert is_right(Case("homograph", "to read", "to read[r iy1 d]"))
    assert not is_right(Case("homograph", "to read", "to read[r eh1 d]"))
