"""Rules for words: abbreviations, acronyms, Roman numerals, addresses, symbols."""
# ruff: noqa: RUF001 -- signs that look alike are what this is about

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.rule import (
    NEAR,
    Known,
    Reading,
    Rule,
    alternatives,
    groups,
    letters_or_word,
    rule,
    spelled,
)
from voxstack_text.normalise.tables import (
    ABBREVIATIONS,
    ADDRESS_SYMBOLS,
    ADDRESS_WORDS,
    COUNTED,
    DOTTED,
    MIXED,
    REIGNING,
    SPELLED,
    SYMBOLS,
    WITHOUT_PERIOD,
)

_DOMAINS = "com|org|net|edu|gov|mil|io|dev|app|info|biz|uk|de|fr|eu|jp|ca|au|nz|ch|at|se|nl|tv|js|py|txt|pdf|html|csv|json|md|exe|zip|png|jpg|doc"
_VERB_AFTER_I = re.compile(r"\s+(?!of\b|was\b|is\b|and\b|had\b|to\b|in\b|ruled\b|reigned\b|became\b|died\b)[a-z]")
_AROUND = 200  # characters that tell shouting from an acronym
_LIKE_A_WORD = re.compile("[^AEIOU]?[AEIOU][^AEIOU]{1,2}[AEIOU][^AEIOU]?(?<=.{5})")
"""Five capitals that are pronounced like a word: "NAFTA"."""
_NUMERAL = r"(?P<numeral>[IVXLC]+)(?!\w|')"


def _address(match: re.Match[str], known: Known) -> Reading:
    """A web or e-mail address, without its scheme."""
    said = []
    for run in re.findall(r"[A-Za-z]+|\d+|[^A-Za-z\d]", match["address"]):
        if run.isdigit():
            said.append(numbers.amount(run) if len(run) < 3 else numbers.model_number(run))
        elif run.isalpha() and run.isascii():
            said.append(ADDRESS_WORDS.get(run) or letters_or_word(run, known))
        else:
            said.append(ADDRESS_SYMBOLS.get(run, ""))
    return " ".join(filter(None, said))


def _roman_count(match: re.Match[str], known: Known) -> Reading:
    if match["word"].lower() not in COUNTED or not match["word"][0].isupper():
        return None
    value = _roman(match["numeral"])
    return groups(match, word=match["word"].lower(), numeral=numbers.cardinal(value)) if value else None


def _roman_reign(match: re.Match[str], known: Known) -> Reading:
    if match["word"].lower() not in REIGNING:
        return None
    if match["numeral"] == "I" and _VERB_AFTER_I.match(match.string, match.end()):
        return None
    value = _roman(match["numeral"])
    return groups(match, word=match["word"].lower(), numeral=f"the {numbers.ordinal(value)}") if value else None


def _roman_alone(match: re.Match[str], known: Known) -> Reading:
    return numbers.cardinal(_roman(match[0]))


def _roman_century(match: re.Match[str], known: Known) -> Reading:
    value = _roman(match["numeral"])
    return numbers.ordinal(value) if value else None


def _roman_sequel(match: re.Match[str], known: Known) -> Reading:
    """Behind a name: "Rocky IV"; "an IV" is something else."""
    before = match.string[max(0, match.start() - NEAR) : match.start()]
    return "four" if re.search(r"\b(?!(?:The|An|His|Her|My|This|That|Your|Their)\b)[A-Z][a-z]+ $", before) else None


def _roman_year(match: re.Match[str], known: Known) -> Reading:
    return numbers.year(_roman(match[0]))


def _roman(text: str) -> int:
    try:
        return numbers.roman(text)
    except ValueError:
        return 0


def _saint_or_street(match: re.Match[str], known: Known) -> Reading:
    return "saint" if re.match(r"\s+[A-Z]", match.string[match.end() :]) and not _after_name(match) else "street"


def _doctor_or_drive(match: re.Match[str], known: Known) -> Reading:
    return "drive" if _after_name(match) and not re.match(r"\s+[A-Z]", match.string[match.end() :]) else "doctor"


