"""The voices that a service offers, as they are on disk now."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from voxstack import Registry, VoxstackError

_LOG = logging.getLogger("voxstack.serve")

Stamp = tuple[int, int, int]
"""Inode, size in bytes and modification time in nanoseconds of the file that changes with an addon."""


class VoiceInfo(NamedTuple):
    """A voice that a service offers. ``languages`` are BCP 47 tags."""

    id: str
    name: str
    languages: tuple[str, ...]
    sample_rate: int
    license: str
    description: str = ""


class Offer(NamedTuple):
    """A voice, what it is opened from, and the JSON Schemas of its controls."""

    info: VoiceInfo
    source: str
    controls: Mapping[str, Any]


class Catalogue:
    """Voices by id: those named, and those in folders of voices, which may come and go.

    An addon.json is read again when it has changed. A voice that cannot be read is left out, with a warning.

    :param names: installed voices; or paths of voices, or of folders that contain voices.
    """

    def __init__(self, names: Sequence[str], registry: Registry) -> None:
        self._names, self._registry = tuple(names), registry
        self._read: dict[Path, tuple[Stamp | None, Offer | None]] = {}
        self._last: dict[str, tuple[Path, Offer]] = {}

    def offers(self) -> dict[str, Offer]:
        """Return the voices by id; of several with one id the first."""
        found: dict[str, tuple[Path, Offer]] = {}
        for source, path in self._sources():
            if (offer := self._offer(source, path)) is not None:
                found.setdefault(offer.info.id, (path, offer))
        self._last = found
        return {name: offer for name, (_, offer) in found.items()}

    def unchanged(self, name: str) -> Offer | None:
        """Return a voice by id, if it is as :meth:`offers` found it, without a look at the others.

        A look at a hundred takes more than 1 ms.
        """
        path, offer = self._last.get(name, (None, None))
        return offer if path is not None and self._read[path][0] == _stamp(path) else None

    def _sources(self) -> Iterator[tuple[str, Path]]:
        for name in self._names:
            path = self._registry.locate(name)[0]
            if path.is_dir() and not (path / "addon.json").exists():
                yield from ((str(entry), entry) for entry in sorted(path.iterdir()) if _is_voice(entry))
            else:
                yield name, path

    def _offer(self, source: str, path: Path) -> Offer | None:
        """Return the voice at a path, or None; the warning that it cannot be read is not repeated."""
        stamp = _stamp(path)
        if path not in self._read or self._read[path][0] != stamp:
            self._read[path] = stamp, _read(source, path)
        return self._read[path][1]


def _is_voice(path: Path) -> bool:
    return path.suffix == ".zip" or (path / "addon.json").exists()


def _stamp(path: Path) -> Stamp | None:
    try:  # each request looks several times, and objects of paths take a third of the time to refuse it
        status = os.stat(f"{path}/addon.json")
    except NotADirectoryError:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read(source: str, path: Path) -> Offer | None:
    from voxstack_addon_spec import open_addon

    try:
        config = open_addon(path).config
    except VoxstackError as error:
        _LOG.warning("%s is left out: %s", source, error)
        return None
    if "stack" not in config:  # it lends networks, and cannot speak
        return None
    name = config["name"]
    languages, text = tuple(config.get("languages", ())), config.get("description", "")
    info = VoiceInfo(name, name, languages, config["sample_rate"], config["license"], text)
    return Offer(info, source, config.get("controls", {}))
