from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from voxstack_addon_spec import AddonError, combined_schema


def child(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "required": ["type"], "x-block": kind, **more}


def block(name: str, required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    return {
        "title": name,
        "description": f"What {name} does.",
        "type": "object",
        "properties": {"type": {"const": name}, **fields},
        "required": ["type", *required],
        "additionalProperties": False,
    }


BLOCKS = {
    "Text": ("SequenceBlock", block("Text")),
    "Encoders": ("SequenceBlock", block("Encoders")),
    "SequenceBlockContainer": (
        "SequenceBlock",
        block("SequenceBlockContainer", ("blocks",), blocks={"type": "array", "items": child("SequenceBlock")}),
    ),
    "StreamableStack": (
        "StreamableBlock",
        block("StreamableStack", ("stack",), stack={"type": "array", "items": child("StreamableBlock")}),
    ),
    "StreamablePipeline": (
        "StreamableBlock",
        block(
            "StreamablePipeline",
            ("sequence_block", "streamable_block"),
            sequence_block=child("SequenceBlock", description="First."),
            streamable_block=child("StreamableBlock"),
        ),
    ),
    "Upsampler": ("StreamableBlock", block("Upsampler")),
    "Decoder": ("StreamableBlock", block("Decoder", network={"anyOf": [{"type": "null"}, {"type": "string"}]})),
    "Maybe": ("StreamableBlock", block("Maybe", inner={"anyOf": [{"type": "null"}, child("StreamableBlock")]})),
}


@pytest.fixture
def voice() -> dict[str, Any]:
    path = Path(__file__).parents[1] / "examples" / "valid" / "voice.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def complaint(config: dict[str, Any]) -> tuple[str, str] | None:
    error = best_match(Draft202012Validator(combined_schema(BLOCKS)).iter_errors(config))
    return (error.json_path, error.message) if error else None


def test_is_a_schema_that_stands_alone():
    schema = combined_schema(BLOCKS)
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    assert "x-block" not in text
    assert schema["$defs"]["StreamableBlock"]["properties"]["type"]["enum"] == sorted(
        name for name, (kind, _) in BLOCKS.items() if kind == "StreamableBlock"
    )
    pipeline = schema["$defs"]["block.StreamablePipeline"]["properties"]
    assert pipeline["sequence_block"] == {"$ref": "#/$defs/SequenceBlock", "description": "First."}


def test_accepts_nested_stacks(voice: dict[str, Any]):
    assert complaint(voice) is None
    voice["stack"] = [
        {
            "type": "StreamableStack",
            "stack": [*voice["stack"], {"type": "Maybe", "inner": {"type": "Maybe", "inner": None}}],
        }
    ]
    assert complaint(voice) is None


@pytest.mark.parametrize(
    "edit, path, message",
    [
        (
            lambda p: p["streamable_block"]["stack"][1].update(type="Decodr"),
            ".streamable_block.stack[1].type",
            "'Decodr' is not one of [",
        ),
        (
            lambda p: p["streamable_block"]["stack"][1].update(netwrk="x"),
            ".streamable_block.stack[1]",
            "Additional properties are not",
        ),
        (
            lambda p: p["streamable_block"]["stack"][1].update(network=3),
            ".streamable_block.stack[1].network",
            "3 is not valid under any",
        ),
        (
            lambda p: p["streamable_block"]["stack"][1].pop("type"),
            ".streamable_block.stack[1]",
            "'type' is a required property",
        ),
        (
            lambda p: p.update(sequence_block={"type": "Decoder"}),
            ".sequence_block.type",
            "'Decoder' is not one of ['Encoders', ",
        ),
        (lambda p: p["sequence_block"].pop("blocks"), ".sequence_block", "'blocks' is a required property"),
        (
            lambda p: p["sequence_block"]["blocks"][0].update(x=1),
            ".sequence_block.blocks[0]",
            "Additional properties are not allowed ('x'",
        ),
        (lambda p: p.pop("streamable_block"), "", "'streamable_block' is a required property"),
    ],
)
def test_complains_about_the_one_thing_that_is_wrong(voice: dict[str, Any], edit: Any, path: str, message: str):
    edit(voice["stack"][0])
    found = complaint(voice)
    assert found is not None
    assert found[0] == f"$.stack[0]{path}"
    assert found[1].startswith(message)


def test_still_checks_the_rest_of_the_addon(voice: dict[str, Any]):
    voice["sample_rate"] = "fast"
    assert complaint(voice) == ("$.sample_rate", "'fast' is not of type 'integer'")


def test_leaves_the_schemas_that_it_is_given_alone():
    before = copy.deepcopy(BLOCKS)
    combined_schema(BLOCKS)["$defs"]["block.Text"].clear()
    assert before == BLOCKS


def test_no_blocks_at_all(voice: dict[str, Any]):
    schema = combined_schema({})
    Draft202012Validator.check_schema(schema)
    assert not Draft202012Validator(schema).is_valid(voice)
    del voice["stack"]
    assert Draft202012Validator(schema).is_valid(voice)


@pytest.mark.parametrize(
    "kind, schema", [("Block", block("Odd")), ("StreamableBlock", block("Odd", inner=child("Block")))]
)
def test_unknown_kind(kind: str, schema: dict[str, Any]):
    with pytest.raises(AddonError) as caught:
        combined_schema({"Odd": (kind, schema)})
    assert str(caught.value) == "block Odd: there is no kind of block 'Block'; write SequenceBlock or StreamableBlock"


def test_names_that_a_pointer_must_escape(voice: dict[str, Any]):
    schema = combined_schema({"A/b ~%": ("StreamableBlock", block("A/b ~%"))})
    voice["stack"] = [{"type": "A/b ~%"}]
    assert Draft202012Validator(schema).is_valid(voice)
    voice["stack"][0]["x"] = 1
    assert not Draft202012Validator(schema).is_valid(voice)
