"""Words of the commands and signs of formulas."""

from __future__ import annotations

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi chi "
    "psi omega"
).split()

SIGNS = {
    "+": "plus",
    "-": "minus",
    "−": "minus",  # noqa: RUF001 -- the minus sign
    "*": "times",
    "/": "over",
    "=": "equals",
    "<": "is less than",
    ">": "is greater than",
    "(": "open paren",
    ")": "close paren",
    "[": "open bracket",
    "]": "close bracket",
    "{": "open brace",
    "}": "close brace",
    ",": ",",
    ";": ",",
    ":": "to",
    ".": "",
    "?": "",
    "|": "such that",
    "%": "percent",
    "&": "",
    "∞": "infinity",
    "≤": "is less than or equal to",
    "≥": "is greater than or equal to",
    "≠": "is not equal to",
    "×": "times",  # noqa: RUF001 -- the sign of multiplication
    "·": "times",
    "±": "plus or minus",
}
"""Words of the characters of formulas that are neither letters nor digits."""

_WORDS = {
    "le leq leqslant": "is less than or equal to",
    "ge geq geqslant": "is greater than or equal to",
    "lt": "is less than",
    "gt": "is greater than",
    "ne neq": "is not equal to",
    "approx": "is approximately equal to",
    "equiv": "is equivalent to",
    "sim": "is similar to",
    "simeq cong": "is congruent to",
    "propto": "is proportional to",
    "ll": "is much less than",
    "gg": "is much greater than",
    "times": "times",
    "cdot": "times",
    "div": "divided by",
    "pm": "plus or minus",
    "mp": "minus or plus",
    "ast star": "star",
    "circ": "composed with",
    "bullet": "times",
    "oplus": "direct sum",
    "otimes": "tensor",
    "infty": "infinity",
    "partial": "partial",
    "nabla": "nabla",
    "in": "is in",
    "notin": "is not in",
    "nmid": "does not divide",
    "ni": "contains",
    "subset": "is a subset of",
    "subseteq": "is a subset of or equal to",
    "supset": "is a superset of",
    "supseteq": "is a superset of or equal to",
    "cup": "union",
    "cap": "intersection",
    "setminus backslash": "minus",
    "emptyset varnothing": "the empty set",
    "forall": "for all",
    "exists": "there exists",
    "nexists": "there does not exist",
    "neg lnot": "not",
    "land wedge": "and",
    "lor vee": "or",
    "to rightarrow longrightarrow": "to",
    "leftarrow gets": "from",
    "mapsto": "maps to",
    "Rightarrow implies Longrightarrow": "implies",
    "Leftarrow": "is implied by",
    "leftrightarrow Leftrightarrow iff": "if and only if",
    "ldots dots cdots dotsc dotsb vdots ddots": "and so on",
    "prime": "prime",
    "hbar": "h bar",
    "ell": "l",
    "Re": "the real part of",
    "Im": "the imaginary part of",
    "aleph": "aleph",
    "angle": "angle",
    "perp": "is perpendicular to",
    "parallel": "is parallel to",
    "mid": "such that",
    "vert": "such that",
    "therefore": "therefore",
    "because": "because",
    "degree": "degrees",
    "percent %": "percent",
    "$": "dollars",
    "&": "and",
    "#": "number",
    "_": "underscore",
    "{ lbrace": "{",
    "} rbrace": "}",
    "langle": "open angle bracket",
    "rangle": "close angle bracket",
    "lfloor": "the floor of",
    "lceil": "the ceiling of",
    "bmod mod": "mod",
    "models": "models",
    "vdash": "proves",
    "top": "top",
    "bot": "bottom",
    "varepsilon": "epsilon",
    "vartheta": "theta",
    "varphi": "phi",
    "varrho": "rho",
    "varsigma": "sigma",
    "varpi": "pi",
}
SYMBOLS = {name: words for names, words in _WORDS.items() for name in names.split()}
SYMBOLS |= {letter: letter for letter in _GREEK}
SYMBOLS |= {letter.capitalize(): f"capital {letter}" for letter in _GREEK}
"""Words, or a sign, of commands without arguments."""

FUNCTIONS = {
    "sin": "sine",
    "cos": "cosine",
    "tan": "tangent",
    "cot": "cotangent",
    "sec": "secant",
    "csc": "cosecant",
    "arcsin": "arc sine",
    "arccos": "arc cosine",
    "arctan": "arc tangent",
    "sinh": "hyperbolic sine",
    "cosh": "hyperbolic cosine",
    "tanh": "hyperbolic tangent",
    "log": "log",
    "ln": "natural log",
    "lg": "log",
    "exp": "exponential",
    "det": "determinant",
    "dim": "dimension",
    "ker": "kernel",
    "deg": "degree",
    "arg": "argument",
    "gcd": "greatest common divisor",
    "Pr": "probability",
}
"""Words of functions; "of" follows."""

LARGE = {
    "sum": "sum",
    "prod": "product",
    "coprod": "coproduct",
    "int": "integral",
    "iint": "double integral",
    "iiint": "triple integral",
    "oint": "contour integral",
    "bigcup": "union",
    "bigcap": "intersection",
    "lim": "limit",
    "limsup": "limit superior",
    "liminf": "limit inferior",
    "max": "maximum",
    "min": "minimum",
    "sup": "supremum",
    "inf": "infimum",
    "argmax": "arg max",
    "argmin": "arg min",
}
"""Words of operators with limits; "of" follows."""

FONTS = frozenset(
    "mathbf mathit mathcal mathbb mathfrak mathsf mathtt mathscr boldsymbol bm pmb ensuremath displaystyle boxed "
    "overbrace underbrace phantom mathnormal symbf".split()
)
"""Commands whose argument is read alone."""

ACCENTS = {
    "hat": "hat",
    "widehat": "hat",
    "bar": "bar",
    "overline": "bar",
    "tilde": "tilde",
    "widetilde": "tilde",
    "vec": "vector",
    "overrightarrow": "vector",
    "dot": "dot",
    "ddot": "double dot",
    "check": "check",
    "acute": "acute",
    "grave": "grave",
    "underline": "underlined",
}
"""Words that follow the argument of commands."""

IGNORED = frozenset(
    ", ; : ! quad qquad left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle "
    "textstyle scriptstyle scriptscriptstyle nonumber notag label tag hline rfloor rceil lVert rVert \\ space "
    "thinspace enspace hfill vphantom hphantom".split()
) | {" ", ""}
"""Commands that are silent."""
