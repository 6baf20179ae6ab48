"""Changes of a policy's file, which keep everything else in it as it is."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

from voxstack_trust.errors import TrustError
from voxstack_trust.policy import ANY, Policy, TrustedKey, load_policy, policy_path

HEADER = """\
# Whom voxstack trusts to make addons.
# Addons that none of these keys has signed: "allow", "warn" or "refuse".
unsigned = "warn"
"""
ENTRY = re.compile(r"^\[\[ *keys *\]\].*\n?", re.MULTILINE)


def add_key(key: TrustedKey, chosen: str | None = None) -> Path:
    """Add a key to the policy, and return the policy's path. Its file is created if necessary.

    :raises TrustError: if the policy is invalid, or has a key of this name.
    """
    path = policy_path(chosen)
    policy = load_policy(chosen) if os.path.lexists(path) else Policy(str(path))
    assert policy is not None
    if any(entry.name == key.name for entry in policy.keys):
        raise TrustError(policy.location, f"has a key named {key.name!r}; remove it first, or use another --name")
    text = path.read_text("utf-8-sig") if os.path.lexists(path) else HEADER
    _write(path, text.rstrip("\n") + "\n" + _entry(key), Policy(policy.location, (*policy.keys, key), policy.unsigned))
    return path


def remove_key(name: str, chosen: str | None = None) -> Path:
    """Remove a key from the policy, and return the policy's path.

    :raises TrustError: if the policy is missing or invalid, or has no key of this name.
    """
    path = policy_path(chosen)
    policy = load_policy(str(path))
    assert policy is not None
    names = [entry.name for entry in policy.keys]
    if name not in names:
        known = ", ".join(map(repr, names)) or "none"
        raise TrustError(policy.location, f"has no key named {name!r}; its keys: {known}")
    index = names.index(name)
    text = path.read_text("utf-8-sig")
    starts = [found.start() for found in ENTRY.finditer(text)] + [len(text)]
    rest = Policy(policy.location, policy.keys[:index] + policy.keys[index + 1 :], policy.unsigned)
    if len(starts) != len(names) + 1:
        raise TrustError(policy.location, f"is written in another style; remove the key {name!r} in an editor")
    _write(path, text[: starts[index]] + text[starts[index + 1] :], rest)
    return path


def _entry(key: TrustedKey) -> str:
    lines = ["", "[[keys]]", f"name = {_toml(key.name)}", f"key = {_toml(str(key.key))}"]
    if key.addons != ANY:
        lines.append(f"addons = [{', '.join(map(_toml, key.addons))}]")
    lines.append(f"code = {str(key.code).lower()}")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """Return printable text as a TOML string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _write(path: Path, text: str, expected: Policy) -> None:
    """Write a policy, once it is found to be the expected one: no key is trusted or forgotten by accident."""
    try:
        found = Policy.parse(text, expected.location)
    except TrustError:
        found = None
    if found != expected:
        raise TrustError(expected.location, "is written in another style; change it in an editor")
    target = path.resolve()  # a link stays one
    partial = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, "utf-8")
        with contextlib.suppress(FileNotFoundError):
            partial.chmod(target.stat().st_mode)
        partial.replace(target)
    except OSError as error:
        raise TrustError(expected.location, f"cannot be written: {error.strerror}; check its folder") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
