"""The kinds of errors, from their classes."""

from __future__ import annotations

import inspect

from site_pages.tables import prose, table


def errors_part() -> str:
    """Return a table of the public kinds of errors: class, base, when it is raised."""
    import voxstack

    kinds = [getattr(voxstack, name) for name in voxstack.__all__ if name.endswith("Error")]
    kinds.sort(key=lambda kind: (len(kind.__mro__), kind.__name__))
    rows = [[f"`{kind.__name__}`", f"`{kind.__base__.__name__}`", _meaning(kind)] for kind in kinds]
    return table(["kind", "is a", "raised when"], rows)


def _meaning(kind: type[BaseException]) -> str:
    return prose(inspect.getdoc(kind)).split("\n\n")[0]
