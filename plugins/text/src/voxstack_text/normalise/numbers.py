"""Numbers in words, in the American way: no "and" inside.

The library inflect gives the same names, but takes more than a second of processor time to import, right when the first
number is to be heard.
"""

from __future__ import annotations

_LONGEST = 15  # digits; longer numbers have no name that one would recognise
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (100, "hundred"))
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
    """12 as "twelve", for 0 up to below 10**15."""
    if number < 20:
        return _SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f" {_SMALL[ones]}" if ones else "")
    value, name = next(scale for scale in _SCALES if scale[0] <= number)
    count, rest = divmod(number, value)
    return f"{cardinal(count)} {name}" + (f" {cardinal(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """12 as "twelfth"."""
    *rest, last = cardinal(number).split()
    return " ".join([*rest, _IRREGULAR.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")])


def digits(text: str) -> str:
    """Each digit by itself: "907" as "nine zero seven"; what is no digit is left out."""
    return " ".join(cardinal(int(character)) for character in text if character.isdecimal())


def amount(text: str) -> str:
    """A number as written, perhaps with commas and a decimal point: "1,200.50" as "one thousand two hundred point five zero"."""
    whole, point, fraction = text.replace(",", "").partition(".")
    if not whole:
        said = ""
    elif len(whole) > _LONGEST or (len(whole) > 1 and whole[0] == "0"):
        said = digits(whole)
    else:
        said = cardinal(int(whole))
    return f"{said} point {digits(fraction)}".strip() if point else said


def year(number: int) -> str:
    """A year of three or four digits: 1985 as "nineteen eighty five", 2005 as "two thousand five"."""
    century, rest = divmod(number, 100)
    if number % 1000 < 10 or number < 100:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def model_number(text: str) -> str:
    """Digits in a name such as "A380" or "1080p": "three eighty", "ten eighty"."""
    if text.startswith("0") or len(text) > 4:
        return digits(text)
    return year(int(text))


def fraction(numerator: int, denominator: int) -> str:
    """3/4 as "three quarters"."""
    named = {2: ("half", "halves"), 4: ("quarter", "quarters")}
    one, more = named.get(denominator) or (ordinal(denominator), ordinal(denominator) + "s")
    return f"{cardinal(numerator)} {one if numerator == 1 else more}"


def plural(words: str) -> str:
    """A decade: "nineteen ninety" as "nineteen nineties"."""
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman(text: str) -> int:
    """The value of a Roman numeral below 4000.

    :raises ValueError: if it is not a well-formed one.
    """
    values = [_ROMAN[character] for character in text]
    total = sum(-value if value < after else value for value, after in zip(values, [*values[1:], 0], strict=True))
    if to_roman(total) != text:
        raise ValueError(f"{text!r} is no Roman numeral")
    return total


def to_roman(number: int) -> str:
    """A number from 1 to 3999 as a Roman numeral."""
    made = ""
    values = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
    for value, sign in zip(values, "M CM D CD C XC L XL X IX V IV I".split(), strict=True):
        made += sign * (number // value)
        number %= value
    return made
