"""The licence that a model card beside a voice states."""

from __future__ import annotations

import re
from pathlib import Path

UNKNOWN = "LicenseRef-Unknown"

_NAMES = ("MODEL_CARD", "MODEL_CARD.md", "MODEL_CARD.txt", "README.md", "README")
_LINE = re.compile(r"^[\s*#-]*licen[cs]e\s*:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_SPDX = (
    (r"cc0|creative commons (zero|0)", "CC0-1.0"),
    (r"public domain", "LicenseRef-PublicDomain"),
    (r"cc[ -]by[ -]nc[ -]sa[ -]?4", "CC-BY-NC-SA-4.0"),
    (r"cc[ -]by[ -]nc[ -]nd[ -]?4", "CC-BY-NC-ND-4.0"),
    (r"cc[ -]by[ -]nc[ -]?4", "CC-BY-NC-4.0"),
    (r"cc[ -]by[ -]nd[ -]?4", "CC-BY-ND-4.0"),
    (r"cc[ -]by[ -]sa[ -]?4", "CC-BY-SA-4.0"),
    (r"cc[ -]by[ -]sa[ -]?3", "CC-BY-SA-3.0"),
    (r"cc[ -]by[ -]?4", "CC-BY-4.0"),
    (r"cc[ -]by[ -]?3", "CC-BY-3.0"),
    (r"apache", "Apache-2.0"),
    (r"\bmit\b", "MIT"),
    (r"bsd[ -]3", "BSD-3-Clause"),
    (r"\bagpl", "AGPL-3.0-or-later"),
    (r"\blgpl", "LGPL-3.0-or-later"),
    (r"\bgpl", "GPL-3.0-or-later"),
)
"""Patterns of licences as cards write them, the most specific first, and their SPDX identifiers."""


def card_license(path: Path) -> str:
    """Return the licence that a model card in the folder of a file states, as an SPDX expression.

    A card describes the data that a voice was trained on, whose licence holds for the voice as well.

    :returns: :data:`UNKNOWN` if there is no card, or it states none that has an identifier.
    """
    cards = [path.with_name(f"{path.name}.{name}") for name in _NAMES[:1]]
    cards += [path.with_name(name) for name in _NAMES]
    card = next((card for card in cards if card.is_file()), None)
    if card is None:
        return UNKNOWN
    stated = _LINE.search(card.read_text(encoding="utf-8", errors="replace"))
    return UNKNOWN if stated is None else spdx_identifier(stated[1])


def spdx_identifier(stated: str) -> str:
    """Return the SPDX identifier of a licence as people write it, or :data:`UNKNOWN`."""
    return next((name for pattern, name in _SPDX if re.search(pattern, stated, re.IGNORECASE)), UNKNOWN)
