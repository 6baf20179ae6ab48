"""Names of symbols and Greek letters."""
# ruff: noqa: RUF001 -- signs and letters that look alike are the subject here

from __future__ import annotations

from voxstack_text.normalise.currencies import SIGNS

SYMBOLS = {
    "&": "and",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "#": "number",
    "%": "percent",
    "°": "degrees",
    "§": "section",
    "©": "copyright",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "≤": "is less than or equal to",
    "≥": "is greater than or equal to",
    "≠": "is not equal to",
    "≈": "is approximately equal to",
    "→": "to",
    "←": "from",
    "⇒": "implies",
    "−": "minus",
    "∈": "is in",
    "∉": "is not in",
    "≮": "is not less than",
    "≯": "is not greater than",
    "≰": "is not less than or equal to",
    "≱": "is not greater than or equal to",
    "⇏": "does not imply",
    "↛": "not to",
    "⊂": "is a subset of",
    "⊄": "is not a subset of",
    "⊆": "is a subset of or equal to",
    "⊈": "is neither a subset of nor equal to",
    "≡": "is equivalent to",
    "≢": "is not equivalent to",
    "∤": "does not divide",
    "∃": "there is",
    "∄": "there is no",
    "∀": "for all",
    "¬": "not",
    "∧": "and",
    "∨": "or",
    "∪": "union",
    "∩": "intersection",
    "∝": "is proportional to",
    "∴": "therefore",
    "∵": "because",
    "⇔": "if and only if",
    "·": "times",
    "√": "the square root of",
    "∞": "infinity",
    "<": "less than",
    ">": "greater than",
    "¢": "cents",
} | {sign: currency.plural for sign, currency in SIGNS.items() if len(sign) == 1}

OPERATORS = {
    "!=": "is not equal to",
    "<>": "is not equal to",
    "==": "equals",
    "===": "equals",
    "!==": "is not equal to",
    ">=": "is greater than or equal to",
    "<=": "is less than or equal to",
    "=>": "implies",
    "->": "to",
    "-->": "to",
    "<-": "from",
    "&&": "and",
    "||": "or",
    "+=": "plus equals",
    "-=": "minus equals",
    "*=": "times equals",
    "/=": "divided by equals",
    ":=": "is defined as",
    "**": "to the power of",
    "//": "divided by",
    "<<": "is much less than",
    ">>": "is much greater than",
}
"""Names of operators of two and three characters."""

ADDRESS_SYMBOLS = {
    ".": "dot",
    "/": "slash",
    "@": "at",
    "-": "dash",
    "_": "underscore",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    "~": "tilde",
    "\\": "backslash",
}
"""Names in web and e-mail addresses; other symbols in addresses are silent."""

GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψω",
        (
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau "
            "upsilon phi chi psi omega"
        ).split(),
        strict=True,
    )
)
"""Names of Greek letters, by their lower case."""

GREEK_LETTER = r"(?<![α-ωΑ-Ω])(?:[α-ρσ-ωΑ-ΡΣ-Ω])(?![α-ωΑ-Ω])"
"""Pattern of a Greek letter that is not part of a word; words in Greek script have no reading."""
