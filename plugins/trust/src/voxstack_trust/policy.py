"""The policy: whose addons may be opened, and whose may run code."""

from __future__ import annotations

import functools
import logging
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from voxstack_addon_spec import AddonError, AddonFiles
from voxstack_addon_spec.wording import did_you_mean, short_repr
from voxstack_trust.errors import TrustError, read_small_text
from voxstack_trust.keys import PublicKey, checked_comment
from voxstack_trust.signature import Signature

ENVIRONMENT = "VOXSTACK_TRUST"
ACTIONS = ("allow", "warn", "refuse")
POLICY_KEYS = ("unsigned", "keys")
ENTRY_KEYS = ("name", "key", "addons", "code")
ANY = ("*",)
_LOG = logging.getLogger("voxstack.trust")


@dataclass(frozen=True)
class TrustedKey:
    """A key that a policy trusts.

    :param name: of its owner, for people.
    :param addons: patterns of the names of addons for which it is trusted, such as ``acme-*``.
    :param code: whether its addons may run code, as with ``trust=True``.
    """

    name: str
    key: PublicKey
    addons: tuple[str, ...] = ANY
    code: bool = False

    def covers(self, addon: str) -> bool:
        """Return whether the key is trusted for an addon of this name."""
        return any(fnmatchcase(addon, pattern) for pattern in self.addons)


class Finding(NamedTuple):
    """Who signed an addon.

    ``signer`` is the trusted key that signed it, or None; ``problem`` is then why no trusted key did.
    """

    signature: Signature | None
    signer: TrustedKey | None
    problem: str


@dataclass(frozen=True)
class Policy:
    """A policy.

    :param location: its file, for errors.
    :param unsigned: ``allow``, ``warn`` or ``refuse`` addons that no trusted key has signed.
    """

    location: str
    keys: tuple[TrustedKey, ...] = ()
    unsigned: str = "warn"

    @classmethod
    def parse(cls, text: str, location: str) -> Policy:
        """Return the policy in a TOML file.

        :raises TrustError: if it is not one.
        """
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise TrustError(location, f"not TOML ({error}); correct it there") from error
        _check_keys(content, POLICY_KEYS, location)
        unsigned = content.get("unsigned", cls.unsigned)
        if unsigned not in ACTIONS:
            advice = f"write one of: {', '.join(ACTIONS)}"
            raise TrustError(f"{location}: unsigned", f"{short_repr(unsigned)} is unknown; {advice}")
        rows = content.get("keys", [])
        if not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
            raise TrustError(f"{location}: keys", "is not a list of tables; begin each key with a line [[keys]]")
        keys = tuple(_trusted_key(row, f"{location}: keys[{index}]") for index, row in enumerate(rows))
        return cls(location, keys, unsigned)

    def check(self, files: AddonFiles) -> bool | None:
        """Return True if the code of an addon may run, and None if the addon may be opened without it.

        :raises AddonError: if the policy refuses the addon, or the signature of a trusted key is wrong.
        """
        finding = find_signer(files, self.keys)
        if finding.signer is not None:
            return finding.signer.code or None
        if self.unsigned == "refuse":
            advice = "get it from somebody you trust, or trust its signer: voxstack trust add KEY"
            raise AddonError(files.location, f"{finding.problem}, and {self.location} refuses such addons; {advice}")
        if self.unsigned == "warn":
            _warn(f"{files.location}: {finding.problem} ({self.location})")
        return None


def find_signer(files: AddonFiles, keys: Iterable[TrustedKey]) -> Finding:
    """Find the trusted key that signed an addon. One that may run code is preferred.

    A key that is not trusted proves as much as no signature: anybody can make one, or remove one.

    :raises AddonError: if the signature names a trusted key and is wrong, or is no signature.
    """
    signature = Signature.read(files)
    if signature is None:
        return Finding(None, None, "is not signed")
    named = [entry for entry in keys if entry.key.id == signature.key]
    if not named:
        return Finding(signature, None, f"is signed by key {signature.key}, which is not trusted here")
    signature.check(files, named[0].key)
    covering = [entry for entry in named if entry.covers(signature.addon)]
    if not covering:
        addons = ", ".join(pattern for entry in named for pattern in entry.addons)
        by = f"is signed by {named[0].name!r} (key {signature.key})"
        return Finding(signature, None, f"{by}, who is trusted only for addons named {addons}")
    return Finding(signature, max(covering, key=lambda entry: entry.code), "")


def policy_path(chosen: str | None = None) -> Path:
    """Return the path of the policy, which need not exist.

    ``chosen``, or ``$VOXSTACK_TRUST``, or ``voxstack/trust.toml`` where the system stores the settings of programs:
    ``$XDG_CONFIG_HOME`` (default: ``~/.config``), on Windows ``%APPDATA%``.
    """
    if path := chosen or os.environ.get(ENVIRONMENT):
        return Path(path)
    if os.name == "nt" and (settings := os.environ.get("APPDATA")):
        return Path(settings) / "voxstack" / "trust.toml"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "voxstack" / "trust.toml"


def load_policy(chosen: str | None = None) -> Policy | None:
    """Return the policy in the file of :func:`policy_path`; None if it does not exist and was not named.

    It is read again each time, so that a change takes effect in programs that are running.

    :raises TrustError: if it is invalid, or missing although it was named.
    """
    path = policy_path(chosen)
    if not (chosen or os.environ.get(ENVIRONMENT) or os.path.lexists(path)):
        return None
    text = read_small_text(path, f"write a policy there, or correct the path ({ENVIRONMENT})")
    return Policy.parse(text, str(path))


def _trusted_key(row: Mapping[str, Any], where: str) -> TrustedKey:
    _check_keys(row, ENTRY_KEYS, where)
    for name in ("name", "key"):
        if not (isinstance(row.get(name), str) and row[name].strip()):
            raise TrustError(f"{where}.{name}", "is missing or not text; write it in quotation marks")
    addons = row.get("addons", list(ANY))
    if not (isinstance(addons, list) and addons and all(isinstance(item, str) for item in addons)):
        problem = f"{short_repr(addons)} is not a list of patterns"
        raise TrustError(f"{where}.addons", f'{problem}; write it as ["acme-*"], or leave it out')
    code = row.get("code", False)
    if not isinstance(code, bool):
        raise TrustError(f"{where}.code", f"{short_repr(code)} is neither true nor false; write one of them")
    name = checked_comment(row["name"], f"{where}.name")
    return TrustedKey(name, PublicKey.parse(row["key"], f"{where}.key"), tuple(addons), code)


def _check_keys(found: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in found:
        if name not in known:
            advice = did_you_mean(name, known, f"use {', '.join(known)}")
            raise TrustError(where, f"unknown key {short_repr(name)}{advice}")


@functools.lru_cache(maxsize=1024)
def _warn(message: str) -> None:
    """Log a warning, once per process: one program may open an addon many times."""
    _LOG.warning(message)
