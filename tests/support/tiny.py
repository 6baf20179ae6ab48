"""Small parts for the worlds of tests: plugins written by hand, and networks that are Python functions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import voxstack
from voxstack import Registry
from voxstack.networks.addon import Addon


def tensor(*shape: str | int, dtype: str = "float32", **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), **more}


def network(role: str, inputs: dict[str, Any], outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "role": role,
        "inputs": inputs,
        "outputs": outputs,
        "exports": [{"format": "python", "symbol": f"{role}.txt"}],
        **more,
    }


def plugin(
    blocks: list[type] = (), runners: dict[str, Callable[..., Any]] | None = None, **hooks: Callable[..., Any]
) -> Any:
    """Return a plugin with these blocks, a runtime ``python`` that runs functions by network name, and more hooks."""

    def voxstack_blocks() -> list[type]:
        return list(blocks)

    def voxstack_open_network(spec: Any, context: Any) -> Any:
        if context.runtime != "python" or runners is None:
            return None
        spec.export("python", "python")
        return runners[spec.name]

    functions = {"voxstack_blocks": voxstack_blocks, "voxstack_open_network": voxstack_open_network, **hooks}
    return SimpleNamespace(**{name: voxstack.hookimpl(function) for name, function in functions.items()})


def double(frames: np.ndarray) -> dict[str, np.ndarray]:
    return {"mel": 2 * frames}


def addon(blocks: list[type] = (), runners: dict[str, Callable[..., Any]] | None = None, **config: Any) -> Addon:
    """Return a real addon whose files are not on disk, for blocks that are loaded before a test has a folder."""
    symbols = [e["symbol"] for n in config.get("networks", {}).values() for e in n.get("exports", [])]
    files = {name: {"sha256": hashlib.sha256(name.encode()).hexdigest(), "size": len(name)} for name in symbols}
    base: dict[str, Any] = {
        "name": "tiny",
        "version": "1",
        "sample_rate": 8000,
        "hop_length": 10,
        "networks": {},
        "files": files,
    }
    base |= {"contexts": {"default": {"runtime": "python"}, "other": {"runtime": "python", "threads": 2}}}
    contents: Any = SimpleNamespace(location="tiny", config={**base, **config}, path=Path)
    return Addon(contents, Registry({"tiny": plugin(list(blocks), runners)}))


def loaded(block: Any, holder: Addon) -> Any:
    """Return the block after loading it."""
    block.load(holder)
    return block
