"""The punctuation marks that end clauses, as Piper's voices were trained on them."""

from __future__ import annotations

import re
import unicodedata

MARKS = {
    mark: mark + equivalents
    for mark, equivalents in {
        "!": "\u0703\u07f9\u1944\u203c\u2755\u2757\u2762\u2763\ufe15\ufe57\U0001e95e",
        ",": "\u055d\u060c\u0702\u07f8\u0f14\u1363\u1802\u1808\u2e32\u2e34\u2e41\ua4fe\ua60d\ua6f5\ufe10\ufe11\ufe50"
        "\ufe51\uff64\U0001144d\U0001da87",
        ".": "\u06d4\u0701\u0704\u1362\u166e\u1803\u1809\u2cf9\u2cfe\u2e33\u2e3c\ua4ff\ua60e\ua6f3\ufe12\ufe52\uff61"
        "\U00016af5\U0001bc9f\U0001da88",
        ":": "\u0706\u0707\u1365\u1366\u1804\u2982\ua6f4\ufe13\ufe55\U00012471\U00012472\U0001da8a",
        ";": "\u0387\u061b\u0708\u1364\u2013\u2014\u204f\u2e35\u2e3a\u2e3b\ua6f6\ufe14\ufe31\ufe32\ufe54\U0001da89",
        "?": "\u037e\u061f\u0709\u1367\u1945\u2047\u2753\u2754\u2cfa\u2cfb\ua60f\ua6f7\ufe16\ufe56\U00011143\U0001e95f",
    }.items()
}
"""The characters that count as each mark."""

SILENT = (
    "\u00a1\u00bf\u1801\u2026\u22ee\u22ef\u22f0\u22f1\u3001\ufe19\uff0c\uff1a\uff1b\u0589\u0700\u0964\u0965\u0df4\u0f0d"
    "\u0f0e\u10fb\u1368\u2029\u3002\uff01\uff0e\uff1f"
)
"""The characters that end a clause without a mark."""

FULL_STOPS = "\u0589\u0700\u0964\u0965\u0df4\u0f0d\u0f0e\u10fb\u1368\u2029\u3002\uff01\uff0e\uff1f"
"""Those among :data:`SILENT` that end a sentence too."""

_MARK_OF = {character: mark for mark, characters in MARKS.items() for character in characters}
_TERMINATOR = re.compile(f"[{re.escape(''.join(_MARK_OF) + SILENT)}]")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def terminator(read: str, more: bool) -> str:
    """Return the mark that ends a clause: one of ``. , ; : ! ?``, or the empty string.

    The rules and the tables above are measured by what ``piper.phonemize_espeak`` writes for every character that ends
    clauses, for each two and three of them in a row, and for the characters that may follow. Of several marks the first
    counts. No mark is returned before a blank line, after an ellipsis, or at the end of the text after a clause without
    letters and digits. Pictures, such as emoji, are read by their names.

    :param read: the clause as espeak-ng has read it.
    :param more: whether text is left, so that ``read`` ends with the first character of the next clause.
    """
    clause = read[:-1] if more else read
    if not more and not any(map(str.isalnum, clause)):
        return ""
    tail = _tail(clause)
    mark = _TERMINATOR.search(tail)
    if mark is None or "..." in tail or _BLANK_LINE.search(tail):
        return ""
    return _MARK_OF.get(mark.group(), "")


def ends_sentence(read: str, more: bool) -> bool:
    """Return whether a sentence ends with a clause, as espeak-ng counts it: also after "Dr.", if a capital follows.

    The parameters are those of :func:`terminator`, whose rules it shares.
    """
    if not more:
        return True
    tail = _tail(read[:-1])
    if _BLANK_LINE.search(tail):
        return True
    mark = _TERMINATOR.search(tail)
    return mark is not None and "..." not in tail and (_MARK_OF.get(mark[0], "") or mark[0]) in f".?!{FULL_STOPS}"


def _tail(clause: str) -> str:
    """Return what follows the last character of a clause that is pronounced."""
    return clause[max((end for end, character in enumerate(clause, 1) if _is_pronounced(character)), default=0) :]


def _is_pronounced(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) == "So"