def _after_name(match: re.Match[str]) -> bool:
    """Whether a name or a number comes right before: "Main", "42nd"."""
    return bool(
        re.search(r"(?:\b[A-Z][a-z]+|\d(?:st|nd|rd|th)) $", match.string[max(0, match.start() - NEAR) : match.start()])
    )


def _page(match: re.Match[str], known: Known) -> Reading:
    return "pages" if match[0].startswith("pp") else "page"


def _abbreviation(match: re.Match[str], known: Known) -> Reading:
    return ABBREVIATIONS[match[1]]


def _dotted(match: re.Match[str], known: Known) -> Reading:
    return DOTTED.get(match[0].lower()) or spelled(re.sub(r"[^A-Za-z]", "", match[0]))


def _joined_letters(match: re.Match[str], known: Known) -> Reading:
    return f"{spelled(match[1])} and {spelled(match[2])}{match[3] or ''}"


def _handle(match: re.Match[str], known: Known) -> Reading:
    sign = "at" if match[1] == "@" else "hashtag"
    return f"{sign} {' '.join(_inside_name(part, known) for part in re.findall(r'[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+', match[2]))}"


def _inside_name(part: str, known: Known) -> str:
    return numbers.model_number(part) if part.isdigit() else letters_or_word(part, known)


def _word(match: re.Match[str], known: Known) -> Reading:
    written = match[0] if known(match[0].lower()) else match[0].strip("'")
    plain = written.lower()
    stem, ending = written, ""
    if plain.endswith("'s"):
        stem, ending = written[:-2], "'s"
    elif re.fullmatch("[A-Z]{2,}s", written):
        stem, ending = written[:-1], "s"
    if len(stem) == 1:
        return _single(match, stem) + ending
    if stem.isalpha() and _is_spelled(
        stem, match.string[max(0, match.start() - _AROUND) : match.end() + _AROUND], known
    ):
        return spelled(stem) + ("'s" if ending else "")
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", stem)
    if stem.isalpha() and len(parts) > 1 and not known(stem.lower()) and all(known(part.lower()) for part in parts):
        return " ".join(part.lower() for part in parts) + ending  # "PlayStation"
    return plain


def _single(match: re.Match[str], letter: str) -> str:
    """One letter: the article, the pronoun, or a letter's name. In "vitamin A is", a small word behind makes no article of it."""
    if letter == "a" and match.string[max(0, match.start() - 1) : match.end() + 1] == "-a-":
        return "a"  # "ten-dollars-a-day"
    if letter in "aA":
        inside = letter == "A" and re.search(r"[\w,)]\s+$", match.string[max(0, match.start() - NEAR) : match.start()])
        article = re.match(
            r"\s+[\"']?([A-Z][a-z']|[\d$£€])" if inside else r"\s+[\"']?([A-Za-z][A-Za-z']|[\d$£€])",
            match.string[match.end() :][:NEAR],
        )
        return "a" if article else "A"
    return "i" if letter == "I" else letter.upper()


def _is_spelled(stem: str, text: str, known: Known) -> bool:
    """Whether a word is read as letters; among other capitals an unknown word is a word."""
    shouted = not re.search("[a-z]", text) and len(re.findall("[A-Z]{2,}", text)) > 2
    if stem.isupper() and (stem in SPELLED and not shouted):
        return True
    if known(stem.lower()):
        return False
    if not re.search("[aeiouy]", stem.lower()):
        return stem.isupper() or len(stem) <= 5
    return stem.isupper() and len(stem) <= 5 and not shouted and not _LIKE_A_WORD.fullmatch(stem)


def _symbol(match: re.Match[str], known: Known) -> Reading:
    return SYMBOLS[match[0]]


GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψω",
        (
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi psi omega"
        ).split(),
        strict=True,
    )
)
"""Letters that stand alone, in lower case."""
GREEK_LETTER = r"(?<![α-ωΑ-Ω])(?:[α-ρσ-ωΑ-ΡΣ-Ω])(?![α-ωΑ-Ω])"
"""A Greek letter that is no word's; a word in Greek script has no reading."""

WORD = rule(r"'?[A-Za-z]+(?:'[A-Za-z]+)*'?", _word)
"""The rule for words that no other takes."""

