from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tiny import network, plugin, tensor

from voxstack import Registry, SequenceBlock, StreamableBlock
from voxstack_cli.main import main

Write = Callable[..., Path]


@dataclass
class Twin(SequenceBlock):
    """First of two."""

    def __call__(self, utterance: Any) -> Any:
        return {}


Other = dataclass(type("Twin", (SequenceBlock,), {"__call__": lambda self, utterance: {}, "__doc__": "Second of two."}))


@dataclass
class Wave(StreamableBlock):
    """Needs a network.

    :param gain: how loud, as a factor.
    :param child: what comes after.
    """

    gain: float
    child: StreamableBlock | None = None

    head = True

    def load(self, addon: Any) -> None:
        addon.network("wave")

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from ()


WAVE = network(
    "decoder",
    {"frames": tensor("batch", "frames", 2), "mask": tensor("batch", "frames", mask=True)},
    {"mel": tensor("batch", "frames", 2)},
)
WAVE |= {"streaming": {"axis": "frames", "left": 3, "right": 4, "hop": 1}, "measured": {"deterministic": True}}


def test_voices_lists_voices_and_lenders(world: Registry, write_addon: Write, capsys: Any) -> None:
    folders = [*world.addons().values(), write_addon("lender", networks={"wave": WAVE}, languages=[])]
    registry = Registry({"all": plugin(voxstack_addons=lambda: folders)})
    assert main(["voices"], registry) == 0
    output = capsys.readouterr().out
    assert "hummer 1  voice  en-US  8000 Hz  Apache-2.0" in output
    assert "  rate: number, 0.5 to 2, default 1.0. Speed, as a factor." in output
    assert "lender 1  lends networks  no language" in output
    assert "  wave (decoder)" in output


def test_broken_voices_are_listed_with_their_error_and_the_rest_too(
    world: Registry, tmp_path: Path, bad_plugin: Any, capsys: Any
) -> None:
    folders = [*world.addons().values(), tmp_path / "gone"]
    registry = Registry(
        {"all": plugin(voxstack_addons=lambda: folders), "bad": bad_plugin}, {"worse": ImportError("no module x")}
    )
    assert main(["voices", "--json"], registry) == 0
    output, errors = capsys.readouterr()
    rows = {row["name"]: row for row in json.loads(output)}
    assert rows["hummer"]["speaks"] is True
    assert rows["hummer"]["controls"]["rate"]["maximum"] == 2
    assert "addon.json" in rows["gone"]["error"] or "no such file" in rows["gone"]["error"]
    assert "voxstack: plugin 'bad' (bad) is broken: RuntimeError('no licence key')" in errors
    assert "voxstack: plugin 'worse' (worse) is broken: ImportError('no module x')" in errors
    assert main(["voices"], registry) == 0
    assert "gone  broken: " in capsys.readouterr().out


def test_blocks_lists_kind_distribution_and_first_line(world: Registry, capsys: Any) -> None:
    assert main(["blocks"], world) == 0
    output = capsys.readouterr().out.splitlines()
    at = next(index for index, line in enumerate(output) if line.startswith("Hum "))
    assert output[at].split() == ["Hum", "StreamableBlock", "voxstack-hum"]
    assert output[at + 1].strip() == "Hums a sine: 100 samples for each letter of the text."
    assert main(["blocks", "--json"], world) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["SequenceBlockContainer"]["kind"] == "SequenceBlock"
    assert rows["Hum"]["distribution"] == "voxstack-hum"


def test_blocks_reports_claims_of_two_and_broken_plugins_at_the_end(capsys: Any) -> None:
    registry = Registry({"a": plugin([Twin, Wave]), "b": plugin([Other])}, {"worse": ImportError("no module x")})
    assert main(["blocks"], registry) == 0
    output, errors = capsys.readouterr()
    assert "Wave" in output
    assert "Twin" not in output
    assert "two plugins bring a block named 'Twin'" in errors
    assert "plugin 'worse' (worse) is broken: ImportError('no module x')" in errors
    assert main(["blocks", "Twin"], registry) == 1
    assert "two plugins bring a block named 'Twin'" in capsys.readouterr().err


def test_a_block_without_a_json_form_hides_no_other(capsys: Any) -> None:
    @dataclass
    class Odd(Twin):
        """Has a field that JSON cannot hold."""

        what: bytes = b""

    assert main(["blocks"], Registry({"a": plugin([Odd, Wave])})) == 0
    output, errors = capsys.readouterr()
    assert "Wave" in output
    assert "block 'Odd' (a): " in errors


