"""Optimized graphs are kept on the disk: the same results, and nothing that is damaged or of others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_onnx_runtime
from voxstack import NetworkError, Registry
from voxstack.networks.addon import Addon
from voxstack_addon_spec import file_entry, folder_cache
from voxstack_onnx_runtime import graph_cache, opening
from voxstack_onnx_runtime.graph_cache import GraphCache, store_optimized, user_cache

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")

X = np.random.default_rng(0).standard_normal((1, 5, 40)).astype(np.float32)
FRAMES = {"frames": tensor("batch", "frames", 40)}


def layers(path: Path, last: str = "Relu") -> None:
    """Write a network whose nodes ONNX Runtime fuses, with weights worth a file of their own."""
    helper, random = onnx.helper, np.random.default_rng(1)
    value = lambda name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", "frames", 40])  # noqa: E731
    weights = {"w": (40, 40), "b": (40,)}
    nodes = [helper.make_node("MatMul", ["frames", "w"], ["h"]), helper.make_node("Add", ["h", "b"], ["i"])]
    nodes += [helper.make_node("Identity", ["i"], ["j"]), helper.make_node(last, ["j"], ["mel"])]
    constants = [
        onnx.numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in weights.items()
    ]
    graph = helper.make_graph(nodes, "net", [value("frames")], [value("mel")], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOXSTACK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "onnx"


@pytest.fixture
def run(write_addon: Callable[..., Path]) -> Callable[..., np.ndarray]:
    """Open the network anew, as another process would, and run it."""
    spec = network("decoder", FRAMES, {"mel": tensor("batch", "frames", 40)})
    spec["exports"] = [{"format": "onnx", "symbol": "net.onnx"}]
    path = write_addon(networks={"net": spec})
    layers(path / "net.onnx")
    config = json.loads((path / "addon.json").read_text())

    def run_it(**context: Any) -> np.ndarray:
        contexts = {"default": {"runtime": "onnx", **context}}
        files = {"net.onnx": file_entry(path / "net.onnx")}
        (path / "addon.json").write_text(
            json.dumps({**config, "spec_version": 3, "files": files, "contexts": contexts})
        )
        addon = Addon.open(path, Registry({"onnx_runtime": voxstack_onnx_runtime}), trust=True)
        return addon.network("net")(frames=X)["mel"]

    return run_it


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of files that ONNX Runtime opens from now on."""
    import onnxruntime

    found: list[Path] = []
    session = onnxruntime.InferenceSession

    def record(path: str, *arguments: Any, **settings: Any) -> Any:
        found.append(Path(path))
        return session(path, *arguments, **settings)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    return found


def graphs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/graph.onnx"))


def test_the_second_opening_is_of_the_optimized_graph_with_the_same_results(
    folder: Path, run: Callable[..., np.ndarray], opened: list[Path]
) -> None:
    first = run()
    (graph,) = graphs(folder)
    assert [path.name for path in opened] == ["net.onnx"]
    assert len(onnx.load(graph, load_external_data=False).graph.node) < 4
    assert (graph.parent / "graph.onnx.data").stat().st_size >= 40 * 40 * 4
    np.testing.assert_array_equal(run(), first)
    assert opened[1:] == [graph]
    assert folder.stat().st_mode & 0o777 == graph.parent.stat().st_mode & 0o777 == 0o700


