"""Writes an addon folder as one ``.zip``."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from voxstack_addon_spec.archive import MAX_FILE, MAX_MEMBERS, MAX_TOTAL, SMALL
from voxstack_addon_spec.contents import open_addon
from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.integrity import system_errors
from voxstack_addon_spec.names import CONFIG

DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell


def write_zip(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """Write the addon in ``folder`` as a ``.zip`` to ``path``, whose folder exists, and return that path.

    The addon is verified; the same content gives the same zip: addon.json first, then the names in order, no dates.
    Files above 1 MiB are stored as they are, for weights hardly pack and load faster so.

    :raises AddonError: the addon is not what it says (see :meth:`AddonFiles.verify`), is larger than a zip may be, or
        the zip cannot be written. What was at ``path`` before is then still there.
    """
    root, target = Path(folder), Path(path)
    with open_addon(root) as addon, system_errors(str(target)):
        if not root.is_dir():
            raise AddonError(addon.location, "is a zip already; copy it")
        if target.resolve().is_relative_to(root.resolve()):
            raise AddonError(str(target), "lies in the addon that it is made of; write it elsewhere")
        files = addon.config["files"]
        _check_limits(files, addon.location)
        addon.verify()
        partial = target.with_name(f"{target.name}.partial")
        try:
            with zipfile.ZipFile(partial, "w") as archive:
                _add(archive, CONFIG, (root / CONFIG).stat().st_size, [(root / CONFIG).read_bytes()])
                for name in sorted(files):
                    _add(archive, name, files[name]["size"], addon.pieces(name))
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target


def _check_limits(files: Mapping[str, Any], location: str) -> None:
    sizes = [entry["size"] for entry in files.values()]
    if len(sizes) >= MAX_MEMBERS or sum(sizes) > MAX_TOTAL or max(sizes, default=0) > MAX_FILE:
        raise AddonError(
            location,
            f"too large for a zip (at most {MAX_MEMBERS} files, {MAX_FILE} bytes a file, {MAX_TOTAL} bytes in all); keep it a folder",
        )


def _add(archive: zipfile.ZipFile, name: str, size: int, pieces: Iterable[bytes]) -> None:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED if size <= SMALL else zipfile.ZIP_STORED
    info.create_system = 3  # what the permissions mean, and the same on every system
    info.external_attr = 0o100644 << 16
    info.file_size = size
    with archive.open(info, "w") as stream:
        for piece in pieces:
            stream.write(piece)
