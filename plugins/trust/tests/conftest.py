"""A world with keys, addons that they signed, and a policy of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voxstack import Registry
from voxstack_cli.main import main
from voxstack_trust.commands import keygen, sign, trust, verify
from voxstack_trust.keys import PrivateKey
from voxstack_trust.policy import load_policy

COMMANDS = {"keygen": keygen.command, "sign": sign.command, "trust": trust.command, "verify": verify.command}


@pytest.fixture(autouse=True)
def policy_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the policy, which does not exist."""
    for name in ("VOXSTACK_TRUST", "VOXSTACK_KEY_PASSPHRASE", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings" / "voxstack" / "trust.toml"


@pytest.fixture(scope="session")
def acme() -> PrivateKey:
    return PrivateKey.generate("Acme")


@pytest.fixture(scope="session")
def other() -> PrivateKey:
    return PrivateKey.generate("Other")


@pytest.fixture
def policy(policy_file: Path) -> Callable[..., Any]:
    """Write a policy, and return it: its keys are given with the fields of their entries."""

    def write(*keys: tuple[PrivateKey, str], text: str = "") -> Any:
        entries = [f'[[keys]]\nname = "{key.public.comment}"\nkey = "{key.public}"\n{fields}\n' for key, fields in keys]
        policy_file.parent.mkdir(parents=True, exist_ok=True)
        policy_file.write_text("\n".join([text, *entries]), "utf-8")
        return load_policy()

    return write


@pytest.fixture
def voxstack() -> Callable[..., int]:
    """Return a function that runs ``voxstack`` with the commands of this plugin."""
    return lambda *argv: main([str(word) for word in argv], Registry({}), COMMANDS)
