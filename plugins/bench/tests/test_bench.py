"""Measurement side by side: turns, selection, placements, and the output of the command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import voxstack_bench
from voxstack import Registry, RequestError
from voxstack.networks import Context
from voxstack_bench.contexts import are_equivalent, context_to_json
from voxstack_bench.interleaving import interleave
from voxstack_bench.placement import selection
from voxstack_bench.process.network_timer import TimedNetwork
from voxstack_bench.process.worker import WorkerError
from voxstack_bench.results import Spread

Toy = Callable[..., Path]
Command = Callable[..., int]


def test_turns_begin_with_another_each_round() -> None:
    lines: list[str] = []
    names = [name for name, _ in interleave(dict.fromkeys("abc", dict), 4, lines.append)]
    assert "".join(names) == "abc-bca-cab-abc".replace("-", "")
    assert lines == [f"round {number} of 4" for number in (1, 2, 3, 4)]
    assert list(interleave({}, 2, lines.append)) == []


def test_one_that_fails_has_no_more_turns() -> None:
    def broken() -> Any:
        raise WorkerError("it broke")

    turns = list(interleave({"a": lambda: {"x": 1}, "b": broken}, 3, lambda line: None))
    assert turns == [("a", {"x": 1}), ("b", {"failed": "it broke"}), ("a", {"x": 1}), ("a", {"x": 1})]


def figures(ttfa_s: float, rtf: float, cpu: float = 1.0) -> Any:
    return SimpleNamespace(ttfa_s=ttfa_s, rtf=rtf, cpu=cpu)


@pytest.mark.parametrize(
    ("goal", "best"),
    [
        ("latency", "early"),
        ("throughput", "fast"),  # though its first audio comes late
        ("balanced", "middle"),  # within 1.2 times the earliest, and faster than that
    ],
)
def test_what_is_best_depends_on_what_for(goal: Any, best: str) -> None:
    rows = {"early": figures(0.10, 0.5), "middle": figures(0.119, 0.3), "fast": figures(0.13, 0.1)}
    assert selection.best_context(goal, rows) == best


def test_of_equals_the_one_with_least_processor_time_and_then_the_first() -> None:
    rows = {"a": figures(0.1, 0.100, 2.0), "b": figures(0.1, 0.104, 1.0), "c": figures(0.1, 0.104, 1.04)}
    assert selection.best_context("throughput", rows) == "b"
    assert selection.best_context("balanced", {"a": figures(0.1, 0.1), "placement": figures(0.0999, 0.0999)}) == "a"


def test_a_network_moves_only_where_it_gains() -> None:
    times = {
        "decoder": {"cpu": 1.0, "card": 0.5},
        "encoder": {"cpu": 1.0, "card": 0.97},
        "vocoder": {"cpu": 1.0, "card": 2.0},
        "idle": {},
    }
    assert selection.place_networks(times, "cpu") == {
        "decoder": "card",
        "encoder": "cpu",
        "vocoder": "cpu",
        "idle": "cpu",
    }
    assert selection.place_networks({"decoder": {"card": 1.0}}, "cpu") == {"decoder": "card"}  # not right elsewhere


ROLES = {"encoder": "encoder", "decoder": "decoder", "vocoder": "vocoder"}


def test_a_placement_is_a_context() -> None:
    fixed = Context("openvino", "NPU", shapes={"frames": (64, 128)}, options={"cache": "x"})
    contexts = {"cpu": Context(threads=2, schedule={"first": 12}), "npu": fixed}
    chosen = {"encoder": "cpu", "decoder": "npu", "vocoder": "cpu"}
    composed = selection.compose_context(contexts, chosen, "cpu", ROLES)
    npu = {"runtime": "openvino", "device": "NPU", "shapes": {"frames": [64, 128]}, "options": {"cache": "x"}}
    assert composed == {
        "runtime": "onnx",
        "device": "cpu",
        "threads": 2,
        "schedule": {"first": 12},
        "networks": {"decoder": npu},
    }
    context = Context.of(json.loads(json.dumps(composed)), {}, "x")
    assert are_equivalent(context.for_network("decoder", "decoder"), fixed)
    assert context.for_network("encoder", "encoder").threads == 2
    assert selection.describe_placement(chosen, "cpu") == "decoder in npu, the rest in cpu"


def test_a_placement_that_a_context_has_anyhow_is_none() -> None:
    contexts = {"cpu": Context(), "card": Context("torch", "cuda")}
    assert selection.compose_context(contexts, dict.fromkeys(ROLES, "card"), "card", ROLES) is None
    assert selection.compose_context(contexts, dict.fromkeys(ROLES, "cpu"), "card", ROLES) is None
    contexts["both"] = Context("torch", "cuda", networks={"encoder": Context()})
    chosen = {"encoder": "cpu", "decoder": "card", "vocoder": "card"}
    assert selection.compose_context(contexts, chosen, "card", ROLES) is None
    del contexts["both"]
    assert selection.compose_context(contexts, chosen, "card", ROLES) is not None


def test_a_placement_upon_a_placement_names_all_places() -> None:
    contexts = {"both": Context("torch", "cuda", networks={"vocoder": Context(threads=3)}), "cpu": Context()}
    composed = selection.compose_context(
        contexts, {"encoder": "cpu", "decoder": "both", "vocoder": "both"}, "both", ROLES
    )
    assert composed == {
        "runtime": "torch",
        "device": "cuda",
        "networks": {
            "encoder": {"runtime": "onnx", "device": "cpu"},
            "vocoder": {"runtime": "onnx", "device": "cpu", "threads": 3},
        },
    }


def test_contexts_are_written_as_they_are_read() -> None:
    requested = {
        "runtime": "torch",
        "device": "cuda:1",
        "threads": 3,
        "precision": "float16",
        "shapes": {"frames": [4, 8]},
        "split": False,
        "streaming": "windowed",
        "batch": 2,
        "schedule": {"first": 3},
        "options": {"compile": True},
        "networks": {"decoder": {"runtime": "onnx", "device": "cpu", "threads": 2}},
    }
    assert context_to_json(Context.of(requested, {}, "x")) == requested


def test_timed_networks_count() -> None:
    timed = TimedNetwork(lambda frames: {"mel": frames})
    assert timed(frames=1) == {"mel": 1}
    timed(frames=2)
    assert timed.stats["calls"] == 2
    assert timed.stats["seconds"] > 0


def test_a_spread() -> None:
    assert Spread.of([3.0, 1.0, 2.0, 9.0]) == Spread(2.5, 1.0, 9.0)


def test_networks_that_are_fast_in_different_places_are_put_there(toy: Toy, registry: Registry) -> None:
    """Device ``a`` is slow at one network and ``b`` at the other, so both together beat each."""
    lines: list[str] = []
    found = voxstack_bench.bench(
        toy(), ["toy:a", "toy:b", "toy:off", "toy:gone"], registry=registry, repeat=2, progress=lines.append
    )
    states = {row.context: (row.state, row.checked) for row in found.contexts}
    assert states == {
        "toy:a": ("measured", "pass"),
        "toy:b": ("measured", "pass"),
        "toy:off": ("measured", "fail"),
        "toy:gone": ("unavailable", "not checked"),
        "placement": ("measured", "pass"),
    }
    assert found.places == {"wave": "toy:a", "tone": "toy:b"}
    assert "toy:off" not in found.times["wave"]
    assert found.times["tone"]["toy:a"] > 2 * found.times["tone"]["toy:b"]
    assert found.best == "placement"
    assert {name: place["device"] for name, place in found.context["networks"].items()} | {
        "": found.context["device"]
    } in (
        {"": "a", "tone": "b"},
        {"": "b", "wave": "a"},
    )
    rows = {row.context: row for row in found.contexts}
    assert rows["placement"].rtf < 0.7 * min(rows["toy:a"].rtf, rows["toy:b"].rtf)
    assert rows["toy:a"].waste == {"wave": 0.25, "tone": 0.25}
    assert rows["toy:a"].networks["tone"].calls > 10
    assert not found.complete  # toy:gone was requested
    assert Path(found.saved).is_file()
    assert [line for line in lines if line.startswith("placement: ")]
    assert any("toy:off" in line and "WRONG in wave, tone, speech" in line for line in lines)


def test_without_contexts_all_available_ones_are_measured(toy: Toy, registry: Registry) -> None:
    folder = toy(contexts={"default": {"runtime": "onnx"}, "card": {"runtime": "toy", "device": "gone"}})
    found = voxstack_bench.bench(folder, registry=registry, repeat=1, text="Good night.", save=False)
    assert {row.context: row.state for row in found.contexts} == {
        "default": "measured",
        "card": "unavailable",
        "toy:a": "measured",
        "toy:b": "measured",
    }
    assert found.best == "default"
    assert found.saved is None
    assert found.complete
    assert found.text == "Good night."


def test_one_that_breaks_leaves_the_others_alone(toy: Toy, registry: Registry) -> None:
    found = voxstack_bench.bench(toy(), ["toy:crash", "onnx:cpu"], registry=registry, repeat=1, save=False)
    rows = {row.context: row for row in found.contexts}
    assert rows["toy:crash"].state == "fail"
    assert "the card is on fire" in rows["toy:crash"].reason
    assert found.best == "onnx:cpu"
    assert not found.complete


def test_where_nothing_is_right_nothing_is_best_or_stored(toy: Toy, registry: Registry, tmp_path: Path) -> None:
    found = voxstack_bench.bench(toy(), ["toy:off"], registry=registry, repeat=1)
    assert found.best is None
    assert found.contexts[0].first_audio is not None
    assert not (tmp_path / "placements").exists()


def test_voices_in_other_languages_say_their_golden_text(toy: Toy, registry: Registry, vectors: Any) -> None:
    folder = toy(languages=["nl"])
    assert (
        voxstack_bench.bench(folder, ["onnx:cpu"], registry=registry, repeat=1, save=False).text == "Hello there, you."
    )
    shutil.rmtree(folder)
    del vectors["speech"]
    with pytest.raises(
        RequestError, match="speaks nl, and there is no default text in that language; give one with --text"
    ):
        voxstack_bench.bench(toy(vectors, languages=["nl"]), ["onnx:cpu"], registry=registry)


def test_what_cannot_speak_cannot_be_measured(registry: Registry) -> None:
    with pytest.raises(RequestError, match="prism has no stack"):
        voxstack_bench.bench("prism", registry=Registry.installed())


def test_the_command_shows_figures_networks_and_the_best(
    toy: Toy, command: Command, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "found.json"
    argv = ["bench", str(toy()), "--context", "toy:a", "--context", "toy:b", "--repeat", "2", "--json", str(out)]
    assert command(*argv) == 0
    output, errors = capsys.readouterr()
    lines = output.splitlines()
    assert lines[0].startswith("toy 1: medians of 2 turns, ")
    assert [line.split()[0] for line in lines[2:5]] == ["toy:a", "toy:b", "placement"]
    (wave,) = [line for line in lines if line.startswith("wave ") and "*" in line]
    assert wave.split()[1].endswith("*")
    assert "25%" in output
    found = json.loads(out.read_text())
    assert found["best"] in ("toy:a", "toy:b", "placement"), "which depends on what else the machine does"
    assert lines[-1].startswith(f"best for balanced: {found['best']} (")
    assert lines[-1].endswith("--context auto uses it")
    assert "voxstack: stored for --context auto: " in errors
    assert Path(found["saved"]).is_file()


def test_the_command_stores_nothing_with_no_save(toy: Toy, command: Command, tmp_path: Path, capsys: Any) -> None:
    text = tmp_path / "text"
    text.write_text("Guten Tag.", "utf-8")
    argv = [
        "bench",
        str(toy()),
        "--context",
        "onnx:cpu",
        "--file",
        str(text),
        "--repeat",
        "1",
        "--no-save",
        "--quiet",
        "--json",
        "-",
    ]
    assert command(*argv) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    assert json.loads(output)["text"] == "Guten Tag."
    assert not (tmp_path / "placements").exists()


@pytest.mark.parametrize("argv", [["missing"], ["toy", "--context", "nowhere"], ["toy", "--file", "no-such-file"]])
def test_what_cannot_be_measured_is_wrong_usage(argv: list[str], toy: Toy, command: Command, capsys: Any) -> None:
    folder = toy()
    assert command("bench", *(str(folder) if word == "toy" else word for word in argv)) == 2
    assert capsys.readouterr().err.startswith("voxstack: error: ")


@pytest.mark.parametrize("argv", [["x", "--repeat", "0"], ["x", "--for", "fun"], ["x", "--text", "a", "--file", "b"]])
def test_options_that_cannot_be_parsed(argv: list[str], command: Command) -> None:
    with pytest.raises(SystemExit) as left:
        command("bench", *argv)
    assert left.value.code == 2
