"""Currencies: every code of the table, and the words that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

import voxstack_text
from voxstack_text.normalise.currencies import SIGNS, currency_of_code
from voxstack_text.normalise.normaliser import normalise

TABLE = Path(voxstack_text.__file__).parent / "data" / "currencies.tsv"
ROWS = [line.split("\t") for line in TABLE.read_text("utf-8").splitlines() if not line.startswith("#")]


def read(text: str) -> str:
    return " ".join(word.word for word in normalise(text, lambda word: True))


def test_the_table_has_the_currencies_in_use() -> None:
    codes = [code for code, _, _ in ROWS]
    assert len(codes) == len(set(codes)) > 150
    assert {"USD", "EUR", "CHF", "XOF", "ZWG"} <= set(codes)


@pytest.mark.parametrize("code", [code for code, _, _ in ROWS])
def test_an_amount_with_a_code_is_read_with_its_name(code: str) -> None:
    currency = currency_of_code(code, before_number=False)
    if currency is None:
        assert code in ("ALL", "TOP", "BAM", "MAD"), "these are words"
    else:
        assert read(f"500 {code}.") == f"five hundred {currency.plural}"


@pytest.mark.parametrize("sign", SIGNS)
def test_an_amount_with_a_sign_is_read_with_its_name(sign: str) -> None:
    assert read(f"{sign}20") == f"twenty {SIGNS[sign].plural}"
