"""Storage of the best context of an addon on this machine, and the checks that it is still valid."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxstack import ContextError
from voxstack_bench.complete_file import write_complete_file
from voxstack_bench.machine import digest, fingerprint

ENVIRONMENT = "VOXSTACK_PLACEMENTS"
FORMAT = 1


def store_folder() -> Path:
    """Return the folder of this user's placements.

    ``$VOXSTACK_PLACEMENTS``, or ``voxstack/placements`` where the system stores the state of programs:
    ``$XDG_STATE_HOME`` (default: ``~/.local/state``), on Windows ``%LOCALAPPDATA%``.
    """
    if folder := os.environ.get(ENVIRONMENT):
        return Path(folder)
    if os.name == "nt" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "voxstack" / "placements"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "voxstack" / "placements"


def store_file(name: str, machine: Mapping[str, Any]) -> Path:
    """Return the file for an addon on a machine. Machines that share a home folder have one each."""
    return store_folder() / f"{name}.{digest(machine)}.json"


def save(
    config: Mapping[str, Any], context: Mapping[str, Any], description: str, goal: str, figures: Mapping[str, Any]
) -> Path:
    """Store the best context of an addon on this machine, and return the file.

    :param config: of the addon.
    :param context: as JSON.
    :param description: of the context, for people.
    :raises RequestError: if the file cannot be written, or OSError if its folder cannot be made.
    """
    machine = fingerprint()
    path = store_file(config["name"], machine)
    content = {
        "format": FORMAT,
        "addon": {"name": config["name"], "version": config["version"], "sha256": _hash(config)},
        "machine": machine,
        "measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "goal": goal,
        "told": description,
        "figures": dict(figures),
        "context": dict(context),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_complete_file(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return path


def load(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored context of an addon on this machine; its ``description`` names the placement and the day.

    :param config: of the addon.
    :raises ContextError: if none is stored, the file is damaged, or the addon or the machine has changed since.
    """
    name = config["name"]
    remedy = f"measure it: voxstack bench {name}"
    machine = fingerprint()
    path = store_file(name, machine)
    if not path.is_file():
        raise ContextError(f"{name}: the context 'auto' {_explain_missing(name, machine)}; {remedy}")
    stored = _read(path)
    if stored is None:
        raise ContextError(f"{name}: the context 'auto' is stored in {path}, which is damaged; {remedy}")
    if stored["addon"]["sha256"] != _hash(config):
        before, now = stored["addon"]["version"], config["version"]
        changed = f"version {before}, and this is {now}" if before != now else f"another addon.json of version {now}"
        raise ContextError(f"{name}: the context 'auto' was measured with {changed}; {remedy}")
    description = f"{stored['told']}; measured {stored['measured'][:10]} for {stored['goal']}"
    return {**stored["context"], "description": description}


def _explain_missing(name: str, machine: Mapping[str, Any]) -> str:
    """Return why there is no file, judging by the files for other machines or runtimes."""
    others = [stored for path in store_folder().glob(f"{name}.*.json") if (stored := _read(path)) is not None]
    if not others:
        return "has not been measured here"
    latest = max(others, key=lambda stored: str(stored["measured"]))["machine"]
    changes = [
        f"{key} {latest.get(key)}, now {machine[key]}"
        for key in ("cpu", "cores", "accelerators")
        if latest.get(key) != machine[key]
    ]
    before, now = latest.get("versions", {}), machine["versions"]
    changes += [
        f"{key} {before.get(key) or 'not installed'}, now {now.get(key) or 'not installed'}"
        for key in sorted({**before, **now})
        if before.get(key) != now.get(key)
    ]
    return f"was measured elsewhere, or before something changed ({'; '.join(changes)})"


def _read(path: Path) -> dict[str, Any] | None:
    """Return the content of a file, or None if it is not one that :func:`save` writes."""
    try:
        stored: dict[str, Any] = json.loads(path.read_text("utf-8"))
        valid = (
            stored["format"] == FORMAT
            and isinstance(stored["addon"]["sha256"], str)
            and isinstance(stored["addon"].get("version"), str)
            and isinstance(stored["context"], dict)
            and isinstance(stored["machine"], dict)
            and all(isinstance(stored[key], str) for key in ("told", "measured", "goal"))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stored if valid else None


def _hash(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an addon.json, independent of its formatting and the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
