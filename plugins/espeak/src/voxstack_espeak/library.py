"""Where espeak-ng's library is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from voxstack import VoxstackError

PATH, DATA = "VOXSTACK_ESPEAK_LIBRARY", "VOXSTACK_ESPEAK_DATA"


class Library(NamedTuple):
    """A shared library of espeak-ng and the folder of its data, which may be empty where the library knows it itself.

    A library is code. Which one runs is for whoever runs the process to say, so it is no field of a block, which an addon could set.
    """

    path: str
    data: str

    @classmethod
    def found(cls, environment: Mapping[str, str] = os.environ) -> Library:
        """What ``VOXSTACK_ESPEAK_LIBRARY`` and ``VOXSTACK_ESPEAK_DATA`` name (``system``: the one that the system's linker finds),
        or the one in the package espeakng-loader.

        :raises VoxstackError: saying what to install or set.
        """
        named = environment.get(PATH)
        if named == "system":
            return cls(_of_the_system(), environment.get(DATA, ""))
        if named:
            if not Path(named).is_file():
                raise VoxstackError(
                    f"{PATH} is {named!r}, which is no file; name espeak-ng's shared library, or say 'system'"
                )
            return cls(named, environment.get(DATA, ""))
        try:
            import espeakng_loader
        except ImportError as error:
            raise VoxstackError(
                f"espeak-ng is not there; try: pip install espeakng-loader, or set {PATH}=system"
            ) from error
        return cls(espeakng_loader.get_library_path(), environment.get(DATA) or espeakng_loader.get_data_path())


def _of_the_system() -> str:
    from ctypes.util import find_library  # may call a compiler

    path = find_library("espeak-ng")
    if path is None:
        raise VoxstackError(f"{PATH} is 'system', and the system has no libespeak-ng; try: apt install libespeak-ng1")
    return path
