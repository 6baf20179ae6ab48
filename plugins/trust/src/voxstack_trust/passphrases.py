"""The passphrase of a private key: from the environment or a terminal."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from voxstack_trust.errors import TrustError, read_small_file
from voxstack_trust.keys import is_encrypted

ENVIRONMENT = "VOXSTACK_KEY_PASSPHRASE"


def new_passphrase(path: Path) -> bytes:
    """Return a passphrase for a new key, typed twice unless it is in the environment.

    :raises TrustError: if there is no terminal, or what is typed differs or is empty.
    """
    if found := os.environ.get(ENVIRONMENT):
        return found.encode()
    first = _ask(path, f"Passphrase for {path}: ")
    if not first or first != _ask(path, "Again: "):
        raise TrustError(str(path), "the two passphrases differ or are empty; try again, or use --no-passphrase")
    return first.encode()


def passphrase_of(path: Path) -> bytes | None:
    """Return the passphrase of an existing key; None if it needs none.

    :raises TrustError: if the key cannot be read, or there is no terminal.
    """
    if not is_encrypted(read_small_file(path, "make a key with: voxstack keygen NAME")):
        return None
    found = os.environ.get(ENVIRONMENT)
    return (found if found else _ask(path, f"Passphrase of {path}: ")).encode()


def _ask(path: Path, prompt: str) -> str:
    if not sys.stdin.isatty():
        raise TrustError(str(path), f"there is no terminal to enter the passphrase; set {ENVIRONMENT}")
    return getpass.getpass(prompt)
