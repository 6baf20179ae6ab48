"""Graphs that were measured before: the same addon, and measured again whenever anything is different."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "packaging ONNX graphs needs onnx and onnxruntime: pip install onnx onnxruntime"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from voxstack_packager import OnnxSource, package  # noqa: E402
from voxstack_packager.known import known_networks  # noqa: E402


def noise(random, sizes):
    return {"x": random.standard_normal((1, sizes["steps"]), np.float32)}


def source(factor=2.0, **changes):
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "steps"]) for name in ("x", "y"))
    weight = numpy_helper.from_array(np.array([factor], np.float32), "factor")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "factor"], ["y"])], "scale", [x], [y], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    axes = ("float32", [1, "steps"])
    options = {"examples": noise, "streaming": "steps", **changes}
    return OnnxSource(name="scale", role="decoder", model=model, inputs={"x": axes}, outputs={"y": axes}, **options)


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Package a source, and return the content of the addon's files, and how often it was measured."""
    monkeypatch.setenv("VOXSTACK_CACHE", str(tmp_path / "cache"))
    measured = []
    real = known_networks.package_network

    def counting(*args):
        measured.append(args)
        return real(*args)

    monkeypatch.setattr(known_networks, "package_network", counting)
    count = iter(range(100))

    def run(network):
        measured.clear()
        head = {"name": "tiny", "version": "1", "license": "CC0-1.0", "languages": ["en"], "progress": str}
        folder = tmp_path / str(next(count))
        package(folder, **head, sample_rate=8000, hop_length=1, networks=[network])
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}, measured

    return run


@pytest.mark.parametrize("examples", [noise, {"x": np.ones((1, 20), np.float32)}], ids=["function", "arrays"])
def test_the_same_network_is_measured_once(make, examples):
    first, measured = make(source(examples=examples))
    assert len(measured) == 1
    second, measured = make(source(examples=examples))
    assert not measured
    assert first == second
    assert {str(path) for path in first} == {"addon.json", "scale.onnx", "golden/scale.npz"}


@pytest.mark.parametrize(
    "changes",
    [
        {"factor": 3.0},
        {"examples": lambda random, sizes: {"x": 2 * noise(random, sizes)["x"]}},
        {"examples": {"x": np.ones((1, 20), np.float32)}},
        {"streaming": None},
        {"description": "It scales."},
        {"half": True},
        {"golden": ({"x": np.ones((1, 3), np.float32)}, {"y": np.full((1, 3), 2, np.float32)})},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_anything_else_is_measured(make, changes):
    make(source())
    _, measured = make(source(**changes))
    assert measured


def test_other_software_is_measured_with(make, monkeypatch):
    make(source())
    monkeypatch.setattr(known_networks, "software_digest", lambda: "other")
    _, measured = make(source())
    assert measured


def test_a_damaged_cache_is_not_believed(make, tmp_path):
    first, _ = make(source())
    for path in (tmp_path / "cache" / "measured").rglob("*.onnx"):
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    second, measured = make(source())
    assert measured
    assert first == second


def test_a_cache_that_cannot_be_written_costs_time_only(make, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    first, measured = make(source())
    second, _ = make(source())
    assert measured
    assert first == second
