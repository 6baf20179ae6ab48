"""Numbers in kana."""

from __future__ import annotations

MAX_DIGITS = 9
"""Digits of the longest number that is read here; OpenJTalk reads longer ones."""

_DIGITS = ("", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう")
_TENS = {3: "せん", 2: "ひゃく", 1: "じゅう", 0: ""}
_CHANGED = {(3, 3): "さんぜん", (8, 3): "はっせん", (3, 2): "さんびゃく", (6, 2): "ろっぴゃく", (8, 2): "はっぴゃく"}
"""Digits and powers of ten that change each other's sounds."""


def number_kana(number: int) -> str:
    """Return the reading of a number below 10 ** :data:`MAX_DIGITS` in hiragana."""
    if number == 0:
        return "ゼロ"
    parts: list[str] = []
    for unit, name in ((10**8, "おく"), (10**4, "まん"), (1, "")):
        group, number = divmod(number, unit)
        if group:
            parts += [_below_ten_thousand(group, alone=not parts and unit == 1), name]
    return "".join(parts)


def _below_ten_thousand(number: int, alone: bool) -> str:
    """Return the reading of a group of up to four digits.

    :param alone: whether it is the whole number; within one, a thousand is counted.
    """
    read = []
    for power in (3, 2, 1, 0):
        digit, number = divmod(number, 10**power)
        if not digit:
            continue
        counted = digit > 1 or power == 0
        if (digit, power) in _CHANGED:
            read.append(_CHANGED[digit, power])
        elif digit == 1 and power == 3:
            read.append("せん" if alone else "いっせん")
        else:
            read.append((_DIGITS[digit] if counted else "") + _TENS[power])
    return "".join(read)
