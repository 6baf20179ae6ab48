from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import voxstack
import voxstack_voice_prism
from voxstack import Registry
from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon


@pytest.fixture(scope="module")
def folder() -> Path:
    (folder,) = voxstack_voice_prism.voxstack_addons()
    return folder


def test_the_addon_is_whole(folder: Path) -> None:
    with open_addon(folder) as files:
        files.verify()
        assert files.config["name"] == folder.name == "prism"
        assert "TEACHER_LICENSE" in files.config["files"]


def test_the_vocoder_gives_its_golden_vectors(folder: Path) -> None:
    addon = Addon.open(folder, Registry.installed())
    with np.load(addon.files.path("golden/vocoder.npz"), allow_pickle=False) as golden:
        inputs = {name: golden[f"inputs.{name}"] for name in addon.networks["vocoder"].inputs}
        expected = golden["outputs.spectra"]
    made = addon.network("vocoder")(**inputs)["spectra"]
    np.testing.assert_allclose(made, expected, atol=1e-4 * np.abs(expected).max())


def test_it_lends_and_does_not_speak(folder: Path) -> None:
    with pytest.raises(voxstack.StackError, match="has no stack: it lends its networks"):
        voxstack.load(folder)
