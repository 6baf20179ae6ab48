"""The stored context of ``context="auto"``, and when it is no longer valid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import voxstack
from voxstack import ContextError, Registry
from voxstack_bench import machine
from voxstack_bench.placement import placement_store

Toy = Callable[..., Path]
HERE = {
    "cpu": "Fast 9000",
    "cores": 8,
    "accelerators": [],
    "versions": {"onnxruntime": "1.32.0", "voxstack-core": "0.1.0"},
}
CONTEXT = {"runtime": "toy", "device": "a", "networks": {"tone": {"runtime": "toy", "device": "b"}}}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replace the fingerprint of this machine by one that a test can change."""
    found = json.loads(json.dumps(HERE))
    monkeypatch.setattr(placement_store, "fingerprint", lambda: found)
    return found


@pytest.fixture
def stored(toy: Toy, registry: Registry, here: dict[str, Any]) -> tuple[Path, Path]:
    """Write an addon and store its best context; return its folder and the file of the store."""
    folder = toy()
    config = json.loads((folder / "addon.json").read_text())
    return folder, placement_store.save(
        config, CONTEXT, "tone in toy:b, the rest in toy:a: RTF 0.1", "balanced", {"rtf": 0.1}
    )


def auto(folder: Path, registry: Registry) -> voxstack.Voice:
    return voxstack.load(folder, context="auto", registry=registry)


def test_auto_is_what_was_stored(stored: tuple[Path, Path], registry: Registry) -> None:
    voice = auto(stored[0], registry)
    assert {row.network: (row.device, row.requested) for row in voice.contexts()} == {
        "wave": ("a", "auto"),
        "tone": ("b", ""),
    }
    assert voice.addon.context.name == "auto"
    description = voice.addon.context.description
    assert description.startswith("tone in toy:b, the rest in toy:a: RTF 0.1; measured 20")
    assert description.endswith(" for balanced")
    assert [path.name for path in stored[1].parent.iterdir()] == [stored[1].name]


def test_a_newer_measurement_takes_the_place_of_the_older(stored: tuple[Path, Path], registry: Registry) -> None:
    config = json.loads((stored[0] / "addon.json").read_text())
    assert (
        placement_store.save(config, {"runtime": "onnx", "device": "cpu"}, "all in onnx:cpu", "latency", {})
        == stored[1]
    )
    assert {row.runtime for row in auto(stored[0], registry).contexts()} == {"onnx"}


def test_nothing_stored(toy: Toy, registry: Registry) -> None:
    with pytest.raises(
        ContextError, match="toy: the context 'auto' has not been measured here; measure it: voxstack bench toy"
    ):
        auto(toy(), registry)


def edit(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "addon.json").read_text())
    (folder / "addon.json").write_text(json.dumps({**config, **changes}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "2"}, "was measured with version 1, and this is 2"),
        ({"license": "MIT"}, "another addon.json of version 1"),
    ],
)
def test_another_addon(changes: Any, reason: str, stored: tuple[Path, Path], registry: Registry) -> None:
    edit(stored[0], **changes)
    with pytest.raises(ContextError, match=f"{reason}; measure it: voxstack bench toy"):
        auto(stored[0], registry)


def test_how_addon_json_is_written_does_not_matter(stored: tuple[Path, Path], registry: Registry) -> None:
    config = json.loads((stored[0] / "addon.json").read_text())
    (stored[0] / "addon.json").write_text(json.dumps(dict(reversed(config.items())), indent=3))
    assert auto(stored[0], registry).addon.context.device == "a"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cpu": "Slow 1"}, "cpu Fast 9000, now Slow 1"),
        ({"cores": 2}, "cores 8, now 2"),
        ({"accelerators": ["NPU"]}, "accelerators [], now ['NPU']"),
        ({"versions": {"onnxruntime": "1.33.0", "voxstack-core": "0.1.0"}}, "onnxruntime 1.32.0, now 1.33.0"),
        ({"versions": {"onnxruntime": "1.32.0", "voxstack-core": "0.1.0", "torch": "3"}}, "torch not installed, now 3"),
    ],
)
def test_another_machine(
    change: Any, reason: str, stored: tuple[Path, Path], registry: Registry, here: dict[str, Any]
) -> None:
    here.update(change)
    with pytest.raises(ContextError) as found:
        auto(stored[0], registry)
    assert f"was measured elsewhere, or before something changed ({reason}); measure it: voxstack bench toy" in str(
        found.value
    )
    config = json.loads((stored[0] / "addon.json").read_text())
    placement_store.save(config, {"runtime": "onnx", "device": "cpu"}, "all in onnx:cpu", "latency", {})
    assert auto(stored[0], registry).addon.context.runtime == "onnx"
    here.clear()
    here.update(HERE)
    assert auto(stored[0], registry).addon.context.runtime == "toy"  # each machine has its own


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 2}', "\ufffd"])
def test_a_damaged_file_is_reported(content: str, stored: tuple[Path, Path], registry: Registry) -> None:
    stored[1].write_text(content, "utf-8")
    with pytest.raises(ContextError, match=r"which is damaged; measure it: voxstack bench toy"):
        auto(stored[0], registry)


def test_the_stored_context_may_be_unavailable(stored: tuple[Path, Path], registry: Registry) -> None:
    content = json.loads(stored[1].read_text())
    stored[1].write_text(json.dumps({**content, "context": {"runtime": "toy", "device": "gone"}}))
    with pytest.raises(voxstack.VoxstackError, match="there is no device 'gone'"):
        auto(stored[0], registry)


def test_other_names_are_not_ours(toy: Toy, registry: Registry) -> None:
    with pytest.raises(ContextError, match="no context named 'outo'"):
        voxstack.load(toy(), context="outo", registry=registry)


def test_an_addon_may_name_a_context_auto_itself(toy: Toy, registry: Registry) -> None:
    folder = toy(contexts={"auto": {"runtime": "toy", "device": "b"}})
    assert auto(folder, registry).addon.context.device == "b"


def test_where_it_is_stored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VOXSTACK_PLACEMENTS", "/there")
    assert placement_store.store_folder() == Path("/there")
    monkeypatch.delenv("VOXSTACK_PLACEMENTS")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert placement_store.store_folder() == tmp_path / "voxstack" / "placements"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert placement_store.store_folder() == tmp_path / ".local" / "state" / "voxstack" / "placements"


def test_the_fingerprint_has_the_runtimes_and_is_the_same_again() -> None:
    found = machine.fingerprint()
    assert {"onnxruntime", "voxstack-onnx-runtime", "voxstack-core"} <= found["versions"].keys()
    assert found["cores"] >= 1
    assert found["cpu"]
    assert machine.digest(found) == machine.digest(machine.fingerprint())
    assert machine.digest({**found, "cores": 99}) != machine.digest(found)
