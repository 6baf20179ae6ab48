"""Names of voices that clients of OpenAI use, and some of which accept no others."""

from __future__ import annotations

from collections.abc import Sequence

OPENAI = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
)  # fmt: skip


def openai_alias(name: str, ids: Sequence[str]) -> str | None:
    """Return the voice for one of OpenAI's names, which take the voices in turns; None for other names."""
    return ids[OPENAI.index(name) % len(ids)] if name in OPENAI and ids else None
