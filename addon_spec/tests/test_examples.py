"""Every example in examples/: valid ones pass, and invalid ones fail with exactly the message that they state."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from voxstack_addon_spec import SPEC_VERSION, AddonError, VoxstackError, addon_schema, validate_config

EXAMPLES = Path(__file__).parents[1] / "examples"
VALID = sorted(EXAMPLES.glob("valid/*.json"))
INVALID = sorted(EXAMPLES.glob("invalid/*.json"))


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_example(path: Path):
    config = json.loads(path.read_text("utf-8"))
    assert validate_config(config, "here") is None
    assert Draft202012Validator(addon_schema()).is_valid(config)


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_example(path: Path):
    example = json.loads(path.read_text("utf-8"))
    with pytest.raises(AddonError) as caught:
        validate_config(example["addon"], "x/addon.json")
    assert str(caught.value) == f"x/addon.json: {example['message']}"
    assert f"{caught.value.where}: {caught.value.problem}" == str(caught.value)


def test_there_are_examples():
    assert len(VALID) >= 3
    assert len(INVALID) >= 20


@pytest.mark.parametrize("value", [None, [], "amber", 3])
def test_not_an_object(value: object):
    with pytest.raises(AddonError) as caught:
        validate_config(value, "x")
    assert caught.value.where == "x"
    assert caught.value.problem == f"{value!r} is not an object; write an object"


def test_long_values_are_shortened():
    config = json.loads(VALID[0].read_text("utf-8"))
    config["sample_rate"] = "9" * 10_000
    with pytest.raises(AddonError) as caught:
        validate_config(config, "x")
    assert len(str(caught.value)) < 200


ODD = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**400,
    "",
    "x",
    "\0",
    "\ud800",
    "a" * 500,
    [],
    [1],
    [[]],
    ["x", "x"],
    {},
    {"": {}},
    {"type": "array"},
    {"addon": "x"},
]


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_whatever_stands_anywhere_gives_no_other_error(path: Path):
    """With odd values and keys anywhere, the config is valid or AddonError states the reason in one line."""
    text = path.read_text("utf-8")
    every = list(itertools.product(_places(json.loads(text)), ("put", "add", "remove"), ODD))
    for place, edit, odd in random.Random(1).sample(every, 600):
        config = json.loads(text)
        _edit(config, place, edit, odd)
        try:
            validate_config(config, "x")
        except AddonError as error:
            assert str(error).startswith("x: ")
            assert len(str(error)) < 2000
            assert str(error).isprintable()


def _places(node: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _places(value, (*path, key))


def _edit(config: Any, place: tuple[str | int, ...], edit: str, odd: Any) -> None:
    for key in place[:-1]:
        config = config[key]
    if edit == "put":
        config[place[-1]] = odd
    elif edit == "remove":
        del config[place[-1]]
    elif isinstance(config, dict):
        config[odd if isinstance(odd, str) else "x"] = odd
    else:
        config.append(odd)


@pytest.mark.parametrize("depth", [100, 900])
def test_nesting_without_end(depth: int):
    config = json.loads(VALID[0].read_text("utf-8"))
    control: dict[str, Any] = {"type": "number"}
    for _ in range(depth):
        control = {"type": "array", "items": control}
    config["controls"]["deep"] = control
    try:
        result = str(validate_config(config, "x"))
    except AddonError as error:  # the depth that Python allows depends on its stack
        result = str(error)
    assert result == "None" or result.startswith("x: ")


def test_default_beyond_all_floats():
    config = json.loads(VALID[0].read_text("utf-8"))
    config["controls"] = {"rate": {"type": "number", "multipleOf": 0.5, "default": 10**400}}
    with pytest.raises(AddonError) as caught:
        validate_config(config, "x")
    assert str(caught.value) == "x: controls.rate.default: is an integer that 64 bits do not hold; write a smaller one"


def test_errors_keep_where_and_problem_when_pickled():
    import pickle

    error = pickle.loads(pickle.dumps(AddonError("amber", "is gone; look for it")))
    assert isinstance(error, VoxstackError)
    assert (error.where, error.problem, str(error)) == ("amber", "is gone; look for it", "amber: is gone; look for it")


def test_schema_is_a_schema():
    schema = addon_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["spec_version"]["enum"][-1] == SPEC_VERSION
    schema.clear()
    assert addon_schema()


def test_schema_describes_every_key_and_is_closed():
    def look(node: object, path: str) -> None:
        if isinstance(node, list):
            for i, item in enumerate(node):
                look(item, f"{path}[{i}]")
        if not isinstance(node, dict):
            return
        for name, value in node.get("properties", {}).items():
            assert value.get("description"), f"{path}.{name} has no description"
        if "required" in node and node.get("type") == "object" and not path.endswith((".block", ".if")):
            assert node.get("additionalProperties") is False, path
        for key, value in node.items():
            look(value, f"{path}.{key}")

    look(addon_schema(), "")
