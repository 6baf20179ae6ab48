"""Contexts in which a packaged network computes something else: they are found, noted and refused."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

REASON = "packaging ONNX graphs needs onnx and onnxruntime: pip install onnx onnxruntime"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from onnx import TensorProto, helper  # noqa: E402

from voxstack import ContextError, Registry  # noqa: E402
from voxstack.networks.addon import Addon  # noqa: E402
from voxstack_addon_spec import open_addon  # noqa: E402
from voxstack_packager import OnnxSource, PackagingError, package, upgrade  # noqa: E402
from voxstack_packager.context_measurement import ContextProcess, measure_contexts, with_entries  # noqa: E402

RUNTIMES = """
import os, pathlib, signal
import voxstack


@voxstack.hookimpl
def voxstack_devices():
    return ["fine:cpu", "wrong:CPU", "failing:cpu", "crashing:cpu", "later:cpu"]


@voxstack.hookimpl
def voxstack_open_network(spec, context):
    if context.runtime in ("fine", "wrong", "failing", "crashing", "later"):
        return lambda x: run(context.runtime, x)


def run(runtime, x):
    with (pathlib.Path(__file__).parent / "calls").open("a") as calls:
        print(runtime, file=calls)
    if runtime == "crashing":
        os.kill(os.getpid(), signal.SIGSEGV)
    if runtime == "failing":
        raise RuntimeError("no kernel for Foo")
    return {"y": x * 2 + (runtime == "wrong")}
"""


@pytest.fixture
def runtimes(tmp_path, monkeypatch):
    """Install a plugin with runtimes of every kind for the process that measures, and let it measure."""
    site = tmp_path / "site"
    (site / "voxstack_kinds-1.dist-info").mkdir(parents=True)
    (site / "voxstack_kinds.py").write_text(RUNTIMES)
    (site / "voxstack_kinds-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: voxstack-kinds\nVersion: 1\n"
    )
    (site / "voxstack_kinds-1.dist-info" / "entry_points.txt").write_text("[voxstack]\nkinds = voxstack_kinds\n")
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.setenv("VOXSTACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("voxstack_packager.packaging.measure_contexts", measure_contexts)
    monkeypatch.setattr("voxstack_packager.packaging.ContextProcess", ContextProcess)


def doubling():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "steps"]) for name in ("x", "y"))
    model = helper.make_model(
        helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", [x], [y]),
        opset_imports=[helper.make_opsetid("", 15)],
    )
    model.ir_version = 8
    axes = ("float32", ["batch", "steps"])
    return OnnxSource(
        name="double",
        role="encoder",
        model=model,
        inputs={"x": axes},
        outputs={"y": axes},
        examples={"x": np.ones((1, 20), np.float32)},
    )


def make(folder, **options):
    return package(
        folder,
        name="tiny",
        version="1",
        license="CC0-1.0",
        languages=["en"],
        sample_rate=16000,
        hop_length=1,
        networks=[doubling()],
        **options,
    )


def measured(folder):
    with open_addon(folder) as files:
        return files.config["networks"]["double"]["measured"].get("contexts", {})


def test_wrong_contexts_are_noted_and_refused(tmp_path, runtimes):
    lines = []
    folder = make(tmp_path / "tiny", progress=lines.append)
    found = measured(folder)
    assert found["fine:cpu"] == found["later:cpu"] == {"passed": True, "error": 0.0}
    assert found["wrong:cpu"] == {"passed": False, "error": 0.5}
    assert found["failing:cpu"]["problem"].startswith("it fails: network 'double' failed: ")
    assert found["crashing:cpu"] == {"passed": False, "problem": "the runtime crashed (SIGSEGV)"}
    assert "double: in wrong:cpu differs by 0.5 of its scale: this context is refused" in lines

    for label in ("wrong:cpu", "wrong:CPU", "crashing:cpu"):
        with pytest.raises(ContextError, match=r"network 'double' is refused in \w+:cpu: when the addon was made, "):
            Addon.open(folder, Registry.installed(), label).network("double")
    network = Addon.open(folder, Registry.installed(), "onnx:cpu").network("double")
    assert "wrong:cpu: an output differs by 0.5 of its scale from the golden vectors" in network.effective.refused


def test_a_named_context_is_measured_too(tmp_path, runtimes):
    contexts = {"slow": {"runtime": "wrong"}}
    folder = make(tmp_path / "tiny", contexts=contexts, progress=str)
    assert measured(folder)["slow"] == {"passed": False, "error": 0.5}
    with pytest.raises(ContextError, match="is refused in slow"):
        Addon.open(folder, Registry.installed(), "slow").network("double")


def test_an_upgrade_measures_again(tmp_path, runtimes):
    folder = make(tmp_path / "tiny", contexts_measured=False, progress=str)
    assert measured(folder) == {}
    upgrade(folder, progress=str)
    assert measured(folder)["wrong:cpu"]["passed"] is False
    upgrade(folder, contexts_measured=False, progress=str)
    assert measured(folder)["wrong:cpu"]["passed"] is False


HANGING = """#!/bin/sh
case "$*" in
*b:cpu*) exit 0;;
esac
echo '{"context": "a:cpu"}'
echo '{"context": "a:cpu", "network": "double", "passed": true, "error": 0}'
echo '{"context": "b:cpu"}'
printf '{"con'
exec sleep 60
"""


def test_a_runtime_that_hangs_is_refused(tmp_path, monkeypatch):
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "double.npz").touch()
    program = tmp_path / "python"
    program.write_text(HANGING)
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    found = measure_contexts(tmp_path, "tiny", [], str, timeout=0.5)
    assert found["double"]["a:cpu"]["passed"] is True
    assert found["double"]["b:cpu"] == {"passed": False, "problem": "the runtime was not done after 0.5 s"}


def test_the_process_ends_with_an_addon_that_fails(tmp_path, runtimes, monkeypatch):
    started = []
    monkeypatch.setattr(
        "voxstack_packager.packaging.ContextProcess", lambda *args: started.append(ContextProcess(*args)) or started[0]
    )
    with pytest.raises(PackagingError, match="there is no file"):
        make(tmp_path / "tiny", files={"table.json": tmp_path / "absent"}, progress=str)
    assert started[0]._process.poll() is not None


def test_what_passed_is_known_the_next_time(tmp_path, runtimes):
    first = make(tmp_path / "first", progress=str)
    path = tmp_path / "site" / "calls"
    calls = path.read_text().split()
    path.unlink()
    second = make(tmp_path / "second", progress=str)
    again = path.read_text().split()
    assert (first / "addon.json").read_bytes() == (second / "addon.json").read_bytes()
    assert "fine" in calls
    assert {"fine", "later"}.isdisjoint(again)
    assert {"wrong", "failing", "crashing"} <= {*again}


def test_borrowed_networks_keep_their_entry():
    borrowed = {"addon": "other", "network": "double", "sha256": "0" * 64}
    config = {"networks": {"own": {"measured": {"contexts": 1, "scale": 2}}, "lent": borrowed}}
    entries = {"own": {"a:cpu": {"passed": True}}, "lent": {"a:cpu": {"passed": True}}}
    assert with_entries(config, entries)["networks"] == {
        "own": {"measured": {"scale": 2, "contexts": {"a:cpu": {"passed": True}}}},
        "lent": borrowed,
    }
