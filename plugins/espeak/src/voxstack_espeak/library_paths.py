"""The location of espeak-ng's shared library and data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from voxstack import VoxstackError

LIBRARY_VARIABLE, DATA_VARIABLE = "VOXSTACK_ESPEAK_LIBRARY", "VOXSTACK_ESPEAK_DATA"


class LibraryPaths(NamedTuple):
    """The paths of a shared library of espeak-ng and of its data folder; empty if the library has a default for it.

    A library is code. The user of the process chooses which one runs, so it is not a field of a block, which an addon
    could set.
    """

    library: str
    data: str

    @classmethod
    def find(cls, environment: Mapping[str, str] = os.environ) -> LibraryPaths:
        """Return the paths that the environment names, or else those in the package espeakng-loader.

        ``VOXSTACK_ESPEAK_LIBRARY`` names the library (``system``: the one that the linker of the system finds;
        ``piper``: the one in the package piper-tts), ``VOXSTACK_ESPEAK_DATA`` the folder of its data.

        :raises VoxstackError: if there is no such library; it says what to install or set.
        """
        library = environment.get(LIBRARY_VARIABLE)
        if library == "system":
            return cls(_system_library(), environment.get(DATA_VARIABLE, ""))
        if library == "piper":
            folder = _piper_folder()
            return cls(
                str(folder / "espeakbridge.so"), environment.get(DATA_VARIABLE) or str(folder / "espeak-ng-data")
            )
        if library:
            if not Path(library).is_file():
                raise VoxstackError(
                    f"{LIBRARY_VARIABLE} is {library!r}, which is not a file; set it to the path of espeak-ng's shared "
                    "library, to 'system', or to 'piper'"
                )
            return cls(library, environment.get(DATA_VARIABLE, ""))
        try:
            import espeakng_loader
        except ImportError as error:
            raise VoxstackError(
                f"espeak-ng is not installed; try: pip install espeakng-loader, or set {LIBRARY_VARIABLE}=system"
            ) from error
        return cls(
            espeakng_loader.get_library_path(), environment.get(DATA_VARIABLE) or espeakng_loader.get_data_path()
        )


def _system_library() -> str:
    from ctypes.util import find_library  # may call a compiler

    path = find_library("espeak-ng")
    if path is None:
        raise VoxstackError(
            f"{LIBRARY_VARIABLE} is 'system', but the system has no libespeak-ng; try: apt install libespeak-ng1"
        )
    return path


def _piper_folder() -> Path:
    """Return the folder of the package piper-tts, whose library Python loads as a module."""
    from importlib.util import find_spec

    found = find_spec("piper")
    folders = [Path(folder) for folder in (found.submodule_search_locations or ())] if found else []
    folder = next((folder for folder in folders if (folder / "espeakbridge.so").is_file()), None)
    if folder is None:
        raise VoxstackError(
            f"{LIBRARY_VARIABLE} is 'piper', but piper-tts, which has an espeak-ng of its own, is not installed; try: "
            "pip install piper-tts"
        )
    return folder
