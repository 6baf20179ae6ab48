"""Rules for words: abbreviations, acronyms, names, single letters and symbols."""
# ruff: noqa: RUF001 -- signs that look alike are the subject here

from __future__ import annotations

import re

from voxstack_text.normalise import numbers
from voxstack_text.normalise.abbreviations import (
    ABBREVIATIONS,
    ALSO_WORDS,
    DOTTED,
    MIXED,
    SPELLED,
    WITHOUT_PERIOD,
)
from voxstack_text.normalise.rule import (
    LOOKBEHIND,
    IsKnown,
    Reading,
    Rule,
    alternatives,
    always,
    rule,
    spelled,
    text_before,
    word_or_letters,
)
from voxstack_text.normalise.symbol_names import GREEK, GREEK_LETTER, OPERATORS, SYMBOLS

_NAME_AFTER = re.compile(r"\s+[A-Z]")
_AROUND = 80  # characters on both sides that distinguish text in capitals from an acronym
_LIKE_A_WORD = re.compile("[^AEIOU]?[AEIOU][^AEIOU]{1,2}[AEIOU][^AEIOU]?(?<=.{5})")
"""Five capitals that are pronounced like a word: "NAFTA"."""


def _saint_or_street(match: re.Match[str], is_known: IsKnown) -> Reading:
    return "saint" if _is_name_after(match) and not _is_name_before(match) else "street"


def _doctor_or_drive(match: re.Match[str], is_known: IsKnown) -> Reading:
    return "drive" if _is_name_before(match) and not _is_name_after(match) else "doctor"


def _is_name_after(match: re.Match[str]) -> bool:
    return bool(_NAME_AFTER.match(match.string, match.end()))


def _is_name_before(match: re.Match[str]) -> bool:
    """Return whether a name or an ordinal is right before the match: "Main", "42nd"."""
    return bool(re.search(r"(?:\b[A-Z][a-z]+|\d(?:st|nd|rd|th)) $", text_before(match)))


def _page(match: re.Match[str], is_known: IsKnown) -> Reading:
    return "pages" if match[0].startswith("pp") else "page"


def _abbreviation(match: re.Match[str], is_known: IsKnown) -> Reading:
    return ABBREVIATIONS[match[1]]


def _dotted(match: re.Match[str], is_known: IsKnown) -> Reading:
    return DOTTED.get(match[0].lower()) or spelled(re.sub(r"[^A-Za-z]", "", match[0]))


