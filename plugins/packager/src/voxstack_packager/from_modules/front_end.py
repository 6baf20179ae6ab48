"""The blocks that read the text of a voice, as its declaration names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from voxstack_packager.errors import PackagingError


def front_end(text: str | Sequence[Any] | Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the JSON of the blocks that turn a text into tokens.

    :param text: as in :class:`.VoiceSource`.
    :raises PackagingError: for anything else.
    """
    if text == "phones":
        return [{"type": "Text"}]
    if isinstance(text, Mapping) and isinstance(text.get("type"), str):
        return [dict(text)]
    if isinstance(text, Mapping):
        tokens = {
            symbol: [int(i) for i in (ids if isinstance(ids, Sequence) else [ids])] for symbol, ids in text.items()
        }
        return [_characters(tokens)]
    blocks = [] if isinstance(text, str) else [dict(part) for part in text if isinstance(part, Mapping)]
    if blocks and len(blocks) == len(text):
        return blocks
    if isinstance(text, Sequence) and len(text) > 1 and all(isinstance(part, str) and part for part in text):
        twice = sorted({symbol for symbol in text if list(text).count(symbol) > 1})
        if twice:
            raise PackagingError(
                "text", f"the symbol {twice[0]!r} stands there twice; each has one position, its token"
            )
        return [_characters({symbol: [index] for index, symbol in enumerate(text)})]
    problem = f"{text!r} is no front end; write 'phones', the symbols of the model in order, or the JSON of a block"
    raise PackagingError("text", problem)


def _characters(tokens: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    has_capitals = any(symbol.lower() != symbol and symbol.lower() in tokens for symbol in tokens)
    lower = {} if has_capitals else {"lower": True}
    merged = [symbol for symbol in tokens if len(symbol) > 1]
    merging = {"merged": merged} if merged else {}
    table = {symbol: list(ids) for symbol, ids in tokens.items()}
    return {"type": "Characters", "symbols": table, "squeeze": True, **lower, **merging}
