from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
CONTENT = {"vocoder.onnx": b"a graph", "tables/lexicon.tsv": b"one\tW AH N\n"}


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validate every addon.json, whatever other tests have validated."""
    monkeypatch.setenv("VOXSTACK_CACHE", "")


@pytest.fixture
def config() -> dict[str, Any]:
    """Return a valid addon.json for CONTENT."""
    found: dict[str, Any] = json.loads((EXAMPLES / "valid" / "vocoder.json").read_text("utf-8"))
    found["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in CONTENT.items()
    }
    return found


@pytest.fixture
def folder(tmp_path: Path, config: dict[str, Any]) -> Path:
    """Write an addon of two small files, one of them in a folder."""
    root = tmp_path / "prism"
    (root / "tables").mkdir(parents=True)
    for name, data in CONTENT.items():
        (root / name).write_bytes(data)
    (root / "addon.json").write_text(json.dumps(config), "utf-8")
    return root


@pytest.fixture
def rewrite(folder: Path) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    """Return a function that changes the addon.json of ``folder``."""

    def change(edit: Callable[[dict[str, Any]], object]) -> None:
        config = json.loads((folder / "addon.json").read_text("utf-8"))
        edit(config)
        (folder / "addon.json").write_text(json.dumps(config), "utf-8")

    return change
