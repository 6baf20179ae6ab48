"""Numbers in words, in American usage: without "and" inside.

The library inflect returns the same names, but takes more than a second of CPU time to import, just when a caller waits
for the first number.
"""

from __future__ import annotations

import re

_LONGEST_NAMED = 15  # digits; the names of longer numbers are hardly known
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
_SEPARATORS = str.maketrans("", "", "'_ ")
_DECIMAL_COMMA = re.compile(r"^\d{1,3}(?:\.\d{3})+,\d{1,2}$|^\d+,\d{1,2}$")
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def cardinal(number: int) -> str:
    """Return 12 as "twelve"; ``number`` is from 0 to below 10**15."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_SMALL[ones]}" if ones else "")
    value, name = next(scale for scale in _SCALES if scale[0] <= number)
    count, rest = divmod(number, value)
    return f"{cardinal(count)} {name}" + (f" {cardinal(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """Return 12 as "twelfth"."""
    *rest, last = cardinal(number).split()
    return " ".join([*rest, _IRREGULAR.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")])


def digits(text: str) -> str:
    """Return each digit by itself, "907" as "nine zero seven"; other characters are skipped."""
    return " ".join(cardinal(int(character)) for character in text if character.isdecimal())


def digit_groups(text: str) -> str:
    """Return the digits of each group by themselves, with a pause between groups, as telephone numbers are read."""
    return " , ".join(digits(group) for group in re.findall(r"\d+", text))


def plain(text: str) -> str:
    """Return a written number without separators between its groups of digits, its decimals after a period.

    "1,234.5", "1'234.5", "12,34,567", "1.234.567" and "1.234,56" are in use.
    """
    text = text.translate(_SEPARATORS)
    if _DECIMAL_COMMA.search(text):
        return text.replace(".", "").replace(",", ".")
    if text.count(".") > 1 or (text.count(".") and text.count(",") > 1 and text.rfind(".") < text.rfind(",")):
        text = text.replace(".", "")
    return text.replace(",", "")


def amount(text: str) -> str:
    """Return a written number, with or without separators and decimals.

    "1,200.50" is "one thousand two hundred point five zero".
    """
    whole, point, fraction = plain(text).partition(".")
    if not whole:
        spoken = ""
    elif len(whole) > _LONGEST_NAMED or (len(whole) > 1 and whole[0] == "0"):
        spoken = digits(whole)
    else:
        spoken = cardinal(int(whole))
    return f"{spoken} point {digits(fraction)}".strip() if point else spoken


def year(number: int) -> str:
    """Return a year of three or four digits, 1985 as "nineteen eighty five", 2005 as "two thousand five"."""
    century, rest = divmod(number, 100)
    if number % 1000 < 10 or number < 100:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def model_number(text: str) -> str:
    """Return the digits of a name such as "A380" or "1080p" as "three eighty" or "ten eighty"."""
    if text.startswith("0") or len(text) > 4:
        return digits(text)
    return year(int(text))


def fraction(numerator: int, denominator: int) -> str:
    """Return 3/4 as "three quarters"."""
    named = {2: ("half", "halves"), 4: ("quarter", "quarters")}
    singular, many = named.get(denominator) or (ordinal(denominator), ordinal(denominator) + "s")
    return f"{cardinal(numerator)} {singular if numerator == 1 else many}"


def plural(words: str) -> str:
    """Return the plural of a decade, "nineteen ninety" as "nineteen nineties"."""
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman(text: str) -> int:
    """Return the value of a Roman numeral below 4000.

    :raises ValueError: if it is not well-formed.
    :raises KeyError: for a letter that is not a Roman digit.
    """
    values = [_ROMAN[character] for character in text]
    total = sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
    if not text or to_roman(total) != text:
        raise ValueError(f"{text!r:.60} is not a Roman numeral; write one such as XIV")
    return total


def to_roman(number: int) -> str:
    """Return a number from 1 to 3999 as a Roman numeral."""
    numeral = ""
    values = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
    for value, sign in zip(values, "M CM D CD C XC L XL X IX V IV I".split(), strict=True):
        numeral += sign * (number // value)
        number %= value
    return numeral
