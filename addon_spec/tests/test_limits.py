"""What an addon.json may make large has a limit, and the work on it grows in proportion to its size."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voxstack_addon_spec import AddonError, Context, ContextError, NetworkSpec, validate_config
from voxstack_addon_spec.context_checks import check_context
from voxstack_addon_spec.limits import MAX_INTEGER, MAX_VALUES
from voxstack_addon_spec.strict_json import _TEXT, parse_object
from voxstack_addon_spec.strict_schema import strict_validator
from voxstack_addon_spec.wording import did_you_mean, listing, short_repr

EXAMPLES = Path(__file__).parents[1] / "examples"
VOICE: dict[str, Any] = json.loads((EXAMPLES / "valid" / "voice.json").read_text("utf-8"))
STATEFUL: dict[str, Any] = json.loads((EXAMPLES / "valid" / "streaming.json").read_text("utf-8"))
FILE = {"sha256": "0" * 64, "size": 1}
Edit = Callable[[dict[str, Any]], object]


def problem(edit: Edit, example: dict[str, Any] = VOICE) -> str:
    config = copy.deepcopy(example)
    edit(config)
    with pytest.raises(AddonError) as caught:
        validate_config(config, "x")
    assert len(str(caught.value)) < 2000
    return str(caught.value)


def calls(function: Callable[[], object]) -> int:
    """Return the number of calls of Python functions and builtins that a function makes."""
    count = 0

    def profile(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        function()
    except AddonError:
        pass
    finally:
        sys.setprofile(None)
    return count


def validation(edit: Callable[[dict[str, Any], int], object], size: int) -> Callable[[], object]:
    config = copy.deepcopy(VOICE)
    edit(config, size)
    return lambda: validate_config(config, "x")


@pytest.mark.parametrize(
    "edit",
    [
        lambda config, n: config.update(golden=[[i] for i in range(n)]),
        lambda config, n: config.update(golden=[*range(n), {}]),
        lambda config, n: config.update(languages=["en", *({"a": i} for i in range(n))]),
        lambda config, n: config["contexts"]["npu"].update(shapes={"tokens": [[i] for i in range(n)]}),
        lambda config, n: config.update(golden=[str(i % (n - 1)) for i in range(n)]),
        lambda config, n: config["files"].update({f"{i}/" + "a/" * 14 + "b": FILE for i in range(n)}),
        lambda config, n: config["files"].update({f"{i}.onnx": {} for i in range(n)}),
        lambda config, n: config.update({f"unknown{i}": 1 for i in range(n)}),
        lambda config, n: config["controls"].update({f"c{i}": {"type": "x", "enum": 3, "a": 1} for i in range(n)}),
        lambda config, n: config["controls"].update(a={"type": "number", "enum": list(range(n)), "default": -1}),
        lambda config, n: config["controls"].update(
            a={"type": "array", "items": {"type": "number", "enum": list(range(n))}, "default": list(range(n))}
        ),
        lambda config, n: config["stack"].extend({"no": "type"} for _ in range(n)),
    ],
)
def test_work_is_in_proportion_to_the_size(edit: Callable[[dict[str, Any], int], object]):
    validate_config(VOICE, "x")  # builds the validator
    few, many = (calls(validation(edit, size)) for size in (100, 800))
    assert many < 9 * few


@pytest.mark.parametrize(
    "edit",
    [
        lambda config: config.update(stack=[{"type": "A", "x": [0] * MAX_VALUES}]),
        lambda config: config["controls"].update(a={"type": "number", "enum": [{}] * MAX_VALUES}),
        lambda config: config["networks"]["decoder"].update(measured={"a": [[[]] for _ in range(MAX_VALUES // 2)]}),
    ],
)
def test_what_has_too_many_values_is_not_validated(edit: Edit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("voxstack_addon_spec.validation._validator", None)
    assert "more than 100000 values; keep tables in files of their own" in problem(edit)


def test_what_has_too_many_values_is_not_parsed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("json.loads", None)
    with pytest.raises(AddonError, match="x: has more than 100000 values; keep tables in files of their own"):
        parse_object(b'{"a": [' + b"[]," * 2 * MAX_VALUES + b"1]}", "x")


def test_a_text_without_an_end_is_searched_once():
    found = [match.span() for match in _TEXT.finditer('"' + ',\\"' * 1000)]
    assert found == [(0, 3001)]


def test_punctuation_in_texts_counts_for_nothing():
    text = json.dumps({"a": ['[{,\\",' * 8000] * 10})
    assert text.count(",") > MAX_VALUES
    assert parse_object(text.encode(), "x") == json.loads(text)


def nested_blocks(depth: int) -> Any:
    return {"type": "A", "blocks": [nested_blocks(depth - 1)]} if depth else []


@pytest.mark.parametrize(
    "edit, message",
    [
        (lambda c: c.update(description="a" * 70_000), "x: description: has a text of 70000 characters, and at most "),
        (lambda c: c.update(description="\ud800"), "x: description: has a text with half of a surrogate pair"),
        (lambda c: c.update({"a" * 513: 1}), "x: has a key of 513 characters, and at most 512 are allowed"),
        (lambda c: c.update({"\udfff": 1}), "x: has a key with half of a surrogate pair"),
        (lambda c: c["stack"][0].update(x=2**63), "x: stack[0].x: is an integer that 64 bits do not hold"),
        (lambda c: c["stack"][0].update(x=-(10**5000)), "x: stack[0].x: is an integer that 64 bits do not hold"),
        (lambda c: c["stack"][0].update(x=float("nan")), "x: stack[0].x: nan is not a finite number"),
        (lambda c: c.update(spec_version=10**5000), "x: spec_version: is an integer that 64 bits do not hold"),
        (lambda c: c.update(name="a" * 65), "x: name: has 65 characters; give at most 64"),
        (lambda c: c["controls"].update({"a" * 129: {"type": "number"}}), "x: controls: key 'aaa"),
        (lambda c: c.update(sample_rate=10**6), "x: sample_rate: 1000000 is too large; write 384000 or less"),
        (
            lambda c: c.update(controls={f"c{i}": {"type": "number"} for i in range(257)}),
            "x: controls: has 257 entries",
        ),
        (lambda c: c.update(languages=["en"] * 1001), "x: languages: has 1001 entries; give at most 1000"),
        (lambda c: c["contexts"]["npu"].update(threads=300), "x: contexts.npu.threads: 300 is too large; write 256 or"),
        (lambda c: c["contexts"]["npu"].update(batch=2**31), "x: contexts.npu.batch: 2147483648 is too large"),
        (
            lambda c: c["contexts"]["npu"]["shapes"].update(tokens=[*range(1, 66)]),
            "x: contexts.npu.shapes.tokens: has 65",
        ),
        (
            lambda c: c["contexts"]["npu"]["shapes"].update(tokens=[65_537]),
            "x: contexts.npu.shapes.tokens[0]: 65537 is",
        ),
        (
            lambda c: c["stack"][0].update(x=nested_blocks(12)),
            "x: stack: has 13 blocks inside each other, and at most 12",
        ),
        (lambda c: c["stack"][0].update(x=[{"type": "A"}] * 1000), "x: stack: has 1008 blocks, and at most 1000"),
        (lambda c: c["files"].update({"é" * 128: FILE}), "x: files: file name 'ééé"),
        (lambda c: c["files"].update({"a/" * 16 + "b": FILE}), "x: files: file name 'a/a/"),
        (lambda c: c["files"].update({"é/" * 171: FILE}), "x: files: file name 'é/é/"),
        (
            lambda c: c["networks"]["decoder"]["exports"][0].update(parameters="golden/hello.npz"),
            "x: networks.decoder.exports[0].parameters: 'golden/hello.npz' lies in another folder",
        ),
        (
            lambda c: c["networks"]["decoder"]["inputs"]["frames"].update(shape=["batch", 2**20, 2**20]),
            "x: networks.decoder.inputs.frames.shape: has 1099511627776 elements in its fixed lengths, and at most",
        ),
        (
            lambda c: c["networks"]["decoder"]["inputs"]["frames"].update(shape=["a"] * 17),
            "x: networks.decoder.inputs.",
        ),
        (
            lambda c: c["networks"]["decoder"].update(measured={"batch_error": "x"}),
            "x: networks.decoder.measured.batch_error: 'x' is not a number; write a number",
        ),
        (
            lambda c: c["networks"]["decoder"].update(measured={"mask_error": {"frames": None}}),
            "x: networks.decoder.measured.mask_error.frames: None is not a number; write a number",
        ),
    ],
)
def test_limit(edit: Edit, message: str):
    assert problem(edit).startswith(message)


def test_states_are_limited_together():
    def edit(config: dict[str, Any]) -> None:
        form = config["networks"]["decoder"]["stateful"]
        state = next(state for state in form["streaming"]["states"].values() if "steps" in state)
        state["steps"] = 1_000_000

    message = "x: networks.decoder.stateful.streaming.states: have "
    assert problem(edit, STATEFUL).startswith(message)


def test_the_largest_values_are_allowed():
    config = copy.deepcopy(VOICE)
    config["spec_version"] = 3
    config["stack"][0]["y"] = nested_blocks(11)
    config["stack"][0]["x"] = [MAX_INTEGER, -MAX_INTEGER, 1e308]
    config["contexts"]["npu"].update(threads=256, batch=1024)
    config["files"].update({f"{'é/' * 15}{'é' * 125}{i}": FILE for i in range(1000)})
    assert validate_config(config, "x") is None


def test_threads_are_no_more_than_there_are_processors(monkeypatch: pytest.MonkeyPatch):
    for processors, usable in ((None, 8), (2, 8), (16, 16), (500, 200)):
        monkeypatch.setattr("os.cpu_count", lambda processors=processors: processors)
        assert Context.of({"runtime": "onnx", "threads": 200}, {}, "x").usable_threads == usable
        assert Context("onnx", threads=10**20).usable_threads == max(processors or 0, 8)
        assert Context("onnx").usable_threads == 1


@pytest.mark.parametrize(
    "context, message",
    [
        ({"threads": 257}, "x: a context's 'threads' is a number of threads from 1 to 256, not 257"),
        ({"threads": 10**5000}, "x: a context's 'threads' is a number of threads from 1 to 256, not this int"),
        ({"batch": 1025}, "x: a context's 'batch' is a number of calls from 1 to 1024, not 1025"),
        ({"shapes": {"frames": [65_537]}}, "x: a context's 'shapes' is sizes by axis, such as"),
        ({"shapes": {"frames": [*range(1, 66)]}}, "x: a context's 'shapes' is sizes by axis, such as"),
        ({"schedule": {"first": 2_000_000}}, "x: a context's 'schedule' is "),
        ({"schedule": {"growth": 2_000}}, "x: a context's 'schedule' is "),
        ({"threds" * 1000: 1}, "x: a context has no 'threds"),
    ],
    ids=short_repr,
)
def test_limit_of_a_requested_context(context: dict[str, Any], message: str):
    with pytest.raises(ContextError) as caught:
        Context.of(context, {}, "x")
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "shapes, message",
    [
        ({"a": range(1, 65), "b": range(1, 65)}, "4096 combinations of sizes, and each is compiled; at most 256"),
        ({"a": [65_536], "b": [65_536]}, "an array of 4294967296 elements; at most 16777216"),
    ],
)
def test_combinations_of_sizes(shapes: dict[str, Any], message: str):
    array = {"dtype": "float32", "shape": ["batch", "a", "b"]}
    config = {"role": "encoder", "inputs": {"x": array}, "outputs": {"y": array}, "exports": []}
    spec = NetworkSpec.of("net", config, "", Path, trusted=False)
    context = Context.of({"shapes": {axis: list(sizes) for axis, sizes in shapes.items()}}, {}, "x")
    with pytest.raises(ContextError, match=f"network 'net': the context's 'shapes' give {message} are allowed"):
        check_context(context, [spec], "x")


def test_a_suggestion_is_not_searched_for_long():
    assert did_you_mean("a" * 10_000, ["a" * 10_001]) == ""
    assert calls(lambda: did_you_mean("abcdefgh", (f"abcdefg{i}" for i in range(10**5)))) < 10**6
    assert did_you_mean("frmes", ["x" * 10_000, 3, "frames"]) == "; did you mean 'frames'?"


def test_lists_in_messages_are_short():
    assert listing(["a", 1]) == "'a', 1"
    assert listing([f"n{i}" for i in range(1000)]).endswith("'n19' and 980 more")
    assert len(short_repr("a" * 10**6)) < 100
    assert short_repr(10**5000) == "this int"
    nested: list[Any] = []
    for _ in range(10**5):
        nested = [nested]
    assert short_repr(nested) == "this list"


@pytest.mark.parametrize(
    "schema, value, valid",
    [
        ({"type": "number"}, float("nan"), False),
        ({"type": "number"}, float("inf"), False),
        ({"type": "number"}, 10**400, True),
        ({"type": "number"}, 1 + 1j, False),
        ({"type": "number", "multipleOf": 0.5}, 10**400, True),
        ({"multipleOf": 0.3}, 10**400 + 1, False),
        ({"multipleOf": 3}, 2**62 + 2, True),
        ({"multipleOf": 1e-300}, 1e308, False),
        ({"maximum": 3}, 10**5000, False),
        ({"enum": [1, "a", [1, {"b": None}]]}, 1.0, True),
        ({"enum": [1, "a", [1, {"b": None}]]}, True, False),
        ({"enum": [1, "a", [1, {"b": None}]]}, [1.0, {"b": None}], True),
        ({"enum": [1]}, ..., False),
        ({"enum": [1]}, {1, 2}, False),
        ({"const": {"a": [True]}}, {"a": [True]}, True),
        ({"const": {"a": [True]}}, {"a": [1]}, False),
        ({"uniqueItems": True}, [1, True, "1", None, [1], [True], {}], True),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], False),
        ({"uniqueItems": False}, [1, 1], True),
    ],
    ids=short_repr,
)
def test_strict_validator(schema: dict[str, Any], value: Any, valid: bool):
    assert strict_validator()(schema).is_valid(value) is valid


def test_only_the_first_wrong_child_is_reported():
    schema = {
        "propertyNames": {"maxLength": 2},
        "additionalProperties": {"items": {"type": "number", "enum": [0]}, "maxItems": 2},
    }
    errors = strict_validator()(schema).iter_errors({"ok": [0], "bad": ["x", "y", "z"], "worse": ["x"]})
    found = [([*error.absolute_path], error.validator) for error in errors]
    assert found == [([], "maxLength"), (["bad", 0], "type"), (["bad", 0], "enum"), (["bad"], "maxItems")]
