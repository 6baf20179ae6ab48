"""The file of an addon's signature, whose content is checked elsewhere."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from voxstack_addon_spec import AddonError, open_addon, write_zip


def test_an_addon_may_have_none(folder: Path, tmp_path: Path):
    assert open_addon(folder).signature() is None
    with open_addon(write_zip(folder, tmp_path / "prism.zip")) as addon:
        assert addon.signature() is None


def test_it_lies_beside_addon_json_unlisted_in_a_folder_and_in_a_zip(folder: Path, tmp_path: Path):
    (folder / "addon.json.sig").write_bytes(b"signed")
    for place in (folder, write_zip(folder, tmp_path / "prism.zip")):
        with open_addon(place) as addon:
            addon.verify()
            assert addon.signature() == b"signed"
            assert addon.config_sha256 == hashlib.sha256((folder / "addon.json").read_bytes()).hexdigest()
    with zipfile.ZipFile(tmp_path / "prism.zip") as file:
        assert file.namelist()[:2] == ["addon.json", "addon.json.sig"]


def test_the_hash_is_that_of_the_config_that_was_read(folder: Path):
    data = (folder / "addon.json").read_bytes()
    addon = open_addon(folder)
    (folder / "addon.json").write_bytes(data + b" ")
    assert addon.config_sha256 == hashlib.sha256(data).hexdigest()


def test_it_is_small(folder: Path, tmp_path: Path):
    (folder / "addon.json.sig").write_bytes(b" " * 16 * 1024)
    assert len(open_addon(folder).signature() or b"") == 16 * 1024
    (folder / "addon.json.sig").write_bytes(b" " * (16 * 1024 + 1))
    with pytest.raises(AddonError, match=r"addon\.json\.sig: is larger than 16384 bytes; sign the addon again"):
        open_addon(folder).signature()


@pytest.mark.parametrize("target", ["../secret", "missing"])
def test_a_link_that_leads_nowhere_is_an_error_and_no_missing_signature(folder: Path, target: str):
    (folder.parent / "secret").write_bytes(b"x")
    (folder / "addon.json.sig").symlink_to(target)
    with pytest.raises(AddonError, match=r"addon\.json\.sig: (is a link that leaves|missing)"):
        open_addon(folder).signature()
