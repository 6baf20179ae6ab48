"""The signing of addons: a file beside addon.json, in a folder as in a ``.zip``."""

from __future__ import annotations

import copy
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxstack_addon_spec import open_addon
from voxstack_addon_spec.file_names import CONFIG, SIGNATURE
from voxstack_addon_spec.integrity import wrap_os_errors
from voxstack_trust.keys import PrivateKey
from voxstack_trust.signature import Signature


def sign(path: str | os.PathLike[str], key: PrivateKey, comment: str = "") -> Signature:
    """Verify the addon in a folder or ``.zip``, sign it, and return the signature.

    An older signature is replaced. Everything else stays as it is; a zip is written again, with the same members.

    :param comment: for people; it is signed, too.
    :raises AddonError: if the addon is not valid (see :meth:`AddonFiles.verify`), or cannot be written. The addon is
        then unchanged.
    :raises TrustError: if the comment is not printable.
    """
    place = Path(path).resolve()  # a link stays one
    with open_addon(place) as files:
        files.verify()
        signature = Signature.of(files, key, comment)
    with wrap_os_errors(str(place)):
        if place.is_dir():
            with _replacing(place / SIGNATURE) as partial:
                partial.write_bytes(signature.to_json())
        else:
            with _replacing(place) as partial:
                _copy_zip(place, partial, signature.to_json())
                shutil.copymode(place, partial)
    with open_addon(place) as files:  # another program may have changed the addon meanwhile
        signature.check(files, key.public)
    return signature


def _copy_zip(source: Path, target: Path, signature: bytes) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        names = old.namelist()
        prefix = "" if CONFIG in names else f"{names[0].split('/')[0]}/"
        for member in old.infolist():
            if member.filename == prefix + SIGNATURE:
                continue
            with old.open(member) as reader, new.open(copy.copy(member), "w") as writer:
                shutil.copyfileobj(reader, writer, 1024 * 1024)
            if member.filename == prefix + CONFIG:
                added = zipfile.ZipInfo(prefix + SIGNATURE)
                added.create_system, added.external_attr = 3, 0o100644 << 16  # a file, with the permissions of Unix
                new.writestr(added, signature)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` whose file replaces it if the block succeeds, and is removed otherwise."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
