"""SECURITY.md claims only what is tested: the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
TESTS = re.findall(r"`(\S+?\.py)::(test_\w+)`", PAGE)


@pytest.mark.parametrize("path, name", TESTS, ids=[name for _, name in TESTS])
def test_a_test_that_it_names_exists(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE)


def test_every_threat_has_a_test() -> None:
    threats = PAGE.split("## Threats and answers")[1].split("\n## ")[0]
    rows = [line for line in threats.splitlines() if re.match(r"\| (?!threat)", line)]
    assert len(rows) > 20
    assert [row for row in rows if "::test_" not in row.split(" | ")[-1]] == []
