"""Makes addons of voices in the formats of other software: ``voxstack import IMPORTER PATH --out DIR``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack_importers.importers import IMPORTERS, Importer, import_voice

__all__ = ["IMPORTERS", "Importer", "import_voice"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.importers"), name)
