from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator

from voxstack import PluginError, SequenceBlock, StreamableBlock
from voxstack.schema import block_schema


@dataclass
class Everything(SequenceBlock):
    """Has a field of each kind.

    More about it.

    :param level: how much, in dB,
        on two lines.
    :param mode: which.
    """

    level: float
    mode: Literal["a", "b"] = "a"
    count: int = field(default=2, metadata={"minimum": 1, "maximum": 9})
    name: str | None = None
    flags: list[bool] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    child: SequenceBlock | None = None
    children: list[StreamableBlock] = field(default_factory=list)
    _state: object = field(default=None, init=False)

    def __call__(self, utterance: Any) -> Any:
        return {}


def test_schema_says_what_the_fields_say() -> None:
    schema = block_schema(Everything)
    Draft202012Validator.check_schema(schema)
    properties = schema["properties"]
    assert schema["description"] == "Has a field of each kind."
    assert schema["required"] == ["type", "level"]
    assert properties["level"] == {"type": "number", "description": "how much, in dB, on two lines."}
    assert properties["mode"] == {"enum": ["a", "b"], "default": "a", "description": "which."}
    assert properties["count"] == {"type": "integer", "minimum": 1, "maximum": 9, "default": 2}
    assert properties["name"] == {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    assert properties["weights"] == {"type": "object", "additionalProperties": {"type": "number"}}
    assert properties["children"]["items"]["x-block"] == "StreamableBlock"
    assert "_state" not in properties


@pytest.mark.parametrize(
    ("spec", "valid"),
    [
        ({"level": 1}, True),
        ({"level": 1.5, "count": 9, "flags": [True]}, True),
        ({"level": "loud"}, False),
        ({}, False),
        ({"level": 1, "count": 0}, False),
        ({"level": 1, "lvel": 2}, False),
        ({"level": 1, "child": {"no": "type"}}, False),
    ],
)
def test_schema_takes_what_fits(spec: dict[str, Any], valid: bool) -> None:
    assert Draft202012Validator(block_schema(Everything)).is_valid({"type": "Everything", **spec}) is valid


def test_a_class_that_is_no_dataclass_is_an_error_that_says_what_to_do() -> None:
    class Plain(Everything):
        pass

    with pytest.raises(PluginError, match=r"Plain must be a dataclass.*@dataclass"):
        block_schema(Plain)


def test_a_field_without_a_json_form_is_an_error_that_names_it() -> None:
    @dataclass
    class Odd(StreamableBlock):
        """Odd."""

        thing: complex = 0j

        def stream(self, source: Any, utterance: Any) -> Any:
            return source

    with pytest.raises(PluginError, match=r"Odd\.thing: .*complex.* has no JSON form"):
        block_schema(Odd)