def test_one_block_shows_its_fields(capsys: Any) -> None:
    registry = Registry({"a": plugin([Wave])})
    assert main(["blocks", "Wave"], registry) == 0
    output = capsys.readouterr().out
    assert "  gain: number. how loud, as a factor. (required)" in output
    assert "  child: StreamableBlock or null, default null. what comes after." in output
    assert main(["blocks", "Wave", "--json"], registry) == 0
    assert json.loads(capsys.readouterr().out)["schema"]["required"] == ["type", "gain"]
    assert main(["blocks", "Wafe"], registry) == 1
    assert "no block named 'Wafe'; did you mean 'Wave'?" in capsys.readouterr().err


def lending(write_addon: Write, **config: Any) -> Path:
    return write_addon("lender", networks={"wave": WAVE}, **config)


def test_validate_checks_files_and_builds_the_stack(write_addon: Write, capsys: Any) -> None:
    folder = lending(write_addon, stack=[{"type": "Wave", "gain": 1.0}])
    assert main(["validate", str(folder)], Registry({"a": plugin([Wave], {"wave": print})})) == 0
    assert capsys.readouterr().out == f"OK  {folder}: lender 1, 1 files, stack built (python on cpu)\n"


def test_validate_opens_the_networks_of_an_addon_without_a_stack(write_addon: Write, capsys: Any) -> None:
    folder = lending(write_addon)
    assert main(["validate", str(folder)], Registry({"a": plugin([], {"wave": print})})) == 0
    assert "1 networks opened" in capsys.readouterr().out
    assert main(["validate", str(folder)], Registry({})) == 1
    assert "no runtime named 'python' is installed" in capsys.readouterr().err
    assert main(["validate", str(folder), "--no-load"], Registry({})) == 0


@pytest.mark.parametrize(
    ("name", "problem"), [("decoder.txt", "sha256"), ("unlisted.txt", "does not list"), ("addon.json", "JSON")]
)
def test_validate_finds_what_is_wrong_and_goes_on(
    name: str, problem: str, world: Registry, write_addon: Write, capsys: Any
) -> None:
    folder = lending(write_addon)
    (folder / name).write_text("x" * len("decoder.txt"))
    assert main(["validate", "--no-load", str(folder), "hummer"], world) == 1
    output, errors = capsys.readouterr()
    assert output == "OK  hummer: hummer 1, 0 files\n"
    assert errors.startswith(f"voxstack: error: {folder}: ")
    assert problem in errors


def test_validate_names_the_spot_in_the_stack(write_addon: Write, capsys: Any) -> None:
    folder = lending(write_addon, stack=[{"type": "Wafe"}])
    assert main(["validate", str(folder)], Registry({"a": plugin([Wave])})) == 1
    assert "stack[0]: no block named 'Wafe'; did you mean 'Wave'?" in capsys.readouterr().err


def test_validate_survives_a_bug_in_a_plugin(world: Registry, write_addon: Write, capsys: Any) -> None:
    class Buggy(dict[str, Any]):
        def __missing__(self, key: str) -> Any:
            raise ZeroDivisionError("a bug")

    folder = lending(write_addon)
    registry = Registry(
        {"a": plugin([], Buggy()), "b": plugin([world["Hum"]], voxstack_addons=lambda: list(world.addons().values()))}
    )
    assert main(["validate", str(folder), "hummer"], registry) == 1
    output, errors = capsys.readouterr()
    assert output.startswith("OK  hummer: ")
    assert "ZeroDivisionError: a bug" in errors


def test_validate_wants_something(world: Registry, capsys: Any) -> None:
    assert main(["validate"], world) == 1
    assert "nothing to validate" in capsys.readouterr().err


