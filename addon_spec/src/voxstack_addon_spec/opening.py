"""The opening of addons, in a folder or a ``.zip``."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.file_names import CONFIG
from voxstack_addon_spec.files import AddonFiles
from voxstack_addon_spec.folder import FolderAddon
from voxstack_addon_spec.integrity import wrap_os_errors

_MODELS = frozenset(
    {".py", ".onnx", ".pt", ".pth", ".pt2", ".ckpt", ".safetensors", ".bin", ".npz", ".gguf", ".tflite"}
)

SUFFIXES = frozenset({".zip", ".json", *_MODELS})
"""Suffixes by which a name is known to be that of a file."""


def open_addon(path: str | os.PathLike[str]) -> AddonFiles:
    """Open the addon in a folder, or in a ``.zip`` of one (its files at the top, or in exactly one top folder).

    Reads and validates addon.json; every other file is checked when it is requested. Nothing is unpickled or executed.

    :raises AddonError: if there is no addon, it is damaged, unsafe or not valid, or it needs a newer voxstack.
    """
    location = os.fspath(path)
    suffix = Path(location).suffix
    if suffix in _MODELS and not Path(location).is_dir():
        command = "pack" if suffix == ".py" else "import"
        advice = f"make one of it: voxstack {command} {location} --out FOLDER"
        raise AddonError(location, f"is a file of a model, and a voice is an addon; {advice}")
    with wrap_os_errors(location):
        mode = Path(location).stat().st_mode
    if stat.S_ISDIR(mode):
        return FolderAddon(location)
    if Path(location).name == CONFIG:
        raise AddonError(location, f"is a file of an addon; open its folder instead: {Path(location).parent}")
    if not stat.S_ISREG(mode):
        advice = "open a folder with an addon.json, or a .zip of one"
        raise AddonError(location, f"is neither a folder nor a file; {advice}")
    from voxstack_addon_spec.archive import ZipAddon  # with zipfile and tempfile; most addons are folders

    return ZipAddon(location)
