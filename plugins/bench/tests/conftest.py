"""A small world: a voice of two ONNX networks with golden vectors, and a plugin that worker processes find, too."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_bench
import voxstack_onnx_runtime
from voxstack import Registry
from voxstack_addon_spec import file_entry
from voxstack_bench.commands import bench, check

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")

SITE = Path(__file__).parent / "site"
FACTORS = {"wave": (2, 3), "tone": (0.25, 0)}
TEXT = "Hello there, you."
Golden = dict[str, dict[str, np.ndarray]]


def scaling(path: Path, factors: tuple[float, float]) -> None:
    """Write a network that multiplies by two numbers."""
    helper = onnx.helper
    value = lambda name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", "frames", 2])  # noqa: E731
    weights = onnx.numpy_helper.from_array(np.array(factors, np.float32), "weights")
    node = helper.make_node("Mul", ["frames", "weights"], ["mel"])
    graph = helper.make_graph([node], "net", [value("frames")], [value("mel")], [weights])
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    )


def samples_of(text: str) -> np.ndarray:
    """Return the samples that the addon synthesizes."""
    letters = np.array([ord(letter) / 256 for letter in text if letter != " "], np.float32)
    return (letters * np.float32(2) * np.float32(0.25)).repeat(10)


def golden() -> Golden:
    """Return correct golden vectors, by file."""
    frames = np.linspace(-1, 1, 8, dtype=np.float32).reshape(1, 4, 2)
    networks: Golden = {
        name: {"inputs.frames": frames, "outputs.mel": frames * np.float32(factors)}
        for name, factors in FACTORS.items()
    }
    speech = {"request.text": np.array(TEXT), "request.controls": np.array("{}"), "outputs.samples": samples_of(TEXT)}
    return {**networks, "speech": speech}


@pytest.fixture
def vectors() -> Golden:
    return golden()


@pytest.fixture
def toy(write_addon: Callable[..., Path]) -> Callable[..., Path]:
    """Write the addon; ``vectors`` are its golden vectors by network, and ``speech``."""

    def write(vectors: Mapping[str, Mapping[str, np.ndarray]] | None = None, **config: Any) -> Path:
        ends = {"inputs": {"frames": tensor("batch", "frames", 2)}, "outputs": {"mel": tensor("batch", "frames", 2)}}
        networks = {name: network("decoder", **ends) for name in FACTORS}
        for name, spec in networks.items():
            spec["exports"] = [{"format": "onnx", "symbol": f"{name}.onnx"}]
        base = {"networks": networks, "contexts": {"default": {"runtime": "onnx"}}, "stack": [{"type": "Toy"}]}
        folder = write_addon("toy", **{**base, **config})
        (folder / "golden").mkdir()
        for name, factors in FACTORS.items():
            scaling(folder / f"{name}.onnx", factors)
        for name, arrays in (golden() if vectors is None else vectors).items():
            np.savez(folder / "golden" / f"{name}.npz", **arrays)
        relist(folder)
        return folder

    return write


def relist(folder: Path) -> None:
    """Update the list of files of an addon."""
    config = json.loads((folder / "addon.json").read_text())
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "addon.json")
    config["files"] = {path.relative_to(folder).as_posix(): file_entry(path) for path in paths}
    config["golden"] = [name for name in config["files"] if name.startswith("golden/")]
    (folder / "addon.json").write_text(json.dumps(config))


@pytest.fixture
def update_files() -> Callable[[Path], None]:
    return relist


@pytest.fixture(scope="session")
def toy_plugin() -> Any:
    spec = importlib.util.spec_from_file_location("voxstack_toy", SITE / "voxstack_toy.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def registry(toy_plugin: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """Return a registry for this process. Workers find the same plugin installed; placements are temporary."""
    path = os.pathsep.join([str(SITE), *filter(None, [os.environ.get("PYTHONPATH")])])
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("VOXSTACK_PLACEMENTS", str(tmp_path / "placements"))
    return Registry({"toy": toy_plugin, "onnx_runtime": voxstack_onnx_runtime, "bench": voxstack_bench})


@pytest.fixture
def command(registry: Registry) -> Callable[..., int]:
    """Run a command of this plugin as ``voxstack`` does."""

    def run(*argv: str) -> int:
        parser = argparse.ArgumentParser("voxstack")
        commands = parser.add_subparsers()
        for name, add_arguments in {"check": check.command, "bench": bench.command}.items():
            add_arguments(commands.add_parser(name))
        options = parser.parse_args(argv, argparse.Namespace(registry=registry, debug=False))
        status: int = options.run(options)
        return status

    return run
