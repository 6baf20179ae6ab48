"""The written set in ``data/normalisation.tsv``: what a careful reader would say, against what the rules say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from voxstack_text.normalise.normaliser import normalise
from voxstack_text.pronunciation.homographs import resolve
from voxstack_text.pronunciation.lexicon import Lexicon
from voxstack_text.pronunciation.pronouncer import Pronouncer
from voxstack_text.spoken_words import PAUSE

SET = Path(__file__).parent / "data" / "normalisation.tsv"
CASES, OF_A_KIND, RIGHT = 300, 5, 0.98
"""The least there must be: cases, cases of each kind, and the share of all that is said right."""

_WORD = re.compile(r"([^\s\[\]]+)(?:\[([^\]]*)\])?")
_FOREIGN = re.compile(r"[\u0400-\u05ff\u2600-\uffff\U0001f000-\U0001ffff]")  # Cyrillic, Hebrew, pictures, East Asian
PRONOUNCER = Pronouncer(Lexicon.built_in())


class Case(NamedTuple):
    """One line of the set; ``spoken`` is words in lower case, some with phones in brackets."""

    kind: str
    written: str
    spoken: str


def cases(path: Path = SET) -> list[Case]:
    """All cases, in the file's order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Case(*line.split("\t")) for line in lines if line.strip() and not line.startswith("#")]


def said(written: str) -> list[tuple[str, str]]:
    """Words and their phones; pauses, and the apostrophe in the plural of a letter ("D V D's"), are not heard as such."""
    spoken = [item for item in resolve(normalise(written, PRONOUNCER.knows)) if item.word != PAUSE]
    return [
        (re.sub(r"^([A-Z])'s$", r"\1s", item.word).lower(), " ".join(item.phones or _phones(item.word)))
        for item in spoken
    ]


def _phones(word: str) -> Iterator[str]:
    for _, pronunciation in PRONOUNCER.parts(word):
        yield from pronunciation


def right(case: Case) -> bool:
    """Whether the words are those of the case, and the phones that it gives are in them."""
    expected = _WORD.findall(case.spoken)
    got = said(case.written)
    words = [word for word, _ in got] == [re.sub(r"^([a-z])'s$", r"\1s", word) for word, _ in expected]
    return words and all(
        f" {phones} " in f" {heard} " for (_, heard), (_, phones) in zip(got, expected, strict=True) if phones
    )


def table(every: list[Case], wrong: list[Case]) -> str:
    """A line a kind: how many cases, how many are right, their share."""
    counts, failed = Counter(case.kind for case in every), Counter(case.kind for case in wrong)
    rows = [(kind, count, count - failed[kind]) for kind, count in counts.items()]
    rows.append(("all", len(every), len(every) - len(wrong)))
    return "\n".join(f"{kind:14}{count:5}{good:5}{100 * good / count:7.1f} %" for kind, count, good in rows)


def test_the_rules_say_what_a_reader_would(capsys: pytest.CaptureFixture[str]) -> None:
    every = cases()
    wrong = [case for case in every if not right(case)]
    listed = "\n".join(
        f"{case.kind}: {case.written!r} is to be {case.spoken!r}, "
        f"is {' '.join(f'{word}[{phones}]' if '[' in case.spoken else word for word, phones in said(case.written))!r}"
        for case in wrong
    )
    print(f"\n{table(every, wrong)}\n{listed}")
    assert len(wrong) <= (1 - RIGHT) * len(every), f"{len(wrong)} of {len(every)} are read wrong:\n{listed}"


def test_the_set_is_large_enough_and_well_made() -> None:
    every = cases()
    counts = Counter(case.kind for case in every)
    assert len(every) >= CASES
    assert min(counts.values()) >= OF_A_KIND, counts.most_common()[-1]
    assert len({case.written for case in every}) == len(every), "a case is there twice"
    assert all(case.spoken == case.spoken.lower() and _WORD.sub("", case.spoken).strip() == "" for case in every)


def test_what_has_no_reading_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    foreign = [case for case in cases() if case.kind in ("emoji", "script") and _FOREIGN.search(case.written)]
    assert len(foreign) >= OF_A_KIND
    for case in foreign:
        caplog.clear()
        said(case.written)
        assert [record.levelname for record in caplog.records] == ["WARNING"], case.written


def test_a_wrong_case_is_told_from_a_right_one() -> None:
    assert right(Case("money", "$5", "five dollars"))
    assert not right(Case("money", "$5", "dollars five"))
    assert right(Case("homograph", "to read", "to read[r iy1 d]"))
    assert not right(Case("homograph", "to read", "to read[r eh1 d]"))
