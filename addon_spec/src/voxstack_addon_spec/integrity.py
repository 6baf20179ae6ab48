"""Sizes and hashes: what an addon says of its files, and whether it is so."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from voxstack_addon_spec.errors import AddonError
from voxstack_addon_spec.wording import at, did_you_mean

PIECE = 1024 * 1024  # bytes read at a time


@contextmanager
def system_errors(where: str) -> Iterator[None]:
    """Turn what the operating system refuses into an AddonError, the cause kept."""
    try:
        yield
    except FileNotFoundError as error:
        raise AddonError(where, "no such file or folder; check the path, or get the addon again") from error
    except PermissionError as error:
        raise AddonError(where, "permission denied; give this user the right to it") from error
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in a path; RuntimeError: links in a circle
        raise AddonError(where, f"cannot be read or written ({error}); check the path and the disk") from error


def file_entry(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return ``{"sha256": ..., "size": ...}`` of a file, as ``files`` of an addon.json lists it.

    :raises AddonError: the file cannot be read.
    """
    with system_errors(os.fspath(path)), Path(path).open("rb") as stream:
        digest, size = hashlib.sha256(), 0
        while piece := stream.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return {"sha256": digest.hexdigest(), "size": size}


def size_checked(size: int, entry: Mapping[str, Any], where: str) -> None:
    """Raise AddonError unless a file of ``size`` bytes has the size that its entry tells."""
    if size != entry["size"]:
        raise AddonError(
            where,
            f"has {size} bytes where addon.json says {entry['size']}; get the addon again, or, if you changed the file, list it anew",
        )


def checked_pieces(stream: IO[bytes], entry: Mapping[str, Any], where: str) -> Iterator[bytes]:
    """Yield the content of a stream in pieces of at most 1 MiB, never more than its entry tells.

    What was yielded may be used only once the iterator has ended without an error.

    :raises AddonError: size or hash differ from the entry's.
    """
    digest, got = hashlib.sha256(), 0
    while piece := stream.read(
        min(PIECE, entry["size"] - got + 1)
    ):  # one byte more than there may be shows what is too long
        got += len(piece)
        if got > entry["size"]:
            raise AddonError(
                where, f"is longer than the {entry['size']} bytes that addon.json says; get the addon again"
            )
        digest.update(piece)
        yield piece
    size_checked(got, entry, where)
    if digest.hexdigest() != entry["sha256"]:
        raise AddonError(
            where,
            f"has sha256 {digest.hexdigest()[:12]}... where addon.json says {entry['sha256'][:12]}...; "
            "get the addon again, or, if you changed the file, list it anew",
        )


def network_hash(config: Mapping[str, Any], name: str) -> str:
    """Return the content hash of one of an addon's own networks: 64 hex digits, the same wherever the network is the same.

    It covers role, inputs, outputs, streaming, autoregressive, lengths, and format and content of every export in their order, of
    the network and of its stateful form; not the names of network and files, nor description and measurements. Networks of one hash
    can be one network in memory, and a borrowing addon names it.

    :param config: a valid config.
    :raises AddonError: no such network, or a borrowed one.
    """
    where = str(config["name"])
    networks = config["networks"]
    if name not in networks:
        raise AddonError(
            at(where, "networks"), f"no network {name!r}" + did_you_mean(name, networks, "name one that is there")
        )
    spec = networks[name]
    if "addon" in spec:
        raise AddonError(
            at(where, "networks", name),
            f"is borrowed; take the hash from addon {spec['addon']!r}, which has the network",
        )
    content = _content(spec, config["files"])
    if "stateful" in spec:
        content["stateful"] = _content(spec["stateful"], config["files"])
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def _content(spec: Mapping[str, Any], files: Mapping[str, Any]) -> dict[str, Any]:
    content = {
        key: spec[key] for key in ("role", "inputs", "outputs", "streaming", "autoregressive", "lengths") if key in spec
    }
    content["exports"] = [
        {key: value if key == "format" else files[value]["sha256"] for key, value in export.items()}
        for export in spec["exports"]
    ]
    return content
