"""Steps of reading markup are in proportion to the text, whatever it is."""

from __future__ import annotations

import pytest

from voxstack_text.markup.marked_text import MarkedText
from voxstack_text.markup.scanner import Scanner

PATTERNS = [
    "a ",
    "*",
    "[",
    "]",
    "(",
    "<",
    "<b ",
    "&",
    "$",
    "$a ",
    "\\",
    "`",
    "``a",
    "\n",
    "\n- ",
    "> ",
    "| ",
    "-",
    "![",
    "{}",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("size", [1, 4096])
def test_steps_are_linear(pattern: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    step = Scanner._step

    def counted(scanner: Scanner, position: int) -> int | None:
        nonlocal steps
        steps += 1
        return step(scanner, position)

    monkeypatch.setattr(Scanner, "_step", counted)

    def count(length: int) -> int:
        nonlocal steps
        steps = 0
        text = (pattern * length)[:length]
        parts = (text[i : i + size] for i in range(0, length, size))
        "".join(MarkedText(parts, "text", english=True, has_breaks=True))
        return steps

    assert count(8000) <= 2.5 * max(count(4000), 20)
    assert count(8000) <= 8000 * 3
