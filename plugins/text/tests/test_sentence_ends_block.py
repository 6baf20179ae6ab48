from __future__ import annotations

from typing import Any

import pytest

from voxstack import RequestError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_text.sentences.ends_block import SentenceEnds


@parametrize_with_checks(
    [Case(SentenceEnds(), {"text": "Dr. Smith came. He left."}), Case(SentenceEnds("de"), {"text": "Ja."})]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Dr. Smith came. He left.", ["Dr. Smith came.", "He left."]),
        ("See p. 12. U.S. law, e.g. this\n\n... And?", ["See p. 12.", "U.S. law, e.g. this", "... And?"]),
        ("", []),
        ("so " * 1500 + "long. Yes.", ["so " * 1500 + "long.", "Yes."]),
    ],
)
def test_ends_are_those_of_sentences(text: str, sentences: list[str]) -> None:
    ends = SentenceEnds()({"text": text})["sentence_ends"].tolist()
    found = [text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]
    assert found == sentences


def test_the_language_of_the_utterance_comes_first() -> None:
    text = "Es war z. B. Herr Meier. Ja."
    assert SentenceEnds()({"text": text, "language": "de-DE"})["sentence_ends"].tolist() == [24, 28]
    with pytest.raises(RequestError, match="in parts"):
        SentenceEnds()({"text": iter(["a"])})
