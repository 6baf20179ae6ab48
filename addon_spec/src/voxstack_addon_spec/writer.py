"""The writer of ``.zip`` files from addon folders."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from voxstack_addon_spec.archive import MAX_FILE, MAX_MEMBERS, MAX_TOTAL, SMALL
from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.file_names import CONFIG, SIGNATURE
from voxstack_addon_spec.integrity import wrap_os_errors
from voxstack_addon_spec.opening import open_addon

DATE = (1980, 1, 1, 0, 0, 0)  # the earliest date that a zip can hold


def write_zip(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> Path:
    """Verify the addon in ``folder``, write it as a ``.zip`` to ``path``, whose parent exists, and return that path.

    The same content gives the same zip: addon.json and its signature first, then the other files by name, no
    dates. Files above 1 MiB are stored uncompressed: weights hardly compress, and load faster that way.

    :raises AddonError: if the addon is not valid (see :meth:`AddonFiles.verify`) or larger than a zip may be, or the
        zip cannot be written. A previous file at ``path`` is then unchanged.
    """
    root, target = Path(folder), Path(path)
    with open_addon(root) as addon, wrap_os_errors(str(target)):
        if not root.is_dir():
            raise AddonError(addon.location, "is a zip already; copy it")
        if target.resolve().is_relative_to(root.resolve()):
            raise AddonError(str(target), "lies inside the addon's own folder; write it elsewhere")
        files = addon.config["files"]
        _check_limits(files, addon.location)
        addon.verify()
        partial = target.with_name(f"{target.name}.partial")
        try:
            with zipfile.ZipFile(partial, "w") as archive:
                _add(archive, CONFIG, (root / CONFIG).stat().st_size, [(root / CONFIG).read_bytes()])
                if (signature := addon.signature()) is not None:
                    _add(archive, SIGNATURE, len(signature), [signature])
                for name in sorted(files):
                    _add(archive, name, files[name]["size"], addon.chunks(name))
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return target


def _check_limits(files: Mapping[str, Any], location: str) -> None:
    sizes = [entry["size"] for entry in files.values()]
    members = len(sizes) + len((CONFIG, SIGNATURE))
    if members > MAX_MEMBERS or sum(sizes) > MAX_TOTAL or max(sizes, default=0) > MAX_FILE:
        limits = f"at most {MAX_MEMBERS} files, {MAX_FILE} bytes per file, {MAX_TOTAL} bytes in all"
        raise AddonError(location, f"too large for a zip ({limits}); distribute the folder instead")


def _add(archive: zipfile.ZipFile, name: str, size: int, chunks: Iterable[bytes]) -> None:
    info = zipfile.ZipInfo(name, DATE)
    info.compress_type = zipfile.ZIP_DEFLATED if size <= SMALL else zipfile.ZIP_STORED
    info.create_system = 3  # Unix, whatever the system: the permissions below are Unix permissions
    info.external_attr = 0o100644 << 16
    info.file_size = size
    with archive.open(info, "w") as stream:
        for chunk in chunks:
            stream.write(chunk)
