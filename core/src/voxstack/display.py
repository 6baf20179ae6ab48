"""Displays in notebooks, which a plugin draws."""

from __future__ import annotations

from typing import Any

from voxstack.errors import PluginError


class Displayed:
    """An object that a notebook shows as ``voxstack.notebook_view`` draws it, if a plugin provides that."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        import voxstack

        try:
            view: dict[str, str] = voxstack.notebook_view(self)
        except PluginError:
            return {}  # the notebook shows the repr
        return view
