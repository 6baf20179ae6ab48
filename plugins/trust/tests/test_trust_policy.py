"""The policy: what it permits when an addon is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import double, plugin

import voxstack_torch_runtime
import voxstack_trust
from voxstack import AddonError, ContextError, Registry
from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon
from voxstack_trust.errors import TrustError
from voxstack_trust.keys import PrivateKey
from voxstack_trust.policy import Policy, load_policy, policy_path
from voxstack_trust.signing import sign

Write = Callable[..., Path]


def check(folder: Path) -> bool | None:
    with open_addon(folder) as files:
        return voxstack_trust.voxstack_check_addon(files)


@pytest.fixture
def signed(write_addon: Write, doubling: Any, acme: PrivateKey) -> Path:
    folder = write_addon("acme-tiny", networks={"double": doubling})
    sign(folder, acme)
    return folder


def test_without_a_policy_all_addons_are_opened_and_none_may_run_code(signed: Path, write_addon: Write) -> None:
    (signed / "addon.json.sig").write_bytes(b"garbage")
    assert check(signed) is None
    assert check(write_addon()) is None


def test_code_is_trusted_if_the_key_is_trusted_for_code(signed: Path, policy: Any, acme: PrivateKey) -> None:
    policy((acme, ""))
    assert check(signed) is None
    policy((acme, "code = false"))
    assert check(signed) is None
    policy((acme, "code = true"))
    assert check(signed) is True


@pytest.mark.parametrize(
    "addons, trusted",
    [('["acme-*"]', True), ('["x", "acme-tiny"]', True), ('["acme"]', False), ('["tiny", "*-acme"]', False)],
)
def test_a_key_may_be_trusted_for_some_names(
    signed: Path, policy: Any, acme: PrivateKey, addons: str, trusted: bool
) -> None:
    policy((acme, f"addons = {addons}\ncode = true"), text='unsigned = "refuse"')
    if trusted:
        assert check(signed) is True
    else:
        with pytest.raises(AddonError, match=r"is signed by 'Acme' \(key \w+\), who is trusted only for addons named "):
            check(signed)


def test_of_several_entries_of_a_key_the_one_for_code_applies(signed: Path, policy: Any, acme: PrivateKey) -> None:
    policy((acme, ""), (acme, 'addons = ["acme-*"]\ncode = true'))
    assert check(signed) is True
    policy((acme, ""), (acme, 'addons = ["other-*"]\ncode = true'))
    assert check(signed) is None


def test_unsigned_addons_are_refused_if_the_policy_says_so(write_addon: Write, policy: Any, policy_file: Path) -> None:
    policy(text='unsigned = "refuse"')
    folder = write_addon()
    with pytest.raises(AddonError) as caught:
        check(folder)
    assert str(caught.value) == (
        f"{folder}: is not signed, and {policy_file} refuses such addons; get it from somebody you trust, or trust its "
        "signer: voxstack trust add KEY"
    )


def test_a_signature_of_a_key_that_is_not_trusted_is_no_better_than_none(
    signed: Path, policy: Any, acme: PrivateKey, other: PrivateKey
) -> None:
    policy((other, "code = true"), text='unsigned = "refuse"')
    with pytest.raises(AddonError, match=f"is signed by key {acme.public.id}, which is not trusted here, and "):
        check(signed)


def test_unsigned_addons_are_reported_once(write_addon: Write, policy: Any, policy_file: Path, caplog: Any) -> None:
    policy()  # "warn" is the default of a policy
    folder = write_addon()
    assert [check(folder), check(folder)] == [None, None]
    assert caplog.messages == [f"{folder}: is not signed ({policy_file})"]
    assert caplog.records[0].name == "voxstack.trust"
    policy(text='unsigned = "allow"')
    assert check(write_addon("more")) is None
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("unsigned", ["allow", "warn", "refuse"])
def test_a_wrong_signature_of_a_trusted_key_is_an_error_always(
    signed: Path, policy: Any, acme: PrivateKey, unsigned: str
) -> None:
    policy((acme, ""), text=f'unsigned = "{unsigned}"')
    (signed / "addon.json").write_text((signed / "addon.json").read_text() + " ")
    with pytest.raises(AddonError, match="this one was changed afterwards"):
        check(signed)
    (signed / "addon.json.sig").write_bytes(b"garbage")
    with pytest.raises(AddonError, match="not JSON"):
        check(signed)


def test_a_change_of_the_policy_takes_effect_at_once(signed: Path, policy: Any, acme: PrivateKey) -> None:
    policy((acme, "code = true"), text='unsigned = "refuse"')
    assert check(signed) is True
    policy(text='unsigned = "refuse"')  # the key is revoked
    with pytest.raises(AddonError, match="is not trusted here"):
        check(signed)


@pytest.mark.parametrize(
    "text, words",
    [
        ("unsigned =", "not TOML ("),
        ("unsigned = 'maybe'", ": unsigned: 'maybe' is unknown; write one of: allow, warn, refuse"),
        ("unsigned = true", ": unsigned: True is unknown"),
        ("unsinged = 'refuse'", ": unknown key 'unsinged'; did you mean 'unsigned'?"),
        ("keys = 1", ": keys: is not a list of tables; begin each key with a line [[keys]]"),
        ("[keys]\nname = 'x'", ": keys: is not a list of tables"),
        ("[[keys]]\nname = 'x'", ": keys[0].key: is missing or not text"),
        ("[[keys]]\nkey = 'x'", ": keys[0].name: is missing or not text"),
        ("[[keys]]\nname = 'x'\nkey = 'x'", ": keys[0].key: 'x' is not a public key"),
        ("[[keys]]\nname = 'x'\nkey = 'KEY'\ncode = 'yes'", ": keys[0].code: 'yes' is neither true nor false"),
        ("[[keys]]\nname = 'x'\nkey = 'KEY'\naddons = 'x'", ": keys[0].addons: 'x' is not a list of patterns"),
        ("[[keys]]\nname = 'x'\nkey = 'KEY'\naddons = []", ": keys[0].addons: [] is not a list of patterns"),
        ("[[keys]]\nname = 'x'\nkey = 'KEY'\naddon = ['x']", ": keys[0]: unknown key 'addon'; did you mean 'addons'?"),
        ("[[keys]]\nname = \"a\\u001b\"\nkey = 'KEY'", ": keys[0].name: the comment 'a\\x1b'"),
    ],
)
def test_an_invalid_policy_permits_nothing(
    signed: Path, policy: Any, policy_file: Path, acme: PrivateKey, text: str, words: str
) -> None:
    with pytest.raises(TrustError) as caught:
        policy(text=text.replace("KEY", str(acme.public)))
    assert str(caught.value).startswith(str(policy_file))
    assert words in str(caught.value)
    with pytest.raises(TrustError):
        check(signed)


def test_a_policy_that_cannot_be_read_permits_nothing(signed: Path, policy_file: Path, monkeypatch: Any) -> None:
    policy_file.parent.mkdir(parents=True)
    policy_file.symlink_to("missing")
    with pytest.raises(TrustError, match=r"trust\.toml: no such file"):
        check(signed)
    policy_file.unlink()
    policy_file.write_bytes(b"\xff")
    with pytest.raises(TrustError, match="is not UTF-8"):
        check(signed)
    monkeypatch.setenv("VOXSTACK_TRUST", str(policy_file.with_name("other.toml")))
    with pytest.raises(TrustError, match=r"other\.toml: no such file; write a policy there"):
        check(signed)


def test_where_the_policy_is(tmp_path: Path, policy_file: Path, monkeypatch: Any) -> None:
    assert policy_path() == policy_file
    assert load_policy() is None
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    if os.name != "nt":
        assert policy_path() == tmp_path / ".config" / "voxstack" / "trust.toml"
    monkeypatch.setenv("VOXSTACK_TRUST", str(tmp_path / "mine.toml"))
    assert policy_path() == tmp_path / "mine.toml"
    assert policy_path("given.toml") == Path("given.toml")


def test_a_policy_may_be_empty() -> None:
    assert Policy.parse("", "x") == Policy("x", (), "warn")


def registry(*installed: Path) -> Registry:
    runtime = plugin([], {"double": double}, voxstack_addons=lambda: installed)
    return Registry({"tiny": runtime, "trust": voxstack_trust, "torch": voxstack_torch_runtime})


def test_opening_an_addon_obeys_the_policy(signed: Path, policy: Any, acme: PrivateKey, write_addon: Write) -> None:
    policy((acme, ""), text='unsigned = "refuse"')
    addon = Addon.open(signed, registry())
    frames = np.ones((1, 3, 2), np.float32)
    np.testing.assert_array_equal(addon.network("double")(frames=frames)["mel"], 2 * frames)
    assert not addon.trust
    assert Addon.open(signed, registry(), trust=True).trust
    unsigned = write_addon("unsigned")
    for trust in (False, True):  # trust=True is about code; it does not go round the policy
        with pytest.raises(AddonError, match="is not signed, and "):
            Addon.open(unsigned, registry(), trust=trust)
    assert Addon.open("unsigned", registry(unsigned)).trust  # an installed addon is not asked for a signature


def test_code_runs_only_where_the_policy_trusts_it(
    write_addon: Write, doubling: Any, policy: Any, acme: PrivateKey
) -> None:
    doubling["exports"] = [{"format": "pt2", "symbol": "double.pt2"}]
    options = {"runtime": "torch", "options": {"compile": True}}
    contexts = {"default": {"runtime": "torch"}, "own": options}
    folder = write_addon(spec_version=2, networks={"double": doubling}, contexts=contexts)
    sign(folder, acme)
    policy((acme, "code = false"))
    addon = Addon.open(folder, registry(), {"runtime": "torch"})
    assert not addon.networks["double"].trusted
    with pytest.raises(ContextError, match="trust=True"):
        addon.network("double")
    with pytest.raises(ContextError, match="has 'options'"):
        Addon.open(folder, registry(), "own")
    policy((acme, "code = true"))
    assert Addon.open(folder, registry(), "own").networks["double"].trusted


def test_installed_addons_import_nothing_of_this(tmp_path: Path) -> None:
    code = """
import sys, voxstack
from voxstack.networks.addon import Addon
registry = voxstack.Registry.installed()
assert "voxstack_trust" in sys.modules and not registry.broken, registry.broken
Addon.open("prism", registry)
print(*[name for name in sys.modules if name.startswith(("voxstack_trust.", "cryptography", "tomllib"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
