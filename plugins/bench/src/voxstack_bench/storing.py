"""Where the best context of an addon on this machine is kept, and what makes it out of date."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxstack import ContextError
from voxstack_bench.machine import digest, fingerprint

ENVIRONMENT = "VOXSTACK_PLACEMENTS"
FORMAT = 1


def folder() -> Path:
    """Return the folder of the placements of this user: ``$VOXSTACK_PLACEMENTS``, or ``voxstack/placements`` where the system keeps
    the state of programs: ``$XDG_STATE_HOME``, ``~/.local/state`` unless set; on Windows ``%LOCALAPPDATA%``."""
    if given := os.environ.get(ENVIRONMENT):
        return Path(given)
    if os.name == "nt" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "voxstack" / "placements"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "voxstack" / "placements"


def place(name: str, machine: Mapping[str, Any]) -> Path:
    """Return the file for an addon on a machine; a home folder that several machines share has one for each."""
    return folder() / f"{name}.{digest(machine)}.json"


def save(
    config: Mapping[str, Any], context: Mapping[str, Any], told: str, goal: str, figures: Mapping[str, Any]
) -> Path:
    """Keep a context as the best one of an addon on this machine, and return where.

    :param context: as JSON has it.
    :param told: in words, what it is.
    :raises OSError: if it cannot be written.
    """
    machine = fingerprint()
    path = place(config["name"], machine)
    content = {
        "format": FORMAT,
        "addon": {"name": config["name"], "version": config["version"], "sha256": _hash(config)},
        "machine": machine,
        "measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "goal": goal,
        "told": told,
        "figures": dict(figures),
        "context": dict(context),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def stored(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context that was measured to be the best of an addon on this machine, its ``description`` saying what and when.

    :param config: of the addon.
    :raises ContextError: if there is none, or it was measured with another version of the addon, or another machine.
    """
    name = config["name"]
    remedy = f"measure it: voxstack bench {name}"
    machine = fingerprint()
    path = place(name, machine)
    if not path.is_file():
        raise ContextError(f"{name}: the context 'auto' {_missing(name, machine)}; {remedy}")
    kept = _read(path)
    if kept is None:
        raise ContextError(f"{name}: the context 'auto' is kept in {path}, which is damaged; {remedy}")
    if kept["addon"]["sha256"] != _hash(config):
        was, now = kept["addon"]["version"], config["version"]
        changed = f"version {was}, and this is {now}" if was != now else f"another addon.json of version {now}"
        raise ContextError(f"{name}: the context 'auto' was measured with {changed}; {remedy}")
    return {**kept["context"], "description": f"{kept['told']}; measured {kept['measured'][:10]} for {kept['goal']}"}


def _missing(name: str, machine: Mapping[str, Any]) -> str:
    """Why there is no file, from those there are for other machines or runtimes."""
    others = [kept for path in folder().glob(f"{name}.*.json") if (kept := _read(path)) is not None]
    if not others:
        return "has not been measured here"
    was = max(others, key=lambda kept: str(kept["measured"]))["machine"]
    changed = [
        f"{key} {was.get(key)}, now {machine[key]}"
        for key in ("cpu", "cores", "accelerators")
        if was.get(key) != machine[key]
    ]
    versions = {**was.get("versions", {}), **machine["versions"]}
    pairs = [(key, was.get("versions", {}).get(key), machine["versions"].get(key)) for key in sorted(versions)]
    changed += [
        f"{key} {before or 'not installed'}, now {now or 'not installed'}"
        for key, before, now in pairs
        if before != now
    ]
    return f"was measured elsewhere, or before something changed ({'; '.join(changed)})"


def _read(path: Path) -> dict[str, Any] | None:
    """What was kept; None if it is not what :func:`save` writes."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        whole = (
            kept["format"] == FORMAT and isinstance(kept["addon"]["sha256"], str) and isinstance(kept["context"], dict)
        )
        whole = (
            whole
            and all(isinstance(kept[key], str) for key in ("told", "measured", "goal"))
            and isinstance(kept["machine"], dict)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kept if whole and isinstance(kept["addon"].get("version"), str) else None


def _hash(config: Mapping[str, Any]) -> str:
    """Hash of the content of an addon.json, however it is written."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