def test_what_a_graph_depends_on_has_a_graph_of_its_own(
    folder: Path, run: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    run(threads=2)  # the graph does not depend on it
    assert len(graphs(folder)) == 1
    run(options={"session": {"session.disable_prepacking": "1"}})
    assert len(graphs(folder)) == 2
    monkeypatch.setattr(graph_cache, "processor", lambda: "another")
    run()
    assert len(graphs(folder)) == 3
    monkeypatch.setattr("onnxruntime.__version__", "0")
    run()
    assert len(graphs(folder)) == 4


@pytest.mark.parametrize("name", ["graph.onnx", "graph.onnx.data", "sha256.json"])
@pytest.mark.parametrize("damage", ["change", "cut", "remove"])
def test_a_damaged_graph_is_not_opened_but_made_again(
    name: str, damage: str, folder: Path, run: Callable[..., np.ndarray], opened: list[Path]
) -> None:
    first = run()
    path = graphs(folder)[0].parent / name
    content = path.read_bytes()
    path.unlink()
    if damage != "remove":
        path.write_bytes(content[:-1] + (bytes([content[-1] ^ 1]) if damage == "change" else b""))
    np.testing.assert_array_equal(run(), first)
    assert opened[1].name == "net.onnx"
    np.testing.assert_array_equal(run(), first)
    assert opened[2].name == "graph.onnx"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have no modes here")
@pytest.mark.parametrize("where", ["folder", "graph"])
def test_nothing_is_opened_that_others_can_write_to(
    where: str, folder: Path, run: Callable[..., np.ndarray], opened: list[Path]
) -> None:
    run()
    (folder if where == "folder" else graphs(folder)[0].parent).chmod(0o777)
    run()
    assert [path.name for path in opened] == ["net.onnx"] * 2


def test_a_link_is_not_followed(folder: Path, run: Callable[..., np.ndarray], opened: list[Path]) -> None:
    run()
    place = graphs(folder)[0].parent
    place.rename(folder.parent / "elsewhere")
    place.symlink_to(folder.parent / "elsewhere")
    run()
    assert [path.name for path in opened] == ["net.onnx"] * 2


def test_a_graph_that_cannot_be_opened_costs_time_once(
    folder: Path, run: Callable[..., np.ndarray], opened: list[Path]
) -> None:
    first = run()
    place = graphs(folder)[0].parent
    (place / "graph.onnx").write_bytes(b"no graph")
    hashes = {path.name: folder_cache._sha256(path) for path in place.iterdir() if path.suffix != ".json"}
    (place / "sha256.json").write_text(json.dumps(hashes))
    for _ in range(2):
        np.testing.assert_array_equal(run(), first)
    assert [path.name for path in opened] == ["net.onnx", "graph.onnx", "net.onnx", "net.onnx"]


def test_where_nothing_can_be_written_networks_open_all_the_same(
    folder: Path, run: Callable[..., np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.parent.mkdir()
    folder.write_bytes(b"a file")
    first = run()
    folder.unlink()
    monkeypatch.setattr(opening, "store_optimized", lambda options, path: store_optimized(options, Path("/nowhere/x")))
    np.testing.assert_array_equal(run(), first)
    assert list(folder.iterdir()) == [], "nothing incomplete is left"


def test_a_network_that_does_not_open_leaves_nothing(folder: Path, write_addon: Callable[..., Path]) -> None:
    spec = network("decoder", FRAMES, {"mel": tensor("batch", "frames", 40)})
    spec["exports"] = [{"format": "onnx", "symbol": "net.onnx"}]
    path = write_addon(networks={"net": spec}, contexts={"default": {"runtime": "onnx"}})
    layers(path / "net.onnx", "NoSuchOperator")
    config = json.loads((path / "addon.json").read_text())
    (path / "addon.json").write_text(json.dumps({**config, "files": {"net.onnx": file_entry(path / "net.onnx")}}))
    addon = Addon.open(path, Registry({"onnx_runtime": voxstack_onnx_runtime}))
    with pytest.raises(NetworkError, match=r"cannot open net\.onnx"):
        addon.network("net")
    assert list(folder.iterdir()) == []


def test_the_graphs_that_were_used_longest_ago_make_room(tmp_path: Path) -> None:
    cache = GraphCache(tmp_path / "cache", most=3000)

    def store(key: str, size: int) -> None:
        with cache.storing(key) as target:
            assert target is not None
            target.write_bytes(bytes(size))

    for number, key in enumerate("abc"):
        store(key, 800)
        os.utime(tmp_path / "cache" / key, (number, number))
    assert cache.find("a") is not None, "which is a use"
    store("d", 800)
    assert [key for key in "abcd" if cache.find(key)] == ["a", "c", "d"]
    store("e", 9000)
    assert [key for key in "abcde" if cache.find(key)] == ["e"], "what was just written stays"


def test_processes_that_write_at_once_leave_one_whole_graph(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\nfrom voxstack_onnx_runtime.graph_cache import GraphCache\n"
        "cache = GraphCache(pathlib.Path(sys.argv[1]))\n"
        "for key in map(str, range(200)):\n"
        "    with cache.storing(key) as target:\n"
        "        if target is not None:\n"
        "            target.write_bytes(bytes(5000))\n"
        "    found = cache.find(key)\n"
        "    assert found is not None and found.stat().st_size == 5000, key\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "cache")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) for _ in range(3)]
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 3
    assert len(list((tmp_path / "cache").iterdir())) == 200


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VOXSTACK_CACHE", "")
    assert user_cache() is None
    monkeypatch.delenv("VOXSTACK_CACHE")
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    cache = user_cache()
    assert cache is not None
    assert cache._folder == tmp_path / "voxstack" / "onnx"


def test_a_graph_that_has_not_changed_is_hashed_once(
    folder: Path, run: Callable[..., np.ndarray], opened: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    hashed: list[Path] = []
    real = folder_cache._sha256
    monkeypatch.setattr(folder_cache, "_sha256", lambda path: (hashed.append(path), real(path))[1])
    now = time.time
    monkeypatch.setattr("voxstack_addon_spec.user_cache.time.time", lambda: now() + 60)
    for _ in range(3):
        np.testing.assert_array_equal(run(), first)
    assert sorted(path.name for path in hashed) == ["graph.onnx", "graph.onnx.data"]
    assert [path.name for path in opened] == ["net.onnx", *["graph.onnx"] * 3]
