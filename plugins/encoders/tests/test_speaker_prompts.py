from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from voxstack import AddonError, RequestError, StackError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_encoders.speaker_prompts import SpeakerPrompts

FILES = {"anna": "anna.npz", "ben": "voices/ben.npz"}


def loaded(folder, block):
    block.load(SimpleNamespace(name="test", file=lambda name: folder / name))
    return block


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "voices").mkdir()
    np.savez(tmp_path / "anna.npz", keys=np.zeros((2, 3)), values=np.arange(4.0))
    np.savez(tmp_path / "voices" / "ben.npz", keys=np.ones((2, 7)), values=np.arange(2.0))
    return tmp_path


@parametrize_with_checks([Case(SpeakerPrompts(FILES))])
def test_contract(case, check, folder):
    loaded(folder, case.block)
    check(case)


def test_the_speaker_selects_the_arrays(folder):
    block = loaded(folder, SpeakerPrompts(FILES))
    assert block.gives == {"keys", "values"}
    assert block({})["keys"].shape == (2, 3)
    assert block({"speaker": "ben"})["keys"].shape == (2, 7)
    assert loaded(folder, SpeakerPrompts(FILES, default="ben"))({})["keys"].shape == (2, 7)
    with pytest.raises(ValueError, match="read-only"):
        block({})["keys"][0, 0] = 1


def test_an_unknown_speaker_is_refused(folder):
    with pytest.raises(RequestError, match=r"there is no speaker 'bem'; did you mean 'ben'.*use one of anna, ben"):
        loaded(folder, SpeakerPrompts(FILES))({"speaker": "bem"})


def test_refusals_of_files(folder):
    with pytest.raises(StackError, match="default: 'carl' is not a speaker"):
        loaded(folder, SpeakerPrompts(FILES, default="carl"))
    np.savez(folder / "anna.npz", keys=np.zeros(2))
    with pytest.raises(
        AddonError, match=r"only one of anna.npz and voices/ben.npz has 'values'; give the prompts of all"
    ):
        loaded(folder, SpeakerPrompts(FILES))
    (folder / "anna.npz").write_bytes(b"PK nonsense")
    with pytest.raises(AddonError, match=r"anna.npz: is not an .npz of plain arrays \(.*\); write it with numpy.savez"):
        loaded(folder, SpeakerPrompts(FILES))
    np.savez(folder / "anna.npz", keys=np.array([{}], dtype=object), values=np.zeros(1))
    with pytest.raises(AddonError, match=r"is not an .npz of plain arrays"):
        loaded(folder, SpeakerPrompts(FILES))
