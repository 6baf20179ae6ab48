"""The names of espeak-ng's voices."""

from __future__ import annotations

import os
from collections.abc import Iterable

from voxstack import StackError, did_you_mean
from voxstack_addon_spec.integrity import file_version
from voxstack_addon_spec.known_valid import is_known, remember
from voxstack_espeak.library_paths import LibraryPaths
from voxstack_espeak.process_pool import ProcessPool


def check_voice(pool: ProcessPool, voice: str, path: str) -> int:
    """Return the sample rate of a voice, Hz.

    :param path: path of the block, for the error.
    :raises StackError: if espeak-ng has no such voice.
    """
    *_, reply = pool.run({"do": "check", "voice": voice})
    result = reply.json()
    if "voices" in result:
        raise StackError(path, unknown_voice(voice, result["voices"]))
    rate: int = result["sample_rate"]
    return rate


def prepare_voice(pool: ProcessPool, paths: LibraryPaths, voice: str, path: str) -> None:
    """Start a process, and check that espeak-ng has a voice; one that this library had before is not checked again.

    :raises StackError: as for :func:`check_voice`.
    """
    name = _checked_name(paths, voice)
    if name is not None and is_known(name):
        pool.prepare()  # it starts while networks are opened
        return
    check_voice(pool, voice, path)
    if name is not None:
        remember(name)


def _checked_name(paths: LibraryPaths, voice: str) -> str | None:
    """Return the name of a voice of this version of the library and of its data; None if they are the system's."""
    try:
        versions = [file_version(os.stat(path)) for path in paths]
    except OSError:
        return None
    return f"espeak-ng {paths} {versions} {voice}"


def unknown_voice(voice: str, known: Iterable[str]) -> str:
    """Return an error message for a voice that is not among the known ones, with those to choose from."""
    names = set(known)
    plain, _, variant = voice.partition("+")
    variants = {name for name in names if name.startswith("+")}
    if plain in names and variant:
        suggestion = did_you_mean("+" + variant, variants)
        return f"espeak-ng has no variant '+{variant}'{suggestion}; it has {', '.join(sorted(variants))}"
    languages = sorted(name for name in names - variants if name.islower() and "/" not in name)
    suggestion = did_you_mean(plain, names - variants)
    return f"espeak-ng has no voice {plain!r}{suggestion}; it has {', '.join(languages)}"
