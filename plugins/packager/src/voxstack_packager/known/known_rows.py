"""Golden vectors that were run before in a context of this machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxstack.networks import Context
from voxstack.networks.addon import Addon
from voxstack_addon_spec.user_cache import cache_folder, is_private, keep_newest, make_private
from voxstack_packager.known.software import software_digest

MAX_KNOWN = 2000
"""Rows that are kept; beyond, the older half is forgotten."""


@dataclass(frozen=True)
class KnownRow:
    """The line that the process wrote for a network in a context, if it was the golden output.

    Only processors are known: the drivers of other devices may change without a trace.

    :param path: its file; None if it may not be kept.
    """

    path: Path | None

    @classmethod
    def of(cls, addon: Addon, label: str, name: str, golden: Path) -> KnownRow:
        """Return the row of a network, which may not be there yet."""
        folder = cache_folder("contexts")
        if folder is None or not _on_processor(addon.context):
            return cls(None)
        parts = [software_digest(), label, repr(addon.context), name, addon.networks[name].digest]
        parts.append(hashlib.sha256(golden.read_bytes()).hexdigest())
        return cls(folder / hashlib.sha256(json.dumps(parts).encode()).hexdigest())

    def read(self) -> dict[str, Any] | None:
        """Return the row; None if it is not there, or damaged."""
        if self.path is None:
            return None
        with contextlib.suppress(OSError, ValueError):
            if is_private(self.path.parent):
                row = json.loads(self.path.read_text("utf-8"))
                return row if isinstance(row, dict) and row.get("passed") is True else None
        return None

    def write(self, row: dict[str, Any]) -> None:
        """Keep a row that passed; where nothing can be written, the golden vectors run again the next time."""
        if self.path is None or not row["passed"]:
            return
        with contextlib.suppress(OSError):
            if make_private(self.path.parent):
                written = self.path.with_suffix(f".{os.getpid()}")
                written.write_text(json.dumps(row), "utf-8")
                written.replace(self.path)
                keep_newest(self.path.parent, MAX_KNOWN)


def _on_processor(context: Context) -> bool:
    return context.device.lower() == "cpu" and all(_on_processor(other) for other in context.networks.values())
