"""Voices of every architecture side by side in one process; each stream equals the same request alone."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

REASON = "models of transformers are imported here: pip install 'voxstack[test]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("transformers", reason=REASON)
pytest.importorskip("sentencepiece", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("espeakng_loader", reason="espeak-ng is an extra: pip install 'voxstack[espeak]'")


@pytest.fixture(scope="module")
def architectures() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as context:
        context.syspath_prepend(str(Path(__file__).parent))
        yield __import__("architectures")


@pytest.fixture(scope="module")
def rows(architectures: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the measurements of each voice, by its name."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # models as small as these gain nothing from threads, which on a busy machine wait long
    with pytest.MonkeyPatch.context() as context:
        context.syspath_prepend(str(architectures.SUPPORT))
        with __import__("shared_exports").shared_exports():
            rows = architectures.import_voices(tmp_path_factory.mktemp("architectures"))
    torch.set_num_threads(threads)
    architectures.run(rows)
    return {row.name: row for row in rows}


def test_all_are_there(rows):
    assert set(rows) == {
        "amber",
        "cobalt",
        "piper",
        "vits",
        "speecht5",
        "espeak",
        *(["flite"] if find_library("flite") else []),
    }
    assert all(row.seconds > 0.1 and np.abs(row.samples).max() > 0 for row in rows.values())


def test_each_stream_among_many_is_what_it_is_alone(rows):
    assert {name: row.interleaved for name, row in rows.items()} == dict.fromkeys(rows, 0.0)


def test_chunks_joined_are_the_whole(rows):
    assert all(row.chunked < 1e-3 for row in rows.values()), {name: row.chunked for name, row in rows.items()}


def test_streams_that_start_in_the_middle_are_the_rest_of_the_whole(rows):
    assert {name: row.resumed for name, row in rows.items()} == dict.fromkeys(rows, 0.0)


def test_the_first_audio_comes_before_the_rest_is_made(rows):
    for name in ("amber", "cobalt", "piper", "vits", "speecht5"):
        assert 0 < rows[name].first < rows[name].calls / 3, name
    assert all(row.chunks > 2 and row.share < 0.5 for row in rows.values())


def test_voices_share_what_they_borrow(rows):
    assert rows["amber"].shared == rows["cobalt"].shared > 5
    assert all(row.shared == 0 for name, row in rows.items() if name not in ("amber", "cobalt"))


def test_the_comparison_can_tell_streams_apart(rows, architectures):
    samples = rows["amber"].samples
    assert architectures.difference(samples, samples) == 0
    assert architectures.difference(samples, np.roll(samples, 1)) > 0.01
    assert architectures.difference(samples, samples[1:]) == float("inf")
    assert "amber" in architectures.table(list(rows.values()))
