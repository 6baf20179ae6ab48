"""Heads whose attention follows the text while it is spoken, as the command line names them."""

from __future__ import annotations

import re

from voxstack_packager import PackagingError

_HEAD = re.compile(r"(\d{1,9})\.(\d{1,9})")


def read_heads(text: str | None, layers: int, heads: int) -> list[tuple[int, int]] | None:
    """Return layer and head of each alignment head, both counted from 0; None, that is all, if none is named.

    :param text: ``LAYER.HEAD,...``, such as ``3.1,4.0``.
    :param layers: those of the model; ``heads``: those of each layer.
    :raises PackagingError: if the text is of another form, or the model has no such head.
    """
    if text is None:
        return None
    found = [_HEAD.fullmatch(part.strip()) for part in text.split(",")]
    pairs = [(int(match[1]), int(match[2])) for match in found if match]
    if len(pairs) < len(found) or any(layer >= layers or head >= heads for layer, head in pairs):
        problem = f"{text!r} does not name heads of this model, which has {layers} layers of {heads} heads"
        advice = f"write LAYER.HEAD,... from 0.0 to {layers - 1}.{heads - 1}"
        raise PackagingError("alignment_heads", f"{problem}; {advice}")
    return sorted(set(pairs))
