"""The commands, from making a key to refusing an addon."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import plugin

from voxstack import Registry
from voxstack_addon_spec import write_zip
from voxstack_cli.main import main
from voxstack_trust import passphrases
from voxstack_trust.commands import sign, verify
from voxstack_trust.keys import PrivateKey
from voxstack_trust.policy import load_policy

Run = Callable[..., int]
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_from_a_key_to_a_verified_addon(voxstack: Run, write_addon: Write, capsys: Any, policy_file: Path) -> None:
    folder = write_addon()
    assert voxstack("keygen", "keys", "--comment", "Acme", "--no-passphrase") == 0
    line = Path("keys.pub").read_text().strip()
    assert f"voxstack trust add '{line}'" in capsys.readouterr().out
    assert voxstack("sign", folder, "--key", "keys.key", "--comment", "first release") == 0
    identity = PrivateKey.read(Path("keys.key"), None).public.id
    assert capsys.readouterr().out == f"signed  {folder}: tiny 1, by key {identity}\n"

    assert voxstack("verify", folder) == 1
    assert f"is signed by key {identity}, which is not trusted here" in capsys.readouterr().err
    for key in (line, "keys.pub"):
        assert voxstack("verify", folder, "--key", key) == 0
    assert voxstack("trust", "add", line, "--code") == 0
    assert f"{policy_file}: trusts 'Acme', key {identity}" in capsys.readouterr().out
    assert voxstack("verify", folder) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"OK  {folder}: tiny 1, 0 files"
    assert second.startswith(f"signed by 'Acme', key {identity}, 20")
    assert second.endswith("Z; it may run code")
    assert third == "comment: first release"


def test_unsigned_changed_and_foreign_addons_are_errors(
    voxstack: Run, write_addon: Write, doubling: Any, capsys: Any
) -> None:
    folder = write_addon(networks={"double": doubling})
    voxstack("keygen", "a", "--no-passphrase")
    voxstack("keygen", "b", "--no-passphrase")
    assert voxstack("verify", folder, "--key", "a.pub") == 1
    assert capsys.readouterr().err == (
        f"voxstack: error: {folder}: is not signed, but its files are as addon.json lists them; "
        "sign it: voxstack sign\n"
    )
    voxstack("sign", folder, "--key", "a.key")
    assert voxstack("verify", folder, "--key", "b.pub") == 1
    assert "which is not trusted here, but its files are as addon.json lists them" in capsys.readouterr().err
    assert voxstack("verify", folder, "--key", "b.pub", "--key", "a.pub") == 0
    (folder / "decoder.txt").write_text("decodes.txt")
    assert voxstack("verify", folder, "--key", "a.pub") == 1
    assert "decoder.txt: has sha256" in capsys.readouterr().err
    (folder / "decoder.txt").write_text("decoder.txt")
    (folder / "addon.json").write_text((folder / "addon.json").read_text() + " ")
    assert voxstack("verify", folder, "--key", "a.pub") == 1
    assert "this one was changed afterwards" in capsys.readouterr().err


def test_zips(voxstack: Run, write_addon: Write, tmp_path: Path) -> None:
    path = write_zip(write_addon(), tmp_path / "tiny.zip")
    voxstack("keygen", "a", "--no-passphrase")
    assert voxstack("sign", path, "--key", "a.key") == 0
    assert voxstack("verify", path, "--key", "a.pub") == 0


def test_passphrases_from_the_environment(voxstack: Run, write_addon: Write, capsys: Any, monkeypatch: Any) -> None:
    folder = write_addon()
    monkeypatch.setenv("VOXSTACK_KEY_PASSPHRASE", "öpen")
    assert voxstack("keygen", "a") == 0
    assert "ENCRYPTED" in Path("a.key").read_text()
    assert voxstack("sign", folder, "--key", "a.key") == 0
    monkeypatch.setenv("VOXSTACK_KEY_PASSPHRASE", "wrong")
    assert voxstack("sign", folder, "--key", "a.key") == 1
    assert "a.key: cannot be opened with this passphrase" in capsys.readouterr().err


def test_passphrases_from_a_terminal(voxstack: Run, write_addon: Write, capsys: Any, monkeypatch: Any) -> None:
    typed = iter(["one", "two", "", "open", "open", "open"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(passphrases.getpass, "getpass", lambda prompt: next(typed))
    for _ in ("different", "empty"):
        assert voxstack("keygen", "a") == 1
        assert "the two passphrases differ or are empty" in capsys.readouterr().err
        assert not Path("a.key").exists()
    assert voxstack("keygen", "a") == 0
    assert voxstack("sign", write_addon(), "--key", "a.key") == 0
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert voxstack("keygen", "b") == 1
    assert "there is no terminal to enter the passphrase; set VOXSTACK_KEY_PASSPHRASE" in capsys.readouterr().err


def test_keys_are_not_replaced(voxstack: Run, capsys: Any) -> None:
    Path("a.pub").write_text("a key")
    assert voxstack("keygen", "a", "--no-passphrase") == 1
    assert "a.pub: exists, and a key is not replaced" in capsys.readouterr().err
    assert not Path("a.key").exists()


def test_installed_addons_are_verified_by_name_and_not_signed(write_addon: Write, capsys: Any) -> None:
    folder = write_addon()
    registry = Registry({"tiny": plugin(voxstack_addons=lambda: [folder])})
    commands = {"sign": sign.command, "verify": verify.command}
    assert main(["verify", "tiny"], registry, commands) == 1
    assert f"{folder}: is not signed" in capsys.readouterr().err
    assert main(["sign", "tiny", "--key", "a.key"], registry, commands) == 1
    assert "tiny: is the name of an installed addon, whose files pip has checked" in capsys.readouterr().err


def test_the_policy_is_edited_and_its_comments_stay(voxstack: Run, capsys: Any, policy_file: Path) -> None:
    assert voxstack("trust") == 0
    assert capsys.readouterr().out.startswith(f"no policy ({policy_file}): ")
    for name in "abc":
        voxstack("keygen", name, "--no-passphrase")
    assert voxstack("trust", "add", "a.pub", "--addon", "a-*", "--addon", "b-*", "--code") == 0
    policy_file.write_text(
        "# mine\n" + policy_file.read_text().replace('"warn"\n', '"refuse"  # strict\n') + "# after a\n"
    )
    assert voxstack("trust", "add", "b.pub", "--name", 'B "&" Söhne \\ 漢') == 0
    assert voxstack("trust", "add", "c.pub") == 0
    assert voxstack("trust", "add", "c.pub") == 1
    assert "has a key named 'c'; remove it first" in capsys.readouterr().err
    policy = load_policy()
    assert policy is not None
    assert [(key.name, key.addons, key.code) for key in policy.keys] == [
        ("a", ("a-*", "b-*"), True),
        ('B "&" Söhne \\ 漢', ("*",), False),
        ("c", ("*",), False),
    ]
    capsys.readouterr()
    assert voxstack("trust", "list") == 0
    listing = capsys.readouterr().out.splitlines()
    assert listing[:2] == [f"policy: {policy_file}", "addons that none of these keys has signed: refuse"]
    assert listing[2] == f"a: key {policy.keys[0].key.id}, addons a-*, b-*, may run code"
    assert voxstack("trust", "remove", 'B "&" Söhne \\ 漢') == 0
    assert voxstack("trust", "remove", "c") == 0
    text = policy_file.read_text()
    assert text.startswith("# mine\n")
    assert '"refuse"  # strict\n' in text
    assert "# after a\n" in text
    assert voxstack("trust", "remove", "b") == 1
    assert "has no key named 'b'; its keys: 'a'" in capsys.readouterr().err
    assert voxstack("trust", "remove", "a") == 0
    assert load_policy() is not None
    assert not list(policy_file.parent.glob("*.part"))


def test_a_policy_in_another_style_is_left_alone(voxstack: Run, capsys: Any, policy_file: Path) -> None:
    voxstack("keygen", "a", "--no-passphrase")
    line = Path("a.pub").read_text().strip()
    policy_file.parent.mkdir(parents=True)
    inline = f'keys = [{{name = "a", key = "{line}"}}]\n'
    policy_file.write_text(inline)
    assert voxstack("trust", "remove", "a") == 1
    assert "is written in another style; remove the key 'a' in an editor" in capsys.readouterr().err
    assert voxstack("trust", "add", "a.pub", "--name", "again") == 1
    assert "is written in another style; change it in an editor" in capsys.readouterr().err
    assert policy_file.read_text() == inline
    tricky = f'[[keys]]\nname = """a\n[[keys]]\n"""\nkey = "{line}"\n'
    policy_file.write_text(tricky)
    assert voxstack("trust", "remove", "a") == 1
    assert policy_file.read_text() == tricky


def test_a_policy_may_be_a_link_and_keeps_its_permissions(voxstack: Run, policy_file: Path) -> None:
    voxstack("keygen", "a", "--no-passphrase")
    Path("dotfiles.toml").write_text("")
    Path("dotfiles.toml").chmod(0o600)
    policy_file.parent.mkdir(parents=True)
    policy_file.symlink_to(Path("dotfiles.toml").absolute())
    assert voxstack("trust", "add", "a.pub") == 0
    assert policy_file.is_symlink()
    assert "[[keys]]" in Path("dotfiles.toml").read_text()
    assert Path("dotfiles.toml").stat().st_mode & 0o777 == 0o600


def test_a_key_without_a_comment_needs_a_name(voxstack: Run, acme: PrivateKey, capsys: Any) -> None:
    line = str(acme.public).removesuffix(" Acme")
    assert voxstack("trust", "add", line) == 1
    assert "KEY: has no comment to name its owner; use --name NAME" in capsys.readouterr().err
    assert voxstack("trust", "add", line, "--name", "Acme", "--policy", "other.toml") == 0
    assert Path("other.toml").exists()


def test_the_installed_program_refuses_a_voice_by_the_policy(policy_file: Path, tmp_path: Path) -> None:
    import voxstack

    voice = tmp_path / "stranger"
    shutil.copytree(voxstack.Registry.installed().addon("prism"), voice)
    policy_file.parent.mkdir(parents=True)
    policy_file.write_text('unsigned = "refuse"\n')
    code = "import sys; from voxstack_cli.main import main; sys.exit(main())"
    argv = [sys.executable, "-c", code, "say", "Hello.", "--voice", str(voice), "--trust", "--out", "hello.wav"]
    done = subprocess.run(argv, capture_output=True, text=True, env=dict(os.environ), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"voxstack: error: {voice}: is not signed, and {policy_file} refuses such addons; ")
    assert not (tmp_path / "hello.wav").exists()
