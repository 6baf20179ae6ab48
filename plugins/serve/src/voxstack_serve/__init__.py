"""A speech service for the clients of other speech services."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack_serve.app import build_app
    from voxstack_serve.catalogue import VoiceInfo
    from voxstack_serve.limits import Limits
    from voxstack_serve.service import Service

__all__ = ["Limits", "Service", "VoiceInfo", "build_app"]

_MODULES = {"Limits": "limits", "Service": "service", "VoiceInfo": "catalogue", "build_app": "app"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562): the command is found without numpy."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
