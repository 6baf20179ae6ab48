"""The names that an utterance may carry, from the table of the core."""

from __future__ import annotations

from site_pages.tables import escape, table


def utterance_part() -> str:
    """Return a table of the names: value, who sets it, who reads it."""
    from voxstack.utterance import NAMES

    rows = [[f"`{key}`", escape(name.value), name.set_by, name.read_by] for key, name in NAMES.items()]
    return table(["name", "value", "set by", "read by"], rows)
