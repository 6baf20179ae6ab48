from __future__ import annotations

import json
import re
from pathlib import Path

import voxstack_addon_spec
from voxstack_addon_spec import addon_schema, validate_config

ROOT = Path(__file__).parents[1]


def test_example_in_the_prose_is_valid():
    (text,) = re.findall(r"```json\n(.*?)```", (ROOT / "FORMAT.md").read_text("utf-8"), re.DOTALL)
    assert validate_config(json.loads(text), "FORMAT.md") is None


def test_prose_names_every_key_of_the_schema():
    prose = (ROOT / "FORMAT.md").read_text("utf-8")
    schema = addon_schema()
    for definition in (schema, *schema["$defs"].values()):
        for key in definition.get("properties", {}):
            assert re.search(rf'[`"]{re.escape(key)}[`"]', prose), key


def test_readme_names_every_public_name():
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in voxstack_addon_spec.__all__:
        assert f"`{name}" in readme, name
