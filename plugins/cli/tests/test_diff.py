from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import network, tensor

from voxstack import Registry
from voxstack_cli.comparison import Change, compare_stacks, compare_values
from voxstack_cli.main import main

Write = Callable[..., Path]

NET = network("encoder", {"tokens": tensor("batch", "tokens")}, {"encoded": tensor("batch", "tokens", 2)})
STACK = [{"type": "Hum"}, {"type": "Gain", "db": -3}, {"type": "Probe", "name": "end"}]


@pytest.fixture
def diff(capsys: Any) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs ``voxstack diff``, and returns its status, output and errors."""

    def run(*argv: object) -> tuple[int, str, str]:
        status = main(["diff", *map(str, argv)], Registry({}))
        return (status, *capsys.readouterr())

    return run


def stacks(tmp_path: Path, *values: Any) -> list[Path]:
    places = [tmp_path / f"stack{index}.json" for index in range(len(values))]
    for place, value in zip(places, values, strict=True):
        place.write_text(json.dumps(value))
    return places


def test_the_same_has_no_difference(diff: Any, write_addon: Write) -> None:
    one, two = (write_addon(name, networks={"encoder": NET}) for name in ("one", "two"))
    (two / "addon.json").write_bytes((one / "addon.json").read_bytes())
    assert diff(one, two) == (0, "no difference\n", "")
    assert diff(one / "addon.json", two)[0] == 0
    status, out, _ = diff(one, two, "--json")
    assert (status, json.loads(out)["changes"]) == (0, [])


def test_blocks_and_fields_are_named_by_path(diff: Any, tmp_path: Path) -> None:
    pipeline = {"type": "StreamablePipeline", "streamable_block": {"type": "Gain", "db": 1}, "sequence_block": []}
    new = [{"type": "Hum"}, {"type": "Fade"}, {"type": "Gain", "db": -6, "curve": "log"}, pipeline]
    old = [*STACK, {**pipeline, "streamable_block": {"type": "Gain", "db": 2}}]
    status, out, _ = diff(*stacks(tmp_path, old, {"stack": new}))
    assert status == 1
    assert out.splitlines() == [
        "stack",
        '  + stack[1]: {"type": "Fade"}',
        "    stack[2].db: -3 -> -6",
        "  + stack[2].curve: log",
        '  - stack[2]: {"type": "Probe", "name": "end"}',
        "    stack[3].streamable_block.db: 2 -> 1",
    ]


def test_another_block_in_a_field_is_removed_and_added() -> None:
    old, new = ([{"type": "Wrap", "block": {"type": kind, "db": 1}}] for kind in ("Gain", "Fade"))
    assert compare_stacks(old, new) == [
        Change("stack", "stack[0].block", "removed", old={"type": "Gain", "db": 1}),
        Change("stack", "stack[0].block", "added", new={"type": "Fade", "db": 1}),
    ]
    assert compare_stacks(old, old) == compare_stacks(old, old[0]) == []


def test_true_is_not_one_and_one_is_one_point_zero() -> None:
    assert [change.path for change in compare_values({"a": True, "b": 1}, {"a": 1, "b": 1.0}, "x", "stack")] == ["x.a"]
    assert [(c.kind, c.old, c.new) for c in compare_values({"a": None}, {"a": 1}, "", "stack")] == [("added", None, 1)]


def test_addons_differ_in_all_their_parts(diff: Any, write_addon: Write) -> None:
    old = write_addon(
        "tiny", stack=[{"type": "Hum"}], networks={"encoder": {**NET, "measured": {"deterministic": True}}},
        controls={"rate": {"type": "number", "maximum": 2}},
    )  # fmt: skip
    inputs = {"tokens": tensor("batch", "tokens", dtype="int64")}
    other = write_addon(
        "other", stack=[{"type": "Hum"}, {"type": "Gain"}], version="2",
        networks={"encoder": {**NET, "inputs": inputs, "measured": {"deterministic": False}}, "more": NET},
        controls={"rate": {"type": "number", "maximum": 4}},
        contexts={"default": {"runtime": "python", "threads": 2}},
    )  # fmt: skip
    config = json.loads((other / "addon.json").read_text())
    config["files"]["encoder.txt"] = {"sha256": "0" * 64, "size": 7}
    (other / "encoder.txt").write_bytes(b"changed")
    (other / "addon.json").write_text(json.dumps(config))
    status, out, _ = diff(old, other)
    assert status == 1
    lines = out.splitlines()
    assert [line for line in lines if line[0] != " "] == [
        "header", "stack", "networks", "controls", "contexts", "measured"
    ]  # fmt: skip
    assert "    version: 1 -> 2" in lines
    assert '  + stack[1]: {"type": "Gain"}' in lines
    assert "    networks.encoder.inputs.tokens.dtype: float32 -> int64" in lines
    (hashes,) = (line for line in lines if "networks.encoder.exports.python.symbol: sha256 " in line)
    assert hashes.endswith("-> sha256 000000000000, 7 bytes")
    assert "    controls.rate.maximum: 2 -> 4" in lines
    assert "  + contexts.default.threads: 2" in lines
    assert "    networks.encoder.measured.deterministic: true -> false" in lines
    rows = json.loads(diff(old, other, "--json")[1])["changes"]
    assert {"section": "controls", "path": "controls.rate.maximum", "kind": "changed", "old": 2, "new": 4} in rows
    assert all(("old" in row) == (row["kind"] != "added") for row in rows)


def test_what_cannot_be_compared_has_a_status_of_its_own(diff: Any, tmp_path: Path, write_addon: Write) -> None:
    one, other = stacks(tmp_path, STACK, {"type": 3})
    (tmp_path / "bad.json").write_text("{")
    cases = [
        ((one, write_addon()), "is a stack, and .* an addon; compare two of the same kind"),
        ((one, other), "is no stack: write a list of blocks"),
        ((one, tmp_path / "bad.json"), "is no JSON"),
        ((one.with_name("none.json"), one), "a stack, and|no addon"),
    ]
    for places, message in cases:
        status, out, err = diff(*places)
        assert (status, out) == (2, "")
        assert re.search(message, err), err
