from __future__ import annotations

import json
import logging
import math

import numpy as np
import pytest

import voxstack
from voxstack_diagnostics.histogram import Histogram
from voxstack_diagnostics.running_histogram import RunningHistogram

RANDOM = np.random.default_rng(0)
X = (RANDOM.standard_normal((5000, 2)) * 0.4).astype(np.float32)


def filled(values: np.ndarray, *settings) -> RunningHistogram:
    histogram = RunningHistogram(*settings)
    for part in np.array_split(values, 7):
        histogram.add(part)
    return histogram


def test_counts_are_those_of_numpy():
    histogram = filled(X, -1, 1, 50)
    counts, edges = np.histogram(X.astype(np.float64), 50, (-1, 1))
    np.testing.assert_array_equal(histogram.counts, counts)
    np.testing.assert_allclose(histogram.edges, edges)
    assert (histogram.below, histogram.above) == ((X < -1).sum(), (X > 1).sum())
    assert histogram.total == X.size


def test_decibels_count_magnitudes():
    values = np.array([1.0, -1.0, 0.1, 0.0, 1e-9, 10.0, np.nan, -np.inf], np.float32)
    histogram = filled(values, -40.5, 0.5, 41, "db")
    assert histogram.counts[[20, 40]].tolist() == [1, 2]
    assert (histogram.below, histogram.above, histogram.not_finite) == (2, 1, 2)
    np.testing.assert_array_equal(filled(X * 1j, 0, 1, 9).counts, filled(np.abs(X), 0, 1, 9).counts)


def test_histograms_of_parts_add_up_to_that_of_the_whole():
    whole, other = filled(X, -1, 1, 40), filled(X[:2000], -1, 1, 40)
    other.merge(RunningHistogram.from_row(json.loads(json.dumps(filled(X[2000:], -1, 1, 40).row()))))
    assert other.row() == whole.row()
    with pytest.raises(voxstack.VoxstackError, match="histograms of other bins cannot be added"):
        other.merge(RunningHistogram(-1, 1, 41))


def test_quantiles_are_those_of_the_values_within_a_bin():
    histogram = filled(X, -2, 2, 400)
    for share in (0.01, 0.25, 0.5, 0.9, 0.99):
        assert histogram.quantile(share) == pytest.approx(float(np.quantile(X, share)), abs=0.011)
    assert RunningHistogram(0, 1, 9).quantile(0.5) is None
    assert filled(np.full(10, 5.0), 0, 1, 9).quantile(0.5) == math.inf
    assert filled(np.full(10, -5.0), 0, 1, 9).quantile(0.5) == -math.inf


def test_the_block_reports_its_bins(caplog, tmp_path):
    caplog.set_level(logging.INFO, "voxstack.histogram")
    path = tmp_path / "h.jsonl"
    block = Histogram(bins=50, name="mel", path=str(path))
    for part in (X[:1000], X[1000:]):
        made = list(block.stream(iter(np.array_split(part, 3)), {}))
        np.testing.assert_array_equal(np.concatenate(made), part)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    total = RunningHistogram.from_row(rows[0])
    total.merge(RunningHistogram.from_row(rows[1]))
    np.testing.assert_array_equal(total.counts, np.histogram(X.astype(np.float64), 50, (-1, 1))[0])
    assert (rows[0]["histogram"], rows[0]["end"]) == ("mel", "ended")
    assert caplog.messages[0].startswith("mel: ended: 2000 values, ")
    assert "quantiles: 1% -0.9" in caplog.messages[0]


def test_a_stream_of_nothing_has_no_quantiles(caplog):
    caplog.set_level(logging.INFO, "voxstack.histogram")
    assert list(Histogram().stream(iter(()), {})) == []
    assert caplog.messages == ["histogram: ended: 0 values, 0 below, 0 above, 0 not finite; quantiles: none"]


def test_what_cannot_be_counted_is_an_error():
    with pytest.raises(voxstack.NetworkError, match=r"Histogram: takes arrays of numbers; the block before gave <U1"):
        list(Histogram().stream(iter([np.array(["a"])]), {}))
    with pytest.raises(voxstack.StackError, match="high: -1 is not above low, 1; exchange"):
        Histogram(1, -1).load(None)