RULES: tuple[Rule, ...] = (
    rule(r"(?:mailto:)?(?P<address>[\w.+-]+@[\w-]+(?:\.[A-Za-z\d-]+)+)", _address),
    rule(r"https?://(?P<address>[^\s<>\"]*[\w/])", _address, re.IGNORECASE),
    rule(r"(?P<address>www\.[^\s<>\"]*[\w/])", _address, re.IGNORECASE),
    rule(rf"(?P<address>(?:[A-Za-z\d-]+\.)+(?:{_DOMAINS})(?![\w-])(?:/[^\s<>\"]*[\w/])?)", _address),
    rule(rf"(?P<word>[A-Z][a-z]+)\s+{_NUMERAL}", _roman_count),
    rule(rf"(?P<word>[A-Z][a-z]+)\s+{_NUMERAL}", _roman_reign),
    rule(r"(?P<numeral>[IVXLC]{2,})(?= [Cc]entur)", _roman_century),
    rule(r"(?:II|III|VI|VII|VIII|IX|XI|XII|XIII|X{1,2}(?:IX|IV|VI{1,3})|XXI{1,3})(?!\w|')", _roman_alone),
    rule(r"IV(?=\s*(?:$|[.,;:!?)])|\s+(?:is|was|and|in|of|or|to|has|had|came|made)\b)", _roman_sequel),
    rule(r"(?=\w{4})M{1,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?!\w|')", _roman_year),
    rule(rf"(?:{alternatives(MIXED)})(?!\w)", lambda match, known: MIXED[match[0]]),
    rule(r"(?<=[Tt]he )WHO(?!\w)", lambda match, known: "W H O"),
    rule(r"(Apt|Rte|Hwy)(?= \d)", _abbreviation),
    rule(r"min\.(?= ?\d)", lambda match, known: "minimum"),
    rule(r"St(?:\.|(?= [A-Z]))", _saint_or_street),
    rule(r"Dr(?:\.|(?= [A-Z]))", _doctor_or_drive),
    rule(r"[Nn]o\.(?=\s?\d)", lambda match, known: "number"),
    rule(r"[Nn]os\.(?=\s?\d)", lambda match, known: "numbers"),
    rule(r"pp?\.(?=\s?\d)", _page),
    rule(rf"({alternatives(ABBREVIATIONS)})\.(?!\w)", _abbreviation),
    rule(rf"({alternatives(WITHOUT_PERIOD)})(?![\w'])", _abbreviation),
    rule(r"w/o(?!\w)|w/(?=\s)", _dotted),
    rule(r"Ph\.D\.|(?:[A-Za-z]\.){2,}(?:[A-Za-z](?!\w))?", _dotted),
    rule(r"[A-Z]\.(?=\s?[A-Z])", _dotted),
    rule(r"([A-Z]{1,3})&([A-Z]{1,3})('s)?(?!\w)", _joined_letters),
    rule(r"([@#])(?=\w*[A-Za-z])(\w+)", _handle),
    rule(r"(?<=[A-G])#(?!\w)", lambda match, known: "sharp"),
    rule(r"(?<=[\w)])\^(2|3)(?![\w.])", lambda match, known: "squared" if match[1] == "2" else "cubed"),
    rule(r"(?<=\w)\^(?=-?\w)", lambda match, known: "to the power of"),
    rule(r"'[nN]'", lambda match, known: "and"),
    WORD,
    rule(r"(?:(?<=[\w)] )(?=. )|(?<=[\w)])(?=.[\d(]))([<>])", lambda match, known: f"is {SYMBOLS[match[1]]}"),
    rule(r"(?<=\w )-(?= [\w.]+(?: [-+*/×÷] [\w.]+){0,4} =)", lambda match, known: "minus"),
    rule(r"(?<=\d )/(?= \d)", lambda match, known: "divided by"),
    rule(r"(?:(?<=[\d)] )|(?<=\d))\*(?= ?[\d(])", lambda match, known: "times"),
    rule(GREEK_LETTER, lambda match, known: GREEK[match[0].lower()]),
    rule(rf"[{re.escape(''.join(SYMBOLS))}]", _symbol),
)
"""Tried in this order."""
