"""The addon format of voxstack: its schema, and the reader that validates and verifies."""

from __future__ import annotations

from voxstack_addon_spec.contents import AddonFiles, open_addon
from voxstack_addon_spec.editor import combined_schema
from voxstack_addon_spec.errors import AddonError, VoxstackError
from voxstack_addon_spec.integrity import file_entry, network_hash
from voxstack_addon_spec.validation import SPEC_VERSION, addon_schema, validate_config
from voxstack_addon_spec.writer import write_zip

__all__ = [
    "SPEC_VERSION",
    "AddonError",
    "AddonFiles",
    "VoxstackError",
    "addon_schema",
    "combined_schema",
    "file_entry",
    "network_hash",
    "open_addon",
    "validate_config",
    "write_zip",
]
