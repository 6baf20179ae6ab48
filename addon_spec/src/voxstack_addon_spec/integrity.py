"""Sizes and hashes of an addon's files and networks, and the check that files have them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.wording import did_you_mean, with_path

CHUNK_SIZE = 1024 * 1024  # bytes read at a time
FRESH_COPY = "get a fresh copy of the addon"
CHANGED_FILE = f"{FRESH_COPY} or, if you changed the file, update its entry in files"


@contextmanager
def wrap_os_errors(where: str) -> Iterator[None]:
    """Raise errors of the operating system as AddonErrors at ``where``, with the original error as their cause."""
    try:
        yield
    except FileNotFoundError as error:
        raise AddonError(where, f"no such file or folder; check the path, or {FRESH_COPY}") from error
    except PermissionError as error:
        raise AddonError(where, "permission denied; grant this user access to it") from error
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in a path; RuntimeError: a loop of links
        reason = getattr(error, "strerror", None) or error  # without the name of a file that is written beside it
        raise AddonError(where, f"cannot be read or written ({reason}); check the path and the disk") from error


FileVersion = tuple[int, int, int, int, int]
"""What changes when a file is replaced or written to, the process that sets its time of modification back."""


def file_version(status: os.stat_result) -> FileVersion:
    """Return the version of a file."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def file_entry(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return ``{"sha256": ..., "size": ...}`` of a file, as ``files`` of an addon.json lists it.

    :raises AddonError: if the file cannot be read.
    """
    with wrap_os_errors(os.fspath(path)), Path(path).open("rb") as stream:
        digest, size = hashlib.sha256(), 0
        while chunk := stream.read(CHUNK_SIZE):
            digest.update(chunk)
            size += len(chunk)
    return {"sha256": digest.hexdigest(), "size": size}


def check_size(size: int, entry: Mapping[str, Any], where: str) -> None:
    """Check that a file of ``size`` bytes has the size in its entry.

    :raises AddonError: if the sizes differ.
    """
    if size != entry["size"]:
        raise AddonError(where, f"has {size} bytes, but addon.json lists {entry['size']}; {CHANGED_FILE}")


def checked_chunks(stream: IO[bytes], entry: Mapping[str, Any], where: str) -> Iterator[bytes]:
    """Yield the content of a stream in chunks of at most 1 MiB, and never more than the size in its entry.

    The chunks may be used only after the iterator has ended without an error.

    :raises AddonError: if size or hash differ from those in the entry.
    """
    size: int = entry["size"]
    digest, received = hashlib.sha256(), 0
    while chunk := stream.read(min(CHUNK_SIZE, size - received + 1)):  # one byte more detects a file that is too long
        received += len(chunk)
        if received > size:
            raise AddonError(where, f"has more than the {size} bytes that addon.json lists; {FRESH_COPY}")
        digest.update(chunk)
        yield chunk
    check_size(received, entry, where)
    if digest.hexdigest() != entry["sha256"]:
        problem = f"has sha256 {digest.hexdigest()[:12]}..., but addon.json lists {entry['sha256'][:12]}..."
        raise AddonError(where, f"{problem}; {CHANGED_FILE}")


def network_hash(config: Mapping[str, Any], name: str) -> str:
    """Return the content hash of one of an addon's own networks: 64 hex digits, equal for equal networks of all addons.

    It covers role, inputs, outputs, streaming, autoregressive, lengths, the content of initial states, and format and
    content of every export in order, of the network and of its stateful form. It does not cover the names of the
    network and its files, descriptions and measurements. Networks with the same hash can be one network in memory; an
    addon that borrows a network states its hash.

    :param config: a valid config.
    :raises AddonError: if the addon has no network of this name, or borrows it.
    """
    where = str(config["name"])
    networks = config["networks"]
    if name not in networks:
        problem = f"no network {name!r}" + did_you_mean(name, networks, "name one of the addon's networks")
        raise AddonError(with_path(where, "networks"), problem)
    spec = networks[name]
    if "addon" in spec:
        problem = f"is borrowed; take the hash from addon {spec['addon']!r}, which has the network"
        raise AddonError(with_path(where, "networks", name), problem)
    content = _hashed_content(spec, config["files"])
    if "stateful" in spec:
        content["stateful"] = _hashed_content(spec["stateful"], config["files"])
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _hashed_content(spec: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    content = {
        key: spec[key] for key in ("role", "inputs", "outputs", "streaming", "autoregressive", "lengths") if key in spec
    }
    for key in ("streaming", "autoregressive"):
        if key in content and "states" in content[key]:
            states = {name: _hashed_state(state, files) for name, state in content[key]["states"].items()}
            content[key] = {**content[key], "states": states}
    content["exports"] = [
        {key: value if key == "format" else files[value]["sha256"] for key, value in export.items()}
        for export in spec["exports"]
    ]
    return content


def _hashed_state(state: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with the hash of its initial value in place of the name of its file."""
    return {key: files[value]["sha256"] if key == "initial" else value for key, value in state.items()}
