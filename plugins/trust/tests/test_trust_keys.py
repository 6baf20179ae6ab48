"""Keys: their files, their passphrases and their text."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from voxstack_trust.errors import TrustError
from voxstack_trust.keys import PrivateKey, PublicKey

RFC8032 = {  # test 2 of section 7.1
    "public": "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "message": "72",
    "signature": "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
}


def test_signatures_are_those_of_rfc_8032() -> None:
    values = {name: bytes.fromhex(value) for name, value in RFC8032.items()}
    key = PublicKey(values["public"])
    assert key.verifies(values["signature"], values["message"])
    assert not key.verifies(values["signature"], b"")
    assert not key.verifies(bytes(64), values["message"])


def test_a_public_key_is_a_line_of_text(acme: PrivateKey, tmp_path: Path) -> None:
    line = str(acme.public)
    assert line.split(" ")[::2] == ["voxstack-ed25519", "Acme"]
    assert PublicKey.parse(f"  {line}\n", "x") == acme.public
    (tmp_path / "acme.pub").write_text(line + "\r\n")
    assert PublicKey.read(tmp_path / "acme.pub") == acme.public
    assert str(PublicKey(acme.public.data)) == line.removesuffix(" Acme")
    assert PublicKey.parse(line + " of York", "x").comment == "Acme of York"
    assert len(acme.public.id) == 16


@pytest.mark.parametrize(
    "text",
    ["", "voxstack-ed25519", "voxstack-ed25519 AAAA Acme", "voxstack-ed25519 !", "ssh-ed25519 {}", "{}", "a\nb", "ü ü"],
)
def test_what_is_no_public_key_is_an_error(text: str, acme: PrivateKey) -> None:
    code = str(acme.public).split(" ")[1]
    with pytest.raises(
        TrustError, match=r"x: .* is not a public key; a public key is a line such as: voxstack-ed25519 "
    ):
        PublicKey.parse(text.format(code), "x")


def test_comments_of_keys_are_printable(acme: PrivateKey) -> None:
    with pytest.raises(TrustError, match="contains unprintable characters"):
        PublicKey.parse(str(acme.public) + "\x1b[31m", "x")


def test_a_private_key_is_a_file_of_its_owner(acme: PrivateKey, tmp_path: Path) -> None:
    path = tmp_path / "acme.key"
    acme.write(path, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")
    assert PrivateKey.read(path, None).public.data == acme.public.data
    assert PrivateKey.read(path, b"needless").public.data == acme.public.data
    with pytest.raises(FileExistsError):
        acme.write(path, None)


def test_a_private_key_may_have_a_passphrase(acme: PrivateKey, tmp_path: Path) -> None:
    path = tmp_path / "acme.key"
    acme.write(path, b"open sesame")
    assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    read = PrivateKey.read(path, b"open sesame")
    assert acme.public.verifies(read.sign(b"message"), b"message")
    with pytest.raises(TrustError, match=r"acme\.key: cannot be opened with this passphrase; try again"):
        PrivateKey.read(path, b"wrong")
    for missing in (None, b""):
        with pytest.raises(TrustError, match="has a passphrase; enter it, or set VOXSTACK_KEY_PASSPHRASE"):
            PrivateKey.read(path, missing)


@pytest.mark.parametrize("data", [b"", b"\xff\x00", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_private_key_is_an_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.key").write_bytes(data)
    with pytest.raises(TrustError, match=r"x\.key: is not a private key; keys are made with: voxstack keygen NAME"):
        PrivateKey.read(tmp_path / "x.key", None)


def test_private_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as pem
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    data = X25519PrivateKey.generate().private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    (tmp_path / "x.key").write_bytes(data)
    with pytest.raises(TrustError, match="but not for Ed25519"):
        PrivateKey.read(tmp_path / "x.key", None)


def test_files_of_keys_are_small_and_readable(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match=r"missing\.pub: no such file; give a public key, or a file of one"):
        PublicKey.read(tmp_path / "missing.pub")
    with pytest.raises(TrustError, match="cannot be read"):
        PublicKey.read(tmp_path)
    (tmp_path / "latin.pub").write_bytes(b"\xe9")
    with pytest.raises(TrustError, match="is not UTF-8 text"):
        PublicKey.read(tmp_path / "latin.pub")
    with (tmp_path / "large.pub").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(TrustError, match="is larger than 1048576 bytes"):
        PublicKey.read(tmp_path / "large.pub")
