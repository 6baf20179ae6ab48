"""Ed25519 keys: a private one in a PEM file, and a public one as a line of text that can be pasted."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from voxstack_addon_spec.wording import short_repr
from voxstack_trust.errors import TrustError, read_small_file, read_small_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WORD = "voxstack-ed25519"
SIZE = 32  # bytes of a public key
MAX_COMMENT = 500  # characters
EXAMPLE = f"a public key is a line such as: {WORD} {base64.b64encode(bytes(SIZE)).decode()} Acme"


@dataclass(frozen=True)
class PublicKey:
    """A public key.

    :param data: its 32 bytes (RFC 8032).
    :param comment: whose it is, for people.
    """

    data: bytes
    comment: str = ""

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """Return the key of a line ``voxstack-ed25519 BASE64 comment``.

        :param where: place of the text, for errors.
        :raises TrustError: if it is not such a line.
        """
        word, _, rest = text.strip().partition(" ")
        code, _, comment = rest.strip().partition(" ")
        try:
            data = base64.b64decode(code.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error) as error:
            raise TrustError(where, f"{short_repr(text)} is not a public key; {EXAMPLE}") from error
        if word != WORD or len(data) != SIZE:
            raise TrustError(where, f"{short_repr(text)} is not a public key; {EXAMPLE}")
        return cls(data, checked_comment(comment.strip(), where))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the key in a file.

        :raises TrustError: if it cannot be read or is not a public key.
        """
        return cls.parse(read_small_text(path, "give a public key, or a file of one"), str(path))

    @cached_property
    def id(self) -> str:
        """First 16 hex digits of the SHA-256 of the key: a name for it, which proves nothing."""
        return hashlib.sha256(self.data).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{WORD} {base64.b64encode(self.data).decode('ascii')} {self.comment}".rstrip()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether the owner of this key has signed a message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.data).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class PrivateKey:
    """A private key, which signs."""

    def __init__(self, key: Ed25519PrivateKey, comment: str = "") -> None:
        self._key = key
        self.public = PublicKey(key.public_key().public_bytes_raw(), comment)

    @classmethod
    def generate(cls, comment: str = "") -> Self:
        """Return a new key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate(), checked_comment(comment, "the comment"))

    @classmethod
    def read(cls, path: Path, passphrase: bytes | None) -> Self:
        """Return the key in a file.

        :param passphrase: of the file; None for a file without one.
        :raises TrustError: if the file is not a private key, or the passphrase is wrong.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        data = read_small_file(path, "make a key with: voxstack keygen NAME")
        if not is_encrypted(data):
            passphrase = None
        elif not passphrase:
            raise TrustError(str(path), "has a passphrase; enter it, or set VOXSTACK_KEY_PASSPHRASE")
        try:
            key = load_pem_private_key(data, passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            problem = "cannot be opened with this passphrase; try again" if passphrase else "is not a private key"
            raise TrustError(str(path), f"{problem}; keys are made with: voxstack keygen NAME") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise TrustError(str(path), "is a private key, but not for Ed25519; make one with: voxstack keygen NAME")
        return cls(key)

    def write(self, path: Path, passphrase: bytes | None) -> None:
        """Write the key to a new file that only this user may read, as PEM (PKCS #8).

        :param passphrase: to encrypt the file with; None leaves it readable to all who get it.
        :raises FileExistsError: if there is such a file: a key that signed addons is not replaced.
        """
        from cryptography.hazmat.primitives import serialization as pem

        secret = pem.BestAvailableEncryption(passphrase) if passphrase else pem.NoEncryption()
        data = self._key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, secret)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._key.sign(message)


def is_encrypted(data: bytes) -> bool:
    """Return whether a PEM file needs a passphrase."""
    return b"ENCRYPTED" in data


def checked_comment(comment: str, where: str) -> str:
    """Return a comment, which is shown on terminals.

    :raises TrustError: if it is too long, or contains unprintable characters.
    """
    if len(comment) > MAX_COMMENT or not comment.isprintable():
        problem = f"the comment {short_repr(comment)} is too long or contains unprintable characters"
        raise TrustError(where, f"{problem}; write at most {MAX_COMMENT} printable ones")
    return comment
