"""Lists as git hosts read them: Python-Markdown wants four spaces for each level of a list."""

from __future__ import annotations

import re

ITEM = re.compile(r"( *)([*+-]|\d+[.)]) +")
FENCE = re.compile(r" *(`{3,}|~{3,})")


def widen_lists(markdown: str) -> str:
    """Return Markdown whose lists have four spaces for each level, and an empty line before them."""
    lines: list[str] = []
    levels: list[int] = []  # columns at which the text of the open items begins
    fence, previous = "", ""
    for line in markdown.splitlines():
        column = len(line) - len(line.lstrip(" "))
        mark = FENCE.match(line)
        item = None if fence else ITEM.match(line)
        if line.strip() and not fence:
            if item or not previous.strip() or mark:
                levels = [level for level in levels if level <= column]
            if item and not levels and previous.strip() and not _in_list(lines):
                lines.append("")
        depth = len(levels)
        inner = max(0, column - (levels[-1] if levels else 0))
        lines.append(" " * (4 * depth + (inner if fence or not item else 0)) + line.lstrip(" ") if line.strip() else "")
        if item:
            levels.append(item.end())
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        previous = line
    return "\n".join(lines) + "\n"


def _in_list(lines: list[str]) -> bool:
    """Return whether the last paragraph is part of a list."""
    for line in reversed(lines):
        if not line.strip():
            return False
        if ITEM.match(line):
            return True
    return False
