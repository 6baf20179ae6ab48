# ruff: noqa: RUF001 -- the characters of texts are the subject here
"""Reading of text by a Supertonic voice, in the form that its texts had in training."""

from __future__ import annotations

from typing import Any

from voxstack_importers.description import Spec

_REPLACED = [
    *[[mark, "-"] for mark in "–‑—"],
    *[[mark, '"'] for mark in "“”"],
    *[[mark, "'"] for mark in "‘’´`"],
    *[[mark, " "] for mark in "¯_[]|/#→←"],
    ["@", " at "],
    ["e.g.,", "for example, "],
    ["i.e.,", "that is, "],
    *[[f" {mark}", mark] for mark in ",.!?;:'"],
]
_REMOVED = [
    "\U0001f600-\U0001f64f",
    "\U0001f300-\U0001f5ff",
    "\U0001f680-\U0001f6ff",
    "\U0001f700-\U0001f77f",
    "\U0001f780-\U0001f7ff",
    "\U0001f800-\U0001f8ff",
    "\U0001f900-\U0001f9ff",
    "\U0001fa00-\U0001fa6f",
    "\U0001fa70-\U0001faff",
    "\u2600-\u26ff",
    "\u2700-\u27bf",
    "\U0001f1e6-\U0001f1ff",
    "©",
    "\\",
]
_ENDINGS = ".!?;:,'\"\u2018\u2019)]}…。」』】〉》›»"


def reading_blocks(symbols: dict[str, list[int]], language: str | None) -> list[Spec]:
    """Return the blocks from text to tokens.

    :param symbols: the token of each character.
    :param language: code of the tag that texts have; None for a voice without tags.
    """
    tags = {} if language is None else {"before": f"<{language}>", "after": f"</{language}>"}
    written: dict[str, Any] = {
        "type": "Rewrite",
        "name": "written",
        "form": "NFKD",
        "removed": _REMOVED,
        "replaced": _REPLACED,
        "single": "\"'`",
        "squeeze": True,
        "ending": ".",
        "endings": _ENDINGS,
    }
    return [{**written, **tags}, {"type": "Characters", "symbols": symbols, "source": "written"}]
