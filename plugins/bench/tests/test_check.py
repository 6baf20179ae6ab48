"""Checks in processes: the contexts that are tried, processes that fail, and the output of the command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxstack_bench
from voxstack import AddonError, ContextError, PluginError, Registry
from voxstack_bench.process.worker import Unavailable, Worker, WorkerError

Toy = Callable[..., Path]
Command = Callable[..., int]


def test_every_context_has_a_verdict_and_figures(toy: Toy, registry: Registry) -> None:
    lines: list[str] = []
    folder = toy(
        contexts={
            "default": {"runtime": "onnx"},
            "card": {"runtime": "toy", "device": "gone"},
            "same": {"runtime": "toy", "device": "b"},
        }
    )
    report = voxstack_bench.check(folder, registry=registry, progress=lines.append)
    assert [(found.context, found.state) for found in report.contexts] == [
        ("default", "pass"),
        ("card", "unavailable"),
        ("same", "pass"),
        ("toy:a", "pass"),
    ]
    assert "there is no device 'gone'" in report.contexts[1].reason
    assert report.passed
    for found in report.contexts:
        if found.state == "pass":
            assert {row.subject for row in found.rows} == {"wave", "tone", "speech", "speech, streamed"}
            figures = found.figures
            assert min(figures.load_s, figures.ttfa_s, figures.rtf) > 0
            assert figures.memory_mb > 10
            assert {row["network"] for row in found.effective} == {"wave", "tone"}
    assert [line for line in lines if line.startswith("toy:a")]


def test_requested_contexts_have_to_be_available(toy: Toy, registry: Registry) -> None:
    report = voxstack_bench.check(toy(), ["onnx:cpu", "toy:gone"], registry=registry)
    assert [found.state for found in report.contexts] == ["pass", "unavailable"]
    assert not report.passed


def test_nothing_compared_is_no_pass(toy: Toy, registry: Registry) -> None:
    folder = toy(contexts={"default": {"runtime": "toy", "device": "gone"}})
    bare = Registry({"toy": _without_devices(registry)})
    report = voxstack_bench.check(folder, registry=bare)
    assert [found.state for found in report.contexts] == ["unavailable"]
    assert not report.passed


def _without_devices(registry: Registry) -> Any:
    from types import SimpleNamespace

    toy = next(impl.plugin for impl in registry.hook.voxstack_open_network.get_hookimpls() if impl.plugin_name == "toy")
    names = ("voxstack_blocks", "voxstack_open_network")
    return SimpleNamespace(**{name: getattr(toy, name) for name in names})


def test_an_addon_whose_context_stands_for_nothing_is_refused(toy: Toy, registry: Registry) -> None:
    places = {
        "both": {"runtime": "toy", "networks": {"tone": "toy:b"}},
        "odd": {"runtime": "toy", "networks": {"wave": "both"}},
    }
    with pytest.raises(AddonError, match="the context 'both' places networks itself"):
        voxstack_bench.check(
            toy(spec_version=2, contexts={"default": {"runtime": "onnx"}, **places}), registry=registry
        )


@pytest.mark.parametrize(
    ("device", "reason"),
    [("crash", "ended during 'check' with status 7: the card is on fire"), ("hang", "no reply to 'check' within 2 s")],
)
def test_a_process_that_breaks_fails_alone(device: str, reason: str, toy: Toy, registry: Registry) -> None:
    start = time.monotonic()
    report = voxstack_bench.check(
        toy(), [f"toy:{device}", "onnx:cpu"], registry=registry, timeout=2 if device == "hang" else 60
    )
    assert [found.state for found in report.contexts] == ["fail", "pass"]
    assert reason in report.contexts[0].reason
    assert time.monotonic() - start < 60


def test_what_libraries_print_is_no_reply(toy: Toy, registry: Registry) -> None:
    assert voxstack_bench.check(toy(), ["toy:noisy"], registry=registry).passed


@pytest.mark.parametrize("context", ["nowhere", {"runtme": "onnx"}, {"shapes": {"tokens": [4]}}])
def test_contexts_that_do_not_exist(context: Any, toy: Toy, registry: Registry) -> None:
    with pytest.raises(ContextError):
        voxstack_bench.check(toy(), [context], registry=registry)


def test_the_command_passes_and_writes_json(toy: Toy, command: Command, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "found.json"
    assert (
        command(
            "check",
            str(toy()),
            "--context",
            "default",
            "--context",
            '{"runtime": "toy", "device": "a"}',
            "--json",
            str(out),
        )
        == 0
    )
    output, errors = capsys.readouterr()
    assert "limit 0.001" in output
    assert "relative to their peaks" in output
    assert output.splitlines()[1] == '[2] {"runtime": "toy", "device": "a"}'
    assert len([line for line in output.splitlines() if line.startswith("[2]  ") and line.endswith("ok")]) == 4
    assert output.splitlines()[-1] == "passed: 8 pass"
    assert "voxstack: default: checking" in errors
    found = json.loads(out.read_text())
    assert found["passed"] is True
    assert [context["context"] for context in found["contexts"]] == ["default", '{"runtime": "toy", "device": "a"}']


def test_the_command_fails_and_says_in_what(toy: Toy, command: Command, vectors: Any, capsys: Any) -> None:
    del vectors["speech"]
    folder = str(toy(vectors))
    assert (
        command(
            "check",
            folder,
            "--context",
            "default",
            "--context",
            "toy:off",
            "--context",
            "toy:gone",
            "--quiet",
            "--json",
            "-",
        )
        == 1
    )
    output, errors = capsys.readouterr()
    assert errors == ""
    states = {(c["context"], row["what"]): row["state"] for c in json.loads(output)["contexts"] for row in c["rows"]}
    assert states == {
        ("default", "wave"): "pass",
        ("default", "tone"): "pass",
        ("default", "speech"): "not checked",
        ("toy:off", "wave"): "fail",
        ("toy:off", "tone"): "fail",
        ("toy:off", "speech"): "not checked",
    }
    assert command("check", folder, "--context", "toy:off", "--context", "toy:gone", "--quiet") == 1
    output = capsys.readouterr().out
    assert "1.0e-02  FAIL" in output
    assert "FAIL, unavailable: " in output
    assert output.splitlines()[-1].startswith("FAILED: 2 fail; 1 not checked; unavailable here: toy:gone")
    assert command("check", folder, "--context", "toy:off", "--limit", "0.02", "--quiet") == 0


def test_infinite_errors_are_no_bad_json(toy: Toy, command: Command, vectors: Any, capsys: Any) -> None:
    vectors["tone"] = {**vectors["tone"], "outputs.mel": np.zeros((1, 4, 2), np.float32)}
    assert command("check", str(toy(vectors)), "--context", "default", "--quiet", "--json", "-") == 1
    rows = {row["what"]: row for row in json.loads(capsys.readouterr().out)["contexts"][0]["rows"]}
    assert rows["tone"] == {"what": "tone", "state": "fail", "error": None, "note": ""}


@pytest.mark.parametrize(
    "argv",
    [
        ["missing"],
        ["toy", "--context", "nowhere"],
        ["toy", "--json", "no/such/folder.json"],
        ["toy", "--context", "auto"],
    ],
)
def test_what_cannot_be_checked_is_wrong_usage(argv: list[str], toy: Toy, command: Command, capsys: Any) -> None:
    folder = toy()
    assert command("check", *(str(folder) if word == "toy" else word for word in argv)) == 2
    assert capsys.readouterr().err.startswith("voxstack: error: ")


@pytest.mark.parametrize("argv", [[], ["x", "--limit", "-1"], ["x", "--context", "{"], ["x", "--timeout", "soon"]])
def test_options_that_cannot_be_parsed(argv: list[str], command: Command) -> None:
    with pytest.raises(SystemExit) as left:
        command("check", *argv)
    assert left.value.code == 2


def test_an_addon_that_is_not_there(registry: Registry) -> None:
    with pytest.raises(PluginError, match="no addon named 'missing'"):
        voxstack_bench.check("missing", registry=registry)


def test_a_worker_reports_errors_and_goes_on(toy: Toy, registry: Registry) -> None:
    folder = str(toy())
    with Worker(timeout=60) as worker:
        with pytest.raises(Unavailable, match="there is no device 'gone'"):
            worker.call("open", addon=folder, context="toy:gone", trust=False)
        worker.call("open", addon=folder, context="toy:raise", trust=False)
        with pytest.raises(WorkerError, match="ZeroDivisionError") as found:
            worker.call("speak", text="a", controls={})
        assert "Traceback" in found.value.trace
        assert worker.call("open", addon=folder, context="toy:a", trust=False)["load_s"] > 0
    with pytest.raises(WorkerError, match="ended"):
        worker.call("facts")
    worker.close()


def test_a_worker_ends_with_its_parent_even_while_it_computes(toy: Toy, registry: Registry) -> None:
    code = (
        "import os, sys, time, threading; from voxstack_bench.process.worker import Worker\n"
        "worker = Worker()\n"
        f"worker.call('open', addon={str(toy())!r}, context='toy:hang', trust=False)\n"
        "threading.Thread(target=worker.call, args=('check',), daemon=True).start()\n"
        "time.sleep(0.2)\n"
        "print(worker._process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    child = int(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    )
    deadline = time.monotonic() + 10
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_importing_the_plugin_is_cheap() -> None:
    code = (
        "import sys, argparse\n"
        "from voxstack_bench.commands import bench, check\n"
        "for command in (bench.command, check.command):\n"
        "    command(argparse.ArgumentParser())\n"
        "print([name for name in ('numpy', 'voxstack', 'onnxruntime', 'subprocess') if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
