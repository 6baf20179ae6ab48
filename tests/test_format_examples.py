"""The examples of FORMAT.md are an addon that opens, with a stack whose blocks exist."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

import voxstack
from voxstack import Registry
from voxstack.networks import Context
from voxstack_addon_spec import open_addon, validate_config

FORMAT = (Path(__file__).parent.parent / "addon_spec" / "FORMAT.md").read_text("utf-8")
INLINE = [text for text in re.findall(r"`(\{[^`]*\})`", FORMAT) if ":" in text]


@pytest.fixture
def config() -> dict[str, Any]:
    (text,) = re.findall(r"```json\n(.*?)```", FORMAT, re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_example_is_an_addon_that_opens(config: dict[str, Any], tmp_path: Path) -> None:
    for name in config["files"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        config["files"][name] = {"sha256": hashlib.sha256(name.encode()).hexdigest(), "size": len(name)}
    (tmp_path / "addon.json").write_text(json.dumps(config))
    with open_addon(tmp_path) as files:
        files.verify()
        assert files.config["networks"]["decoder"]["stateful"]["streaming"]["right"] == 18


def test_its_stack_contexts_and_schedule_are_accepted(config: dict[str, Any]) -> None:
    block = voxstack.build(config["stack"], registry=Registry.installed())
    assert isinstance(block, voxstack.StreamableStack)
    for name in config["contexts"]:
        assert Context.of(name, config["contexts"], config["name"]).name == name
    voxstack.Schedule(**config["schedule"])


def test_the_examples_in_the_prose_are_accepted(config: dict[str, Any]) -> None:
    lengths, plugins = (json.loads(text) for text in INLINE if '"' in text)
    assert set(lengths) == {"steps"}
    network = json.loads(json.dumps(config["networks"]["phonemes"]).replace("tokens", "letters"))
    network["outputs"] = {"scores": {"dtype": "float32", "shape": ["batch", "steps", 57]}}
    config["networks"]["letters"] = {**network, "lengths": lengths}
    config["plugins"] = plugins
    assert validate_config(config, "FORMAT.md") is None
