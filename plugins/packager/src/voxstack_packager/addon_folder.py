"""The folder of an addon: its files, its addon.json, and its place on disk, which it takes only when it is complete."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxstack_addon_spec import file_entry, open_addon, validate_config
from voxstack_addon_spec.integrity import FileVersion, file_version
from voxstack_addon_spec.known_valid import is_known, remember
from voxstack_packager.errors import PackagingError
from voxstack_packager.golden_speech import SPEECH
from voxstack_packager.golden_vectors import golden_path

CONFIG = "addon.json"


@contextmanager
def atomic_folder(folder: Path, replace: bool) -> Iterator[Path]:
    """Yield a folder beside ``folder`` that is renamed to it if the block succeeds, and removed otherwise.

    :param replace: replace an addon that is there.
    :raises PackagingError: if ``folder`` exists and may not be replaced.
    """
    if folder.exists() and not (replace and (folder / CONFIG).is_file()):
        foreign = "holds no addon, so it is left alone; choose another folder"
        advice = foreign if replace else "exists; remove it, or replace it: --replace, or replace=True in Python"
        raise PackagingError(str(folder), advice)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        new, old = Path(scratch, "new"), Path(scratch, "old")
        new.mkdir()
        yield new
        try:
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
        except BaseException:  # also when interrupted between the two
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise


def write_config(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Write addon.json with the list of the files and golden vectors in ``folder``, and return it.

    :raises AddonError: if it is invalid.
    """
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / CONFIG]
    files = {path.relative_to(folder).as_posix(): dict(_entry(path, file_version(path.stat()))) for path in paths}
    vectors = {SPEECH, *map(golden_path, config["networks"])}
    complete = {**config, "files": files, "golden": [file for file in files if file in vectors]}
    data = check_config(complete)
    written = folder / f".{CONFIG}"
    written.write_bytes(data)
    written.replace(folder / CONFIG)  # another process may read it
    return complete


def check_config(config: Mapping[str, Any]) -> bytes:
    """Return the content of addon.json; what was valid before is not validated again.

    :raises AddonError: if it is invalid.
    """
    data = (json.dumps(config, indent=1, ensure_ascii=False) + "\n").encode()
    digest = hashlib.sha256(data).hexdigest()
    if not is_known(digest):
        validate_config(config, f"{config['name']}/{CONFIG}")
        remember(digest)
    return data


def verify(folder: Path) -> None:
    """Check a finished addon, every byte of it.

    :raises AddonError: if it is damaged.
    """
    with open_addon(folder) as addon:
        addon.verify()


@functools.lru_cache(maxsize=1000)
def _entry(path: Path, version: FileVersion) -> dict[str, Any]:
    """Return the entry of a file in a version; a folder is listed several times while its addon is made."""
    return file_entry(path)


def copy_files(files: Mapping[str, str | os.PathLike[str] | bytes], folder: Path) -> None:
    """Copy files into the folder of an addon.

    :param files: files, or their content, by their name in the addon.
    :raises PackagingError: if there is no such file, or the name is in use or outside the folder.
    """
    for name, path in files.items():
        target, where = folder / name, f"files[{name!r}]"
        if not isinstance(path, bytes) and not Path(path).is_file():
            raise PackagingError(where, f"there is no file {Path(path)}; correct the path")
        if target.exists() or not target.resolve().is_relative_to(folder.resolve()) or name == CONFIG:
            problem = "is a file that the packager writes, or outside the addon; choose another name"
            raise PackagingError(where, problem)
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(path, bytes):
            target.write_bytes(path)
        else:
            shutil.copyfile(path, target)
