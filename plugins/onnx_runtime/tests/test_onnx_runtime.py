from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_onnx_runtime
from voxstack import AddonError, ContextError, NetworkError, Registry
from voxstack.networks import Context
from voxstack.networks.addon import Addon
from voxstack_addon_spec import file_entry

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")

SPEC = network("decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)})
SPEC["exports"] = [{"format": "onnx", "symbol": "net.onnx"}]


def scaling(path: Path, external: str | None = None) -> None:
    """Write a network that multiplies by (2, 3), with its weights inside or in the file ``external``."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    axes = ["batch", "frames", 2]
    value = lambda name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, axes)  # noqa: E731
    weights = numpy_helper.from_array(np.array([2, 3], np.float32), "weights")
    if external:
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        for key, text in {"location": external, "offset": "0", "length": "8"}.items():
            weights.external_data.add(key=key, value=text)
    graph = helper.make_graph(
        [helper.make_node("Mul", ["frames", "weights"], ["mel"])], "net", [value("frames")], [value("mel")], [weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())


@pytest.fixture
def open_net(write_addon: Callable[..., Path]) -> Callable[..., Addon]:
    """Open an addon around one ONNX file, which ``make(folder)`` writes."""

    def open_it(make: Callable[[Path], list[str]], spec: dict[str, Any] = SPEC, **context: Any) -> Addon:
        folder = write_addon(networks={"net": spec}, contexts={"default": {"runtime": "onnx", **context}})
        names = make(folder)
        config = json.loads((folder / "addon.json").read_text())
        files = {name: file_entry(folder / name) for name in names}
        (folder / "addon.json").write_text(json.dumps({**config, "files": files}))
        return Addon.open(folder, Registry({"onnx_runtime": voxstack_onnx_runtime}))

    return open_it


def inside(folder: Path) -> list[str]:
    scaling(folder / "net.onnx")
    return ["net.onnx"]


def test_a_network_runs_with_any_sizes(open_net: Callable[..., Addon]) -> None:
    net = open_net(inside).network("net")
    for batch, frames in [(1, 1), (1, 7), (3, 0)]:
        x = np.ones((batch, frames, 2), np.float32)
        x.flags.writeable = False
        np.testing.assert_array_equal(net(frames=x)["mel"], x * [2, 3])


def test_parameters_may_lie_beside_the_symbol(open_net: Callable[..., Addon]) -> None:
    def beside(folder: Path) -> list[str]:
        scaling(folder / "net.onnx", "net.onnx.data")
        (folder / "net.onnx.data").write_bytes(np.array([2, 3], np.float32).tobytes())
        return ["net.onnx", "net.onnx.data"]

    spec = {**SPEC, "exports": [{"format": "onnx", "symbol": "net.onnx", "parameters": "net.onnx.data"}]}
    assert open_net(beside, spec).network("net").run_single(frames=np.ones((1, 2), np.float32))["mel"].tolist() == [
        [2, 3]
    ]


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "*/_ORT_MEM_ADDR_/*", "./../secret.bin"])
def test_parameters_outside_the_addon_are_refused(
    open_net: Callable[..., Addon], location: str, tmp_path: Path
) -> None:
    def outside(folder: Path) -> list[str]:
        (tmp_path / "secret.bin").write_bytes(bytes(8))
        scaling(folder / "net.onnx", location)
        return ["net.onnx"]

    with pytest.raises(AddonError, match=r"network 'net': net\.onnx: refers to the file .* for its weights"):
        open_net(outside).network("net")


@pytest.mark.parametrize("listed", [False, True])
def test_parameters_that_the_export_does_not_declare_are_refused(open_net: Callable[..., Addon], listed: bool) -> None:
    """They would lie in the addon, but the hash by which networks are shared does not cover them."""

    def undeclared(folder: Path) -> list[str]:
        scaling(folder / "net.onnx", "other.data")
        for name in ("other.data", "net.onnx.data"):
            (folder / name).write_bytes(np.array([2, 3], np.float32).tobytes())
        return ["net.onnx", "net.onnx.data", *(["other.data"] if listed else [])]

    problem = r"net\.onnx: refers to the file 'other\.data' for its weights, and this export declares "
    spec = {**SPEC, "exports": [{"format": "onnx", "symbol": "net.onnx", "parameters": "net.onnx.data"}]}
    with pytest.raises(AddonError, match=problem + r"'net\.onnx\.data'; declare it"):
        open_net(undeclared, spec).network("net")


def test_a_file_in_another_format_than_onnx_is_refused(open_net: Callable[..., Addon]) -> None:
    """ONNX Runtime would open it by its name, and not as the reader checked it."""
    spec = {**SPEC, "exports": [{"format": "onnx", "symbol": "net.ort"}]}

    def named(folder: Path) -> list[str]:
        scaling(folder / "net.ort")
        return ["net.ort"]

    assert open_net(named, spec).network("net").run_single(frames=np.ones((1, 2), np.float32))["mel"].tolist() == [
        [2, 3]
    ]


@pytest.mark.parametrize("swap", [False, True])
def test_a_file_that_changes_while_it_is_opened_is_refused(
    open_net: Callable[..., Addon], monkeypatch: pytest.MonkeyPatch, swap: bool
) -> None:
    import onnxruntime

    addon = open_net(inside)
    path = Path(addon.files.location) / "net.onnx"
    original, status = path.read_bytes(), path.stat()
    session = onnxruntime.InferenceSession

    def change(*arguments: Any, **more: Any) -> Any:
        path.write_bytes(original.replace(b"\x00\x00\x40\x40", b"\x00\x00\x40\x41"))
        opened = session(*arguments, **more)
        if swap:
            path.write_bytes(original)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return opened

    monkeypatch.setattr(onnxruntime, "InferenceSession", change)
    with pytest.raises(AddonError, match=r"net\.onnx"):
        addon.network("net")


def test_many_threads_are_no_more_than_the_machine_has(
    open_net: Callable[..., Addon], monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    seen: list[Any] = []
    session = onnxruntime.InferenceSession

    def record(path: Any, options: Any, **more: Any) -> Any:
        seen.append((options.intra_op_num_threads, options.get_session_config_entry("session.intra_op.allow_spinning")))
        return session(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    addon = open_net(inside, threads=256)
    assert addon.network("net").effective.threads == 8
    assert addon.network("net", {"runtime": "onnx", "threads": 2}).effective.threads == 2
    assert seen == [(8, "0"), (2, "1")]


def test_what_is_no_network_is_an_error(open_net: Callable[..., Addon]) -> None:
    def foreign(folder: Path) -> list[str]:
        (folder / "net.onnx").write_bytes(b"not a network")
        return ["net.onnx"]

    with pytest.raises(AddonError, match=r"net\.onnx: is not an ONNX file that can be opened"):
        open_net(foreign).network("net")


def test_what_onnx_runtime_cannot_open_is_an_error(open_net: Callable[..., Addon]) -> None:
    def empty(folder: Path) -> list[str]:
        (folder / "net.onnx").write_bytes(b"\x08\x07")
        return ["net.onnx"]

    with pytest.raises(NetworkError, match=r"cannot open net\.onnx"):
        open_net(empty).network("net")


def test_a_file_that_was_changed_is_refused(open_net: Callable[..., Addon]) -> None:
    addon = open_net(inside)
    path = Path(addon.files.location) / "net.onnx"
    path.write_bytes(path.read_bytes().replace(b"frames", b"fromes"))
    with pytest.raises(AddonError, match=r"net\.onnx.*sha256"):
        addon.network("net")


def test_names_that_the_addon_declares_otherwise_are_an_error(open_net: Callable[..., Addon]) -> None:
    spec = {**SPEC, "outputs": {"sound": tensor("batch", "frames", 2)}}
    with pytest.raises(NetworkError, match=r"the file has the outputs \['mel'\], and the addon declares \['sound'\]"):
        open_net(inside, spec).network("net")


def test_what_is_effective_is_reported(open_net: Callable[..., Addon]) -> None:
    import onnxruntime

    net = open_net(inside, device="CPU", threads=2).network("net")
    reported = net.effective
    assert (reported.device, reported.provider, reported.threads, reported.precision) == (
        "cpu",
        "CPUExecutionProvider",
        2,
        "float32",
    )
    assert reported.version == onnxruntime.__version__
    assert net.stats["onnx_runtime"] == {"compilations": 1}


def test_of_fixed_sizes_no_others_are_taken_and_one_session_serves_all(open_net: Callable[..., Addon]) -> None:
    addon = open_net(inside)
    context = Context("onnx", shapes={"frames": (4, 8), "batch": (1, 2)})
    run = voxstack_onnx_runtime.voxstack_open_network(spec=addon.networks["net"], context=context)
    assert run is not None
    assert run.stats == {"compilations": 1}
    assert run.effective["shapes"] == {"batch": (1, 2), "frames": (4, 8)}
    assert run.effective["provider"] == "CPUExecutionProvider"
    for rows, frames in [(1, 4), (2, 8)]:
        x = np.ones((rows, frames, 2), np.float32)
        np.testing.assert_array_equal(run(frames=x)["mel"], x * [2, 3])
    for rows, frames in [(1, 5), (3, 4)]:
        with pytest.raises(
            NetworkError, match=rf"compiled for the sizes .*, and asked for {{'batch': {rows}, 'frames': {frames}}}"
        ):
            run(frames=np.ones((rows, frames, 2), np.float32))


def test_a_missing_export_is_an_error_that_says_which_there_are(open_net: Callable[..., Addon]) -> None:
    spec = {**SPEC, "exports": [{"format": "pt2", "symbol": "net.onnx"}]}
    with pytest.raises(ContextError, match="needs an export of format 'onnx', and it has only pt2"):
        open_net(inside, spec).network("net")


def test_other_runtimes_are_left_to_others(open_net: Callable[..., Addon]) -> None:
    addon = open_net(inside)
    with pytest.raises(ContextError, match="no runtime named 'torch' is installed"):
        addon.network("net", {"runtime": "torch"})


def test_importing_the_plugin_imports_no_runtime() -> None:
    code = "import sys, voxstack_onnx_runtime; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0


def test_without_onnx_runtime_it_says_what_to_install(
    open_net: Callable[..., Addon], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ContextError, match="the runtime 'onnx' needs ONNX Runtime; try: pip install onnxruntime"):
        open_net(inside).network("net")
    assert voxstack_onnx_runtime.voxstack_devices() == []