def test_the_combined_schema_knows_the_installed_blocks(world: Registry, capsys: Any) -> None:
    assert main(["validate", "--schema"], world) == 0
    schema = json.loads(capsys.readouterr().out)
    config = json.loads((world.addon("hummer") / "addon.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(config)
    assert not validator.is_valid({**config, "stack": [{"type": "Hum", "pich": 1.0}]})
    assert not validator.is_valid({**config, "stack": [{"type": "Humm"}]})


def test_inspect_shows_networks_stack_contexts_and_files(write_addon: Write, capsys: Any) -> None:
    stack = [{"type": "Wave", "gain": 2, "child": {"type": "StreamableStack", "stack": [{"type": "Wave", "gain": 3}]}}]
    networks = {"wave": WAVE, "lent": {"addon": "prism", "network": "vocoder", "sha256": "b" * 64}}
    folder = write_addon("both", networks=networks, stack=stack)
    assert main(["inspect", str(folder)], Registry({})) == 0
    output = capsys.readouterr().out
    for line in (
        f"both 1  ({folder})",
        "  wave (decoder)",
        "    input  frames: float32 [batch, frames, 2]",
        "    input  mask: float32 [batch, frames], a mask",
        "    output mel: float32 [batch, frames, 2]",
        "    streaming along frames: left context 3, right context 4, hop 1",
        "    export python: decoder.txt, 11 B",
        "    measured deterministic: true",
        "  lent: borrowed, 'vocoder' of 'prism', sha256 bbbbbbbbbbbb...",
        "  [0] Wave (gain 2)",
        "    child: StreamableStack",
        "      stack[0]: Wave (gain 3)",
        "  default: runtime python",
        "  decoder.txt  11 B",
        "no controls",
    ):
        assert line in output.splitlines()


def test_inspect_as_json(write_addon: Write, capsys: Any) -> None:
    folder = lending(write_addon)
    assert main(["inspect", str(folder), "--json"], Registry({})) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["location"] == str(folder)
    assert output["networks"]["wave"]["exports"][0]["size"] == len("decoder.txt")
    assert main(["inspect", str(folder / "nowhere")], Registry({})) == 1
    assert "no such file or folder" in capsys.readouterr().err


def test_inspect_shows_how_the_default_voice_streams(capsys: Any) -> None:
    assert main(["inspect", "amber"]) == 0
    output = capsys.readouterr().out
    assert "    streaming along frames: left context 18, right context 18, hop 1" in output.splitlines()
    assert re.search(
        r"^    also stateful, along frames: \d+ states, right context 18, hop 1: onnx decoder",
        output,
        re.MULTILINE,
    )


@dataclass
class Twice(StreamableBlock):
    """Yields each step twice.

    :param times: how often.
    """

    times: int = 2

    takes = makes = "mel"
    needs = frozenset({"durations"})

    @property
    def hop(self) -> float:
        return float(self.times)

    @property
    def lookahead(self) -> int:
        raise RuntimeError("no network is open")

    def stream(self, source: Any, utterance: Any) -> Any:
        yield from source


def test_a_block_is_shown_with_what_it_declares(capsys: Any) -> None:
    registry = Registry({"a": plugin([Twice, Wave])}, distribution_of=lambda name: "voxstack-cli")
    assert main(["blocks", "Twice", "--json"], registry) == 0
    row = json.loads(capsys.readouterr().out)
    schema = row.pop("schema")
    assert schema["properties"]["times"] == {"type": "integer", "default": 2, "description": "how often."}
    assert re.fullmatch(r"\d+\.\d+.*", row.pop("version"))
    assert row == {
        "name": "Twice",
        "kind": "StreamableBlock",
        "distribution": "voxstack-cli",
        "description": "Yields each step twice.",
        "needs": ["durations"],
        "head": False,
        "takes": "mel",
        "makes": "mel",
        "hop": 2.0,
        "lookahead": None,
        "lookback": None,
        "output_rate": None,
        "depends": ["hop", "lookahead"],
    }
    assert main(["blocks", "Twice"], registry) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:5] == [
        "  needs durations",
        "  takes mel, makes mel",
        "  hop 2 (by default), lookahead (it depends), lookback any",
    ]
    assert main(["blocks", "Wave", "--json"], registry) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["head"], row["hop"], row["lookahead"], row["depends"]) == (True, 1.0, 0, [])
    assert main(["blocks", "--json"], registry) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["SequenceBlockContainer"]["needs"] is None
    assert rows["SequenceBlockContainer"]["depends"] == ["needs", "gives"]
    assert "schema" not in rows["Twice"]


def test_inspect_shows_the_plugins_of_an_addon(write_addon: Write, capsys: Any) -> None:
    plugins = {"my-blocks": "0.3", "jsonschema": "0.0.1"}
    folder = write_addon(stack=[{"type": "Wave", "gain": 1}], plugins=plugins, spec_version=3)
    assert main(["inspect", str(folder)], Registry({})) == 0
    output = capsys.readouterr().out
    assert "\nplugins\n  my-blocks 0.3 (not installed)\n  jsonschema 0.0.1 (" in output
    assert main(["inspect", str(write_addon("plain", stack=[{"type": "Wave", "gain": 1}]))], Registry({})) == 0
    assert "\nplugins\n" not in capsys.readouterr().out