def _joined_letters(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"{spelled(match[1])} and {spelled(match[2])}{match[3] or ''}"


def _handle(match: re.Match[str], is_known: IsKnown) -> Reading:
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", match[2])
    names = (numbers.model_number(part) if part.isdigit() else _name(part, is_known) for part in parts)
    return f"{'at' if match[1] == '@' else 'hashtag'} {' '.join(names)}"


def _name(part: str, is_known: IsKnown) -> str:
    """Return a part of a handle: a word if it may be pronounced, as names of people are mostly in no lexicon."""
    if part.islower() and len(part) > 2 and re.search("[aeiouy]", part):
        return part
    return word_or_letters(part, is_known)


def _word(match: re.Match[str], is_known: IsKnown) -> Reading:
    written = match[0] if is_known(match[0].lower()) else match[0].strip("'")
    plain = written.lower()
    stem, ending = written, ""
    if plain.endswith("'s"):
        stem, ending = written[:-2], "'s"
    elif re.fullmatch("[A-Z]{2,}s", written):
        stem, ending = written[:-1], "s"
    if len(stem) == 1:
        return _single_letter(match, stem) + ending
    around = match.string[max(0, match.start() - _AROUND) : match.end() + _AROUND]
    if stem in ALSO_WORDS and _is_emphasised(match, stem, is_known):
        return plain
    if stem.isalpha() and _is_spelled(stem, around, is_known):
        return spelled(stem) + ("'s" if ending else "")
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", stem)
    if (
        stem.isalpha()
        and len(parts) > 1
        and not is_known(stem.lower())
        and all(is_known(part.lower()) for part in parts)
    ):
        return " ".join(part.lower() for part in parts) + ending  # "PlayStation"
    return plain


def _broken_word(match: re.Match[str], is_known: IsKnown) -> Reading:
    """Read a word that is broken at the end of a line, if there is one: "infor-" and "mation", not "pre- and"."""
    joined = (match["first"] + match["last"]).lower()
    return joined if is_known(joined) else None


def _single_letter(match: re.Match[str], letter: str) -> str:
    """Return a letter as the article, as the pronoun, or as its name.

    Inside a sentence, as in "vitamin A is", a small word after "A" does not make it an article.
    """
    if letter == "a" and match.string[max(0, match.start() - 1) : match.end() + 1] == "-a-":
        return "a"  # "ten-dollars-a-day"
    if letter in "aA":
        inside = letter == "A" and re.search(r"[\w,)]\s+$", text_before(match))
        article = re.match(
            r"\s+[\"']?([A-Z][a-z']|[\d$£€])" if inside else r"\s+[\"']?([A-Za-z][A-Za-z']|[\d$£€])",
            match.string[match.end() : match.end() + LOOKBEHIND],
        )
        return "a" if article else "A"
    return "i" if letter == "I" else letter.upper()


def _is_emphasised(match: re.Match[str], stem: str, is_known: IsKnown) -> bool:
    """Return whether a word that is also an acronym is in a run of words in capitals: "DO IT NOW", "LET US GO"."""
    before = re.search(r"\b([A-Z]+)[\s,]+$", text_before(match))
    after = re.match(r"[\s,]+([A-Z]+)(?![\w'])", match.string[match.end() : match.end() + LOOKBEHIND])
    neighbors = {found[1] for found in (before, after) if found}
    return any(
        word == "I" or (len(word) > 1 and word not in SPELLED and word not in ALSO_WORDS and is_known(word.lower()))
        for word in neighbors
    )


def _is_spelled(stem: str, around: str, is_known: IsKnown) -> bool:
    """Return whether a word is read as letters; in text in capitals, an unknown word is a word.

    :param around: the text around the word, with it.
    """
    in_capitals = not re.search("[a-z]", around) and len(re.findall("[A-Z]{2,}", around)) > 2
    if stem.isupper() and (stem in SPELLED and not (in_capitals and stem in ALSO_WORDS)):
        return True
    if is_known(stem.lower()):
        return False
    if not re.search("[aeiouy]", stem.lower()):
        return stem.isupper() or len(stem) <= 5
    return stem.isupper() and len(stem) <= 5 and not in_capitals and not _LIKE_A_WORD.fullmatch(stem)


def _mixed(match: re.Match[str], is_known: IsKnown) -> Reading:
    return MIXED[match[0]]


def _power(match: re.Match[str], is_known: IsKnown) -> Reading:
    return "squared" if match[1] == "2" else "cubed"


def _comparison(match: re.Match[str], is_known: IsKnown) -> Reading:
    return f"is {SYMBOLS[match[1]]}"


def _operator(match: re.Match[str], is_known: IsKnown) -> Reading:
    return OPERATORS[match[0]]


def _greek_letter(match: re.Match[str], is_known: IsKnown) -> Reading:
    return GREEK[match[0].lower()]


def _symbol(match: re.Match[str], is_known: IsKnown) -> Reading:
    return SYMBOLS[match[0]]


WORD = rule(r"'?[A-Za-z]+(?:'[A-Za-z]+)*'?", _word)
"""The rule for words that no other rule reads."""

RULES: tuple[Rule, ...] = (
    rule(rf"(?:{alternatives(MIXED)})(?!\w)", _mixed),
    rule(r"(?<=[Tt]he )WHO(?!\w)", always("W H O")),
    rule(r"(Apt|Rte|Hwy)(?= \d)", _abbreviation),
    rule(r"min\.(?= ?\d)", always("minimum")),
    rule(r"St(?:\.|(?= [A-Z]))", _saint_or_street),
    rule(r"Dr(?:\.|(?= [A-Z]))", _doctor_or_drive),
    rule(r"pp?\.(?=\s?(?:\d|[ivxlc]+\b))", _page),
    rule(rf"({alternatives(ABBREVIATIONS)})\.(?!\w)", _abbreviation),
    rule(rf"({alternatives(WITHOUT_PERIOD)})(?![\w'])", _abbreviation),
    rule(r"w/o(?!\w)|w/(?=\s)", _dotted),
    rule(r"Ph\.D\.|(?:[A-Za-z]\.){2,}(?:[A-Za-z](?!\w))?", _dotted),
    rule(r"[A-Z]\.(?=\s?[A-Z])", _dotted),
    rule(r"([A-Z]{1,3})&([A-Z]{1,3})('s)?(?!\w)", _joined_letters),
    rule(r"([@#])(?=\w*[A-Za-z])(\w+)", _handle),
    rule(r"(?<=[A-G])#(?!\w)", always("sharp")),
    rule(r"(?<=[\w)])\^(2|3)(?![\w.])", _power),
    rule(r"(?<=\w)\^(?=-?\w)", always("to the power of")),
    rule(r"(?<=\w)\+\+(?![\w+])", always("plus plus")),
    rule(
        rf"(?:(?:(?<=[\w)\]] )|(?<=[\w)\]]))(?:{alternatives(OPERATORS)})(?= ?[-\w(\[\"'$.])(?<![-+*/=<>&|!]{{4}}))",
        _operator,
    ),
    rule(r"'[nN]'", always("and")),
    rule(
        r"(?:(?<=[Hh]e)|(?<=[Hh]is)|(?<=[Hh]im)|(?<=[Hh]imself)|(?<=[Yy]es)|(?<=[Tt]rue)|(?<=\b[Ss]))/(?=(?:she|hers?|herself|no|false|he)\b)",
        always("or"),
    ),
    rule(r"401\(k\)", always("four oh one K")),
    rule(r"(?P<first>[A-Za-z]+)-\s(?P<last>[a-z]+)", _broken_word),
    rule(r"(?<=\b[A-Za-z] )\*(?= [A-Za-z\d]\b)", always("times")),
    rule(r"(?<=[a-z] )v\.(?= [A-Z])", always("versus")),
    rule(r"(?<=\d )ff(?:\.(?!\s+[A-Z])|(?!\w))|(?<=\d)ff(?!\w)", always("and following")),
    rule(r"(?<= )#{2,6}(?=\s*(?:\n|$))|(?<=[a-z] )#(?=\s*(?:\n|$))", always(",")),
    WORD,
    rule(r"(?:(?<=[\w)] )(?=. )|(?<=[\w)])(?=.[\d(]))([<>])", _comparison),
    rule(r"(?<=\w )-(?= -?[\w.]+(?: [-+*/×÷] -?[\w.]+){0,4} =)", always("minus")),
    rule(r"(?<=\d )/(?= \d)", always("divided by")),
    rule(r"(?:(?<=[\d)] )|(?<=\d))\*(?= ?-?[\d(])", always("times")),
    rule(GREEK_LETTER, _greek_letter),
    rule(rf"[{re.escape(''.join(SYMBOLS))}]", _symbol),
)
"""Tried in this order, after all others."""
