"""Voices of every architecture side by side in one process, each stream what it is alone."""

from __future__ import annotations

from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest

REASON = "models of transformers are imported here: pip install 'voxstack[test]'"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("transformers", reason=REASON)
pytest.importorskip("sentencepiece", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("espeakng_loader", reason="espeak-ng is an extra: pip install 'voxstack[espeak]'")


@pytest.fixture(scope="module")
def architectures():
    with pytest.MonkeyPatch.context() as context:
        context.syspath_prepend(str(Path(__file__).parent))
        yield __import__("architectures")


@pytest.fixture(scope="module")
def found(architectures, tmp_path_factory: pytest.TempPathFactory):
    return {row.name: row for row in architectures.run(tmp_path_factory.mktemp("architectures"))}


def test_all_are_there(found):
    assert set(found) == {
        "amber",
        "cobalt",
        "piper",
        "vits",
        "speecht5",
        "espeak",
        *(["flite"] if find_library("flite") else []),
    }
    assert all(row.seconds > 0.1 and np.abs(row.alone).max() > 0 for row in found.values())


def test_each_stream_among_many_is_what_it_is_alone(found):
    assert {name: row.together for name, row in found.items()} == dict.fromkeys(found, 0.0)


def test_chunks_joined_are_the_whole(found):
    assert all(row.streamed < 1e-3 for row in found.values()), {name: row.streamed for name, row in found.items()}


def test_the_first_audio_comes_before_the_rest_is_made(found):
    for name in ("amber", "cobalt", "piper", "vits", "speecht5"):
        assert 0 < found[name].first < found[name].calls / 3, name
    assert all(row.chunks > 2 and row.share < 0.5 for row in found.values())


def test_voices_share_what_they_borrow(found):
    assert found["amber"].shared == found["cobalt"].shared > 5
    assert all(row.shared == 0 for name, row in found.items() if name not in ("amber", "cobalt"))


def test_the_comparison_can_tell_streams_apart(found, architectures):
    made = found["amber"].alone
    assert architectures.difference(made, made) == 0
    assert architectures.difference(made, np.roll(made, 1)) > 0.01
    assert architectures.difference(made, made[1:]) == float("inf")
    assert "amber" in architectures.table(list(found.values()))
