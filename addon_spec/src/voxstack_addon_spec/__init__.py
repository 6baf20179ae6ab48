"""The addon format of voxstack: its JSON Schema, its typed model, and a reader that validates and verifies addons."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from voxstack_addon_spec.contexts import Context, ContextLike, Form, parse_context
from voxstack_addon_spec.errors import AddonError, ContextError, LocatedError, VoxstackError
from voxstack_addon_spec.files import AddonFiles
from voxstack_addon_spec.integrity import file_entry, network_hash
from voxstack_addon_spec.networks import NetworkSpec
from voxstack_addon_spec.opening import open_addon
from voxstack_addon_spec.streaming import Autoregressive, State, Streaming
from voxstack_addon_spec.tensors import Length, Tensor
from voxstack_addon_spec.validation import SPEC_VERSION, addon_schema, validate_config

if TYPE_CHECKING:
    from voxstack_addon_spec.editor_schema import combined_schema
    from voxstack_addon_spec.writer import write_zip

__all__ = [
    "SPEC_VERSION",
    "AddonError",
    "AddonFiles",
    "Autoregressive",
    "Context",
    "ContextError",
    "ContextLike",
    "Form",
    "Length",
    "LocatedError",
    "NetworkSpec",
    "State",
    "Streaming",
    "Tensor",
    "VoxstackError",
    "addon_schema",
    "combined_schema",
    "file_entry",
    "network_hash",
    "open_addon",
    "parse_context",
    "validate_config",
    "write_zip",
]

_MODULES = {"combined_schema": "editor_schema", "write_zip": "writer"}


def __getattr__(name: str) -> Any:
    """Import what few programs need on first use: zipfile alone takes as long as half of this package."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
