from __future__ import annotations

import json
import logging

import numpy as np
import pytest

import voxstack
import voxstack_diagnostics
from voxstack.networks.addon import Addon
from voxstack_diagnostics.probe import Probe
from voxstack_diagnostics.probe_sequence import ProbeSequence
from voxstack_diagnostics.stream_reports import write_late_lines

X = np.random.default_rng(0).standard_normal((100, 3)).astype(np.float32)


def pieces(whole: np.ndarray, size: int = 16):
    return iter([whole[start : start + size] for start in range(0, len(whole), size)])


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, "voxstack.probe")
    return caplog


def test_hands_the_same_chunks_on():
    chunks = list(pieces(X))
    assert all(output is chunk for output, chunk in zip(Probe().stream(iter(chunks), {}), chunks, strict=True))


def test_reports_what_went_by(log, tmp_path):
    path = tmp_path / "probe.jsonl"
    list(Probe("mel", str(path)).stream(pieces(X), {}))
    row = json.loads(path.read_text())
    assert {key: row[key] for key in ("probe", "end", "chunks", "steps", "shape", "dtype", "nans", "infs")} == {
        "probe": "mel",
        "end": "ended",
        "chunks": 7,
        "steps": 100,
        "shape": [100, 3],
        "dtype": "float32",
        "nans": 0,
        "infs": 0,
    }
    whole = X.astype(np.float64)
    figures = [whole.min(), whole.max(), whole.mean(), np.sqrt((whole**2).mean())]
    np.testing.assert_allclose([row[key] for key in ("min", "max", "mean", "rms")], figures, rtol=1e-12)
    (record,) = log.records
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("mel: ended: chunks 7, steps 100, shape [100, 3], dtype float32, min -")


def test_one_line_for_each_stream(tmp_path):
    probe = Probe(path=str(tmp_path / "probe.jsonl"))
    for count in (16, 32):
        list(probe.stream(pieces(X[:count]), {}))
    assert [json.loads(line)["steps"] for line in (tmp_path / "probe.jsonl").read_text().splitlines()] == [16, 32]


def test_warns_of_the_first_bad_step_when_it_goes_by(log, tmp_path):
    bad = X.copy()
    bad[37, 2], bad[80, 0] = np.nan, -np.inf
    stream = Probe("mel", str(tmp_path / "p")).stream(pieces(bad), {})
    next(stream), next(stream)
    assert not log.records
    next(stream)
    assert log.records[0].levelno == logging.WARNING
    assert log.messages == ["mel: a NaN or infinity at step 37 (chunk 2)"]
    list(stream)
    row = json.loads((tmp_path / "p").read_text())
    assert (row["nans"], row["infs"], len(log.messages)) == (1, 1, 2)
    np.testing.assert_allclose(row["max"], X.max())


def test_a_stream_of_nothing_but_nans(tmp_path):
    list(Probe(path=str(tmp_path / "p")).stream(iter([np.full(4, np.nan)]), {}))
    row = json.loads((tmp_path / "p").read_text())
    assert (row["nans"], row["min"], row["rms"], row["shape"]) == (4, None, None, [4])


def test_a_stream_without_chunks(log):
    list(Probe().stream(iter(()), {}))
    assert log.messages[0].startswith("probe: ended: chunks 0, steps 0, shape [0]")


def test_warns_of_a_shape_that_changes(log):
    list(Probe().stream(iter([X, X[:, :2], X[:, :1]]), {}))
    assert log.messages[0] == "probe: the stream changes at step 100: float32 (steps, 3) becomes float32 (steps, 2)"
    assert len(log.messages) == 2


def test_says_that_a_stream_was_closed_early(log):
    stream = Probe().stream(pieces(X), {})
    next(stream)
    stream.close()  # perhaps by the garbage collector, on a thread that holds the lock of a log
    write_late_lines()  # as every later call of a probe does
    assert log.messages[0].startswith("probe: closed early: chunks 1, steps 16")


def test_says_that_a_stream_failed(log):
    def failing():
        yield X
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        list(Probe().stream(failing(), {}))
    assert log.messages[0].startswith("probe: failed: OSError('no more'): chunks 1")


def test_a_report_that_cannot_be_written_does_not_end_the_stream(log, tmp_path):
    chunks = list(Probe(path=str(tmp_path)).stream(pieces(X), {}))
    assert len(chunks) == 7
    assert log.records[-1].levelno == logging.WARNING
    assert "cannot write" in log.messages[-1]


def test_figures_beyond_the_range_of_floats_do_not_end_the_stream(tmp_path):
    (chunk,) = Probe(path=str(tmp_path / "p")).stream(iter([np.full(4, 1e200)]), {})
    row = json.loads((tmp_path / "p").read_text())
    assert (row["end"], len(chunk), row["max"], row["rms"]) == ("ended", 4, 1e200, None)


def test_a_folder_that_does_not_exist_is_found_when_it_loads(tmp_path):
    with pytest.raises(voxstack.StackError, match=r"path: there is no folder .*nowhere"):
        Probe(path=str(tmp_path / "nowhere" / "p.jsonl")).load(None)
    Probe(path=str(tmp_path / "p.jsonl")).load(None)
    with pytest.raises(voxstack.StackError, match="path: there is no folder"):
        Probe(path="a\0b").load(None)


@pytest.mark.parametrize("block", [{"type": "Probe"}, {"type": "Stopwatch", "block": {"type": "Probe"}}])
def test_an_addon_from_a_stranger_names_no_file_to_write_to(write_addon, tmp_path, block):
    """A line of JSON can be code: a shell runs a command in its text."""
    registry = voxstack.Registry({"diagnostics": voxstack_diagnostics})
    spec = {**block, "path": str(tmp_path / "profile")}
    folder = write_addon()
    with pytest.raises(voxstack.StackError, match="path: names a file to write to, and this addon was not installed"):
        voxstack.build(spec, Addon.open(folder, registry))
    assert voxstack.build(block, Addon.open(folder, registry))
    assert voxstack.build(spec, Addon.open(folder, registry, trust=True))


def test_a_sequence_probe_says_what_came_and_what_was_made(log):
    from dataclasses import dataclass

    @dataclass
    class Lengths(voxstack.SequenceBlock):
        """Durations."""

        def __call__(self, utterance):
            return {"durations": np.array([1.5, np.nan, 3.0], np.float32)}

    results = ProbeSequence(Lengths(), name="enc")({"text": "a" * 100, "tokens": np.array([1, 2, 9])})
    assert list(results) == ["durations"]
    assert log.messages[0] == "enc: got text: '" + "a" * 56 + "..."
    assert log.messages[1] == "enc: got tokens: (3,) int64, 1 to 9"
    assert log.messages[2].startswith("enc: Lengths took ")
    assert log.messages[3] == "enc: gave durations: (3,) float32, 1.5 to 3, 1 NaN, 0 infinite"
    assert log.messages[4] == "enc: durations contains a NaN or infinity"
