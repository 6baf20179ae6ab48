"""The signature of an addon: a small JSON object over the hash of addon.json, which lists the hashes of all files.

FORMAT.md of voxstack-addon-spec states where it lies, and the README of this plugin what it contains.
"""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from voxstack_addon_spec import AddonError, AddonFiles
from voxstack_addon_spec.file_names import SIGNATURE
from voxstack_addon_spec.strict_json import parse_object
from voxstack_addon_spec.wording import did_you_mean, short_repr
from voxstack_trust.keys import PrivateKey, PublicKey, checked_comment

HEADER = {"format": "voxstack-signature", "version": 1, "algorithm": "ed25519"}
CONTEXT = b"voxstack-signature 1\n"
"""The first bytes of every message, so that no signature that the key makes for another purpose can be taken for one
of an addon."""
SIGN_AGAIN = "get a fresh copy of the addon, or sign it again: voxstack sign"
PATTERNS = {
    "key": "[0-9a-f]{16}",
    "addon": "[a-z][a-z0-9_-]{0,199}",
    "addon_version": "[0-9][0-9A-Za-z.+!-]{0,199}",
    "sha256": "[0-9a-f]{64}",
    "created": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "comment": ".{0,500}",
    "signature": "[A-Za-z0-9+/]{86}==",
}


@dataclass(frozen=True)
class Signature:
    """A signature, whose fields are all signed.

    :param key: id of the key.
    :param addon: name of the addon.
    :param addon_version: version of the addon.
    :param sha256: of addon.json.
    :param created: when it was signed, UTC.
    :param comment: by the signer, for people.
    :param signature: of :meth:`message`, 64 bytes in base64.
    """

    key: str
    addon: str
    addon_version: str
    sha256: str
    created: str
    comment: str = ""
    signature: str = ""

    @classmethod
    def of(cls, files: AddonFiles, key: PrivateKey, comment: str = "") -> Self:
        """Sign the addon.json that ``files`` has read.

        :raises TrustError: if the comment is not printable.
        """
        unsigned = cls(
            key=key.public.id,
            addon=files.config["name"],
            addon_version=files.config["version"],
            sha256=files.config_sha256,
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            comment=checked_comment(comment, "the comment"),
        )
        signature = base64.b64encode(key.sign(unsigned.message())).decode("ascii")
        return cls(**{**asdict(unsigned), "signature": signature})

    @classmethod
    def read(cls, files: AddonFiles) -> Self | None:
        """Return the signature of an addon, which is not checked here; None if the addon has none.

        :raises AddonError: if it is not a signature.
        """
        data = files.signature()
        return None if data is None else cls.parse(data, place(files))

    @classmethod
    def parse(cls, data: bytes, where: str) -> Self:
        """Return the signature in a file.

        :raises AddonError: if it is not a signature of exactly this format.
        """
        content = parse_object(data, where)
        for name, expected in HEADER.items():
            found = content.pop(name, None)
            if found != expected or type(found) is not type(expected):
                advice = f"this version of voxstack-trust reads {expected!r}; update it, or {SIGN_AGAIN}"
                raise AddonError(f"{where}: {name}", f"{short_repr(found)} is not supported; {advice}")
        return cls(**_checked(content, where))

    def message(self) -> bytes:
        """Return what is signed: the context, and all fields but the signature as JSON in one fixed form."""
        fields = {name: value for name, value in asdict(self).items() if name != "signature"}
        return CONTEXT + json.dumps({**HEADER, **fields}, sort_keys=True, separators=(",", ":")).encode("ascii")

    def to_json(self) -> bytes:
        """Return the content of the file."""
        return json.dumps({**HEADER, **asdict(self)}, indent=1, ensure_ascii=False).encode() + b"\n"

    def check(self, files: AddonFiles, key: PublicKey) -> None:
        """Check that the owner of a key has signed the addon.json that ``files`` has read.

        :raises AddonError: if not.
        """
        if not key.verifies(base64.b64decode(self.signature), self.message()):
            problem = f"is not a signature of the key {self.key} that it names"
            raise AddonError(place(files), f"{problem}; {SIGN_AGAIN}")
        addon = (files.config["name"], files.config["version"])
        if (self.addon, self.addon_version) != addon:
            problem = f"signs {self.addon} {self.addon_version}, and this is {addon[0]} {addon[1]}"
            raise AddonError(place(files), f"{problem}; {SIGN_AGAIN}")
        if self.sha256 != files.config_sha256:
            problem = f"signs another addon.json of {addon[0]} {addon[1]}: this one was changed afterwards"
            raise AddonError(place(files), f"{problem}; {SIGN_AGAIN}")


def place(files: AddonFiles) -> str:
    """Return the place of the signature of an addon, for errors."""
    return f"{files.location.rstrip('/' + os.sep)}/{SIGNATURE}"


def _checked(content: Mapping[str, Any], where: str) -> dict[str, str]:
    for name, value in content.items():
        if name not in PATTERNS:
            raise AddonError(where, f"unknown key {short_repr(name)}" + did_you_mean(name, PATTERNS, SIGN_AGAIN))
        if not (isinstance(value, str) and re.fullmatch(PATTERNS[name], value) and value.isprintable()):
            problem = f"{short_repr(value)} is not text that matches {PATTERNS[name]}"
            raise AddonError(f"{where}: {name}", f"{problem}; {SIGN_AGAIN}")
    if missing := sorted(PATTERNS.keys() - content.keys()):
        raise AddonError(where, f"missing key {missing[0]!r}; {SIGN_AGAIN}")
    return dict(content)
