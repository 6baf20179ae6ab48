"""Signatures: what they cover, and that nothing else is taken for one."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from voxstack import AddonError
from voxstack_addon_spec import open_addon, write_zip
from voxstack_trust.errors import TrustError
from voxstack_trust.keys import PrivateKey
from voxstack_trust.signature import PATTERNS, Signature
from voxstack_trust.signing import sign

Write = Callable[..., Path]


def resign(signature: Signature, key: PrivateKey) -> Signature:
    """Return a signature with its fields, signed correctly."""
    return replace(signature, signature=base64.b64encode(key.sign(signature.message())).decode())


def check(folder: Path, key: PrivateKey) -> None:
    with open_addon(folder) as files:
        signature = Signature.read(files)
        assert signature is not None
        signature.check(files, key.public)


def refusal(folder: Path, key: PrivateKey) -> str:
    with pytest.raises(AddonError) as caught:
        check(folder, key)
    return str(caught.value)


def edit(folder: Path, **fields: Any) -> None:
    """Change fields of a signature; None removes one."""
    path = folder / "addon.json.sig"
    content = {**json.loads(path.read_bytes()), **fields}
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def renamed(folder: Path, name: str) -> Path:
    """Change the name of an addon, but not that of its folder."""
    config = json.loads((folder / "addon.json").read_text())
    (folder / "addon.json").write_text(json.dumps({**config, "name": name}))
    return folder


def test_a_signature_is_checked_and_its_addon_stays_valid(write_addon: Write, acme: PrivateKey) -> None:
    folder = write_addon()
    made = sign(folder, acme, "first")
    assert (made.key, made.addon, made.addon_version, made.comment) == (acme.public.id, "tiny", "1", "first")
    check(folder, acme)
    open_addon(folder).verify()
    assert sorted(path.name for path in folder.iterdir()) == ["addon.json", "addon.json.sig"]


def test_signing_again_replaces_the_signature(write_addon: Write, acme: PrivateKey, other: PrivateKey) -> None:
    folder = write_addon()
    sign(folder, acme)
    sign(folder, other)
    check(folder, other)
    assert "is not a signature of the key" in refusal(folder, acme)


def test_an_addon_that_is_damaged_is_not_signed(write_addon: Write, doubling: Any, acme: PrivateKey) -> None:
    folder = write_addon(networks={"double": doubling})
    (folder / "decoder.txt").write_text("decodes.txt")
    with pytest.raises(AddonError, match="has sha256"):
        sign(folder, acme)
    (folder / "decoder.txt").write_text("decoder.txt")
    (folder / "notes.txt").write_text("unlisted")
    with pytest.raises(AddonError, match=r"contains 'notes\.txt'"):
        sign(folder, acme)
    assert not (folder / "addon.json.sig").exists()


@pytest.mark.parametrize("top", ["", "tiny-1/"])
def test_zips_are_signed_inside(write_addon: Write, doubling: Any, acme: PrivateKey, tmp_path: Path, top: str) -> None:
    folder, path = write_addon(networks={"double": doubling}), tmp_path / "tiny.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        if top:
            file.mkdir("tiny-1")
        for found in sorted(folder.iterdir()):
            file.write(found, f"{top}{found.name}")
    path.chmod(0o640)
    sign(path, acme, "first")
    sign(path, acme, "second")
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == [
            *(["tiny-1/"] if top else []),
            f"{top}addon.json",
            f"{top}addon.json.sig",
            f"{top}decoder.txt",
        ]
        assert file.testzip() is None
    with open_addon(path) as files:
        files.verify()
    check(path, acme)
    assert path.stat().st_mode & 0o777 == 0o640
    assert not list(tmp_path.glob("*.part"))


def test_a_folder_and_its_zip_have_one_signature(write_addon: Write, acme: PrivateKey, tmp_path: Path) -> None:
    folder = write_addon()
    sign(folder, acme)
    check(write_zip(folder, tmp_path / "tiny.zip"), acme)


def test_a_zip_that_cannot_be_written_stays(
    write_addon: Write, acme: PrivateKey, tmp_path: Path, monkeypatch: Any
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    path = write_zip(write_addon(), tmp_path / "tiny.zip")
    before = path.read_bytes()
    monkeypatch.setattr("voxstack_trust.signing.shutil.copyfileobj", full)
    with pytest.raises(AddonError, match="No space left"):
        sign(path, acme)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_a_forged_signature_is_refused(write_addon: Write, acme: PrivateKey, other: PrivateKey) -> None:
    folder = write_addon()
    forged = replace(sign(folder, other), key=acme.public.id)
    (folder / "addon.json.sig").write_bytes(resign(forged, other).to_json())
    assert refusal(folder, acme) == (
        f"{folder}/addon.json.sig: is not a signature of the key {acme.public.id} that it names; "
        "get a fresh copy of the addon, or sign it again: voxstack sign"
    )


@pytest.mark.parametrize(
    "field, value",
    [
        ("addon", "other"),
        ("addon_version", "2"),
        ("sha256", "0" * 64),
        ("created", "2020-01-01T00:00:00Z"),
        ("comment", "approved"),
        ("key", "0" * 16),
        ("signature", "A" * 86 + "=="),
    ],
)
def test_every_field_is_signed(write_addon: Write, acme: PrivateKey, field: str, value: str) -> None:
    folder = write_addon()
    assert field in asdict(sign(folder, acme))
    edit(folder, **{field: value})
    assert "is not a signature of the key" in refusal(folder, acme)


def test_what_is_signed_is_fixed() -> None:
    signature = Signature("0" * 16, "tiny", "1", "f" * 64, "2026-11-29T03:03:32Z", "é")
    assert signature.message() == (
        b'voxstack-signature 1\n{"addon":"tiny","addon_version":"1","algorithm":"ed25519","comment":"\\u00e9",'
        b'"created":"2026-11-29T03:03:32Z","format":"voxstack-signature","key":"' + b"0" * 16 + b'",'
        b'"sha256":"' + b"f" * 64 + b'","version":1}'
    )


def test_signatures_for_other_purposes_are_none(write_addon: Write, acme: PrivateKey) -> None:
    folder = write_addon()
    made = sign(folder, acme)
    without_context = made.message().partition(b"\n")[2]
    edit(folder, signature=base64.b64encode(acme.sign(without_context)).decode())
    assert "is not a signature of the key" in refusal(folder, acme)


def test_a_changed_addon_json_is_refused(write_addon: Write, acme: PrivateKey) -> None:
    folder = write_addon()
    sign(folder, acme)
    text = (folder / "addon.json").read_text()
    (folder / "addon.json").write_text(text + "\n")
    assert "signs another addon.json of tiny 1: this one was changed afterwards" in refusal(folder, acme)


def test_a_changed_file_is_refused_when_it_is_used(write_addon: Write, doubling: Any, acme: PrivateKey) -> None:
    folder = write_addon(networks={"double": doubling})
    sign(folder, acme)
    (folder / "decoder.txt").write_text("decodes.txt")
    check(folder, acme)
    for use in (lambda files: files.verify(), lambda files: files.path("decoder.txt")):
        with pytest.raises(AddonError, match="has sha256"):
            use(open_addon(folder))


def test_the_signature_is_of_the_bytes_that_were_parsed(write_addon: Write, acme: PrivateKey) -> None:
    folder = write_addon(stack=[{"type": "Evil"}])
    good = write_addon("good")
    evil = (folder / "addon.json").read_text()
    (folder / "addon.json").write_text((good / "addon.json").read_text())
    sign(folder, acme)
    signed = (folder / "addon.json").read_bytes()
    (folder / "addon.json").write_text(evil)
    files = open_addon(folder)
    (folder / "addon.json").write_bytes(signed)
    signature = Signature.read(files)
    assert signature is not None
    with pytest.raises(AddonError, match="signs good 1, and this is tiny 1"):
        signature.check(files, acme.public)


@pytest.mark.parametrize("name, version, words", [("other", "1", "signs other 1"), ("tiny", "2", "signs tiny 2")])
def test_a_signature_of_another_addon_or_version_is_refused(
    write_addon: Write, acme: PrivateKey, name: str, version: str, words: str
) -> None:
    folder = write_addon()
    donor = renamed(write_addon("donor", version=version), name)
    sign(donor, acme)
    (donor / "addon.json.sig").rename(folder / "addon.json.sig")
    assert f"{words}, and this is tiny 1" in refusal(folder, acme)


def test_a_signature_of_another_content_under_the_same_name_is_refused(write_addon: Write, acme: PrivateKey) -> None:
    folder = write_addon()
    donor = renamed(write_addon("donor", description="Another one."), "tiny")
    sign(donor, acme)
    (donor / "addon.json.sig").rename(folder / "addon.json.sig")
    assert "signs another addon.json of tiny 1" in refusal(folder, acme)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff\xfe",
        b"untrusted comment: minisign\n",
        b"[]",
        b"null",
        b"{}",
        b'{"format": "voxstack-signature", "format": "x"}',
        b"[" * 10_000,
        b"{" + b'"a": ' * 3000,
        b'{"format": "voxstack-signature", "version": ' + b"9" * 5000 + b"}",
        b" " * (16 * 1024 + 1),
    ],
)
def test_what_is_no_signature_is_an_error(write_addon: Write, data: bytes) -> None:
    folder = write_addon()
    (folder / "addon.json.sig").write_bytes(data)
    with open_addon(folder) as files, pytest.raises(AddonError, match=r"tiny/addon\.json\.sig"):
        Signature.read(files)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"version": 2}, "version: 2 is not supported; this version of voxstack-trust reads 1; update it"),
        ({"version": True}, "version: True is not supported"),
        ({"version": 1.0}, "version: 1.0 is not supported"),
        ({"format": "minisign"}, "format: 'minisign' is not supported"),
        ({"algorithm": "rsa"}, "algorithm: 'rsa' is not supported"),
        ({"algorithm": None}, "algorithm: None is not supported"),
        ({"sha512": "x"}, "unknown key 'sha512'; did you mean 'sha256'?"),
        ({"comment": None}, "missing key 'comment'"),
        ({"comment": "a\x1b[31mred"}, "comment: "),
        ({"comment": "a\nb"}, "comment: "),
        ({"comment": "\ud800"}, "comment: "),
        ({"comment": "x" * 501}, "comment: "),
        ({"comment": ["x"]}, "comment: ['x'] is not text"),
        ({"created": "yesterday"}, "created: "),
        ({"sha256": "A" * 64}, "sha256: "),
        ({"sha256": "0" * 63 + "٣"}, "sha256: "),
        ({"signature": "A" * 88}, "signature: "),
        ({"signature": 5}, "signature: 5 is not text"),
        ({"key": "0" * 16 + "\n"}, "key: "),
        ({"addon": "../x"}, "addon: "),
    ],
)
def test_fields_are_strict(write_addon: Write, acme: PrivateKey, fields: dict[str, Any], words: str) -> None:
    folder = write_addon()
    sign(folder, acme)
    edit(folder, **fields)
    assert f"addon.json.sig: {words}" in refusal(folder, acme)


def test_the_patterns_are_those_of_the_fields(write_addon: Write, acme: PrivateKey) -> None:
    made = sign(write_addon(), acme, "é 漢字")
    assert list(asdict(made)) == list(PATTERNS)
    assert Signature.parse(made.to_json(), "x") == made


def test_comments_are_printable(write_addon: Write, acme: PrivateKey) -> None:
    folder = write_addon()
    with pytest.raises(TrustError, match="the comment 'a\\\\x07' is too long or contains unprintable"):
        sign(folder, acme, "a\x07")
    assert not (folder / "addon.json.sig").exists()
