"""The check whether the normaliser would find anything to speak, without its rules."""

from __future__ import annotations

import re

from voxstack_text.normalise.folding import fold
from voxstack_text.normalise.symbol_names import GREEK_LETTER, SYMBOLS

_PRONOUNCEABLE = re.compile(rf"[A-Za-z0-9{re.escape(''.join(SYMBOLS))}]|{GREEK_LETTER}")


def is_pronounceable(text: str) -> bool:
    """Return whether any part of the text would be spoken."""
    return _PRONOUNCEABLE.search(text) is not None or (
        not text.isascii() and _PRONOUNCEABLE.search(fold(text).text) is not None
    )
