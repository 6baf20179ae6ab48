"""How imported voices read a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxstack_packager import PackagingError

TEXT = "This is what the voice says, as the original says it."
"""What voices say for their golden vectors, if they have its letters."""


def phonemes(voice: str, table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The blocks that read text by the phonemes of espeak-ng.

    :param voice: one of espeak-ng's.
    :param table: the fields of the ``Characters`` that looks the phonemes up.
    :raises PackagingError: if the plugin is not installed that knows them.
    """
    from voxstack import Registry

    if "EspeakPhonemes" not in Registry.installed():
        raise PackagingError(
            "phonemes", "the voice reads phonemes of espeak-ng, which no plugin here knows: pip install voxstack-espeak"
        )
    return [{"type": "EspeakPhonemes", "voice": voice}, {"type": "Characters", **table, "source": "phonemes"}]


def characters(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The block that reads text as it is written."""
    return [{"type": "Characters", **table}]


def addon_name(path: Path) -> str:
    """A name for an addon, made of that of a file, in the letters that a name may have."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", path.name.lower()).strip("-_")
    return plain if plain[:1].isalpha() else f"voice-{plain}".rstrip("-")
