"""``voxstack contexts``, and what ``voxstack say --context`` reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import double, network, plugin, tensor

from voxstack import ContextError, Registry, StreamableBlock
from voxstack.networks import Context
from voxstack_cli.context_option import describe_context
from voxstack_cli.main import main

Write = Callable[..., Path]
DOUBLING = network("decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)})


@dataclass
class Humming(StreamableBlock):
    """Yields the doubles of 1."""

    needs = frozenset({"text"})
    head = True
    makes = "samples"

    def load(self, addon: Any) -> None:
        self._network = addon.network("hum")

    def stream(self, source: Any, utterance: Any) -> Any:
        yield self._network.run_single(frames=np.ones((4, 2), np.float32))["mel"][:, 0] / 4


class Run:
    """A network that reports its provider."""

    effective = {"provider": "CPU: a fast one", "version": "1.2"}

    def __call__(self, frames: np.ndarray) -> Any:
        return double(frames)


def voxstack_open_network(spec: Any, context: Any) -> Any:
    if context.runtime != "python":
        return None
    if context.device == "NPU":
        raise ContextError(f"network {spec.name!r}: there is no NPU here")
    if context.device == "bug":
        raise ZeroDivisionError("a bug")
    return Run()


def voxstack_context(name: str, addon: Any) -> Any:
    found = {"runtime": "python", "device": "cpu", "threads": 2, "description": f"what is best for {addon['name']}"}
    return {"auto": found, "mute": {"runtime": "python", "threads": 3}}.get(name)


CONTEXTS = {
    "default": {"runtime": "python", "description": "for any machine"},
    "npu": {"runtime": "python", "device": "NPU"},
    "buggy": {"runtime": "python", "device": "bug"},
}


@pytest.fixture
def registry(write_addon: Write) -> Registry:
    """Return a registry with a runtime and a voice ``hum``.

    The voice has three contexts, and a plugin resolves the contexts ``auto`` and ``mute``.
    """
    voice = write_addon(
        "hum", spec_version=2, networks={"hum": DOUBLING}, stack=[{"type": "Humming"}], contexts=CONTEXTS
    )
    hooks: dict[str, Any] = {"voxstack_addons": lambda: [voice], "voxstack_devices": lambda: ["python:cpu"]}
    runtime = plugin([Humming], None, **hooks, voxstack_context=voxstack_context)
    runtime.voxstack_open_network = plugin(voxstack_open_network=voxstack_open_network).voxstack_open_network
    return Registry({"python_runtime": runtime})


def broken_devices() -> Any:
    raise RuntimeError("no driver")


def test_devices(registry: Registry, capsys: Any) -> None:
    assert main(["contexts"], registry) == 0
    assert capsys.readouterr().out == "  python:cpu  python_runtime\n"
    assert main(["contexts", "--json"], registry) == 0
    assert json.loads(capsys.readouterr().out) == {"devices": [{"device": "python:cpu", "plugin": "python_runtime"}]}


def test_runtimes_that_cannot_list_devices_are_reported(capsys: Any) -> None:
    good, bad = plugin(voxstack_devices=lambda: ["b:0", "a:0"]), plugin(voxstack_devices=broken_devices)
    assert main(["contexts"], Registry({"good": good, "bad": bad})) == 0
    output, errors = capsys.readouterr()
    assert [line.split()[0] for line in output.splitlines()] == ["a:0", "b:0"]
    assert "is broken: RuntimeError('no driver')" in errors
    assert main(["contexts"], Registry({})) == 0
    assert "no runtime with a device is installed" in capsys.readouterr().out


def test_contexts_of_a_voice_and_which_are_available(registry: Registry, capsys: Any) -> None:
    assert main(["contexts", "hum"], registry) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["hum 1", "  default: python:cpu", "    for any machine"]
    at = lines.index("  npu: python:NPU  (unavailable here)")
    assert lines[at + 1].endswith("network 'hum': there is no NPU here")
    at = lines.index("  buggy: python:bug  (unavailable here)")
    assert "ZeroDivisionError: a bug" in lines[at + 1]
    assert lines[-2:] == ["devices here", "  python:cpu  python_runtime"]
    assert main(["contexts", "hum", "--json"], registry) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["contexts"]}
    assert {name: row["available"] for name, row in rows.items()} == {"default": True, "npu": False, "buggy": False}
    assert "there is no NPU here" in rows["npu"]["reason"]


def test_what_is_effective_in_a_context(registry: Registry, capsys: Any) -> None:
    assert main(["contexts", "hum", "--context", '{"runtime": "python", "threads": 3}'], registry) == 0
    head, columns, row = capsys.readouterr().out.splitlines()
    assert head == "hum 1, context python:cpu, 3 threads"
    assert columns.split()[:4] == ["network", "role", "runtime", "device"]
    assert row.split() == [
        "hum",
        "decoder",
        "python",
        "cpu",
        "CPU:",
        "a",
        "fast",
        "one",
        "3",
        "float32",
        "whole",
        "any",
        "1",
        "1.2",
    ]
    assert main(["contexts", "hum", "--context", "auto", "--json"], registry) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["context"] == "auto"
    assert output["description"] == "what is best for hum"
    (row,) = output["effective"]
    keys = (
        "network",
        "role",
        "runtime",
        "device",
        "provider",
        "threads",
        "precision",
        "form",
        "shapes",
        "batch",
        "version",
        "requested",
        "refused",
    )
    found = ["hum", "decoder", "python", "cpu", "CPU: a fast one", 2, "float32", "whole", {}, 1, "1.2", "auto", []]
    assert row == dict(zip(keys, found, strict=True))


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["hum", "--context", "npu"], "there is no NPU here"),
        (["hum", "--context", "nowhere"], "hum has no context named 'nowhere'"),
        (["--context", "npu"], "name one: voxstack contexts amber"),
        (["missing"], "no addon named 'missing' is installed"),
    ],
)
def test_what_cannot_be_shown(argv: list[str], problem: str, registry: Registry, capsys: Any) -> None:
    assert main(["contexts", *argv], registry) == 1
    assert problem in capsys.readouterr().err


def test_lenders_open_every_network(write_addon: Write, registry: Registry, capsys: Any) -> None:
    folder = str(write_addon("lender", networks={"one": DOUBLING}, languages=[]))
    assert main(["contexts", folder, "--context", "python:cpu"], registry) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[0] == "one"


def test_an_addon_without_contexts_has_the_default_one(write_addon: Write, registry: Registry, capsys: Any) -> None:
    folder = str(write_addon("lender", networks={"one": DOUBLING}, languages=[], contexts={}))
    assert main(["contexts", folder], registry) == 0
    assert "  default: onnx:cpu  (unavailable here)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("context", "line"),
    [
        ("auto", "voxstack: context 'auto': what is best for hum\n"),
        ("mute", "voxstack: context 'mute': python:cpu, 3 threads\n"),
        ("default", ""),
        ("python:cpu", ""),
        ('{"runtime": "python"}', ""),
    ],
)
def test_say_reports_what_a_plugin_resolved(
    context: str, line: str, registry: Registry, tmp_path: Path, capsys: Any
) -> None:
    argv = ["say", "--voice", "hum", "a", "--context", context, "--out", str(tmp_path / "a.wav")]
    assert main(argv, registry) == 0
    assert capsys.readouterr().err.startswith(line or str(tmp_path))
    assert main([*argv, "--quiet"], registry) == 0
    assert capsys.readouterr().err == ""


def test_a_context_in_words() -> None:
    context = Context(
        "openvino",
        "NPU",
        2,
        "float16",
        {"frames": (64, 128)},
        split=False,
        streaming="windowed",
        batch=4,
        schedule={"first": 12},
        isolate=True,
        memory=512,
        options={"cache": "here"},
        networks={"vocoder": Context(threads=3)},
    )
    words = (
        "openvino:NPU, 2 threads, float16, frames 64/128, nothing split, windowed, batches of 4, isolated, 512 MB, "
        "first 12, cache here"
    )
    assert describe_context(context) == f"{words}, vocoder in (onnx:cpu, 3 threads)"
