"""The bills of materials: those in wheels are up to date, and those of wheels name everything that they need."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent
MEMBERS = sorted(path.parent for pattern in ("*", "plugins/*") for path in ROOT.glob(f"{pattern}/pyproject.toml"))


def load() -> Any:
    spec = importlib.util.spec_from_file_location("voxstack_sbom", ROOT / ".ci" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module


sbom = load()
WITH_CONTENTS = [ROOT / "plugins" / name for name in sbom.SOURCES]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the wheels of all distributions, by folder."""
    out = str(tmp_path_factory.mktemp("dist"))
    return {
        folder.name: Path(next(WheelBuilder(str(folder)).build(directory=out, versions=["standard"])))
        for folder in MEMBERS
    }


def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def test_distributions_with_other_peoples_notices_have_a_bill() -> None:
    own = {"LICENSE"}
    with_notices = {folder for folder in MEMBERS if set(project(folder).get("license-files", own)) != own}
    assert with_notices == set(WITH_CONTENTS)
    with_addons = {path.parents[3] for path in ROOT.glob("plugins/*/src/*/*/addon.json")}
    own_networks = {folder for folder in with_addons if list(sbom._models(folder))}
    assert own_networks <= set(WITH_CONTENTS)


@pytest.mark.parametrize("folder", WITH_CONTENTS, ids=lambda folder: folder.name)
def test_bills_in_wheels_are_up_to_date(folder: Path) -> None:
    text = (folder / "sbom.cdx.json").read_text("utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    written, expected = Bom.from_json(data=json.loads(text)), sbom.contents_bom(folder)
    advice = "run: python .ci/sbom.py --contents"
    assert written.metadata.component == expected.metadata.component, advice
    assert list(written.components) == list(expected.components), advice
    assert list(written.dependencies) == list(expected.dependencies), advice


@pytest.mark.parametrize("folder", WITH_CONTENTS, ids=lambda folder: folder.name)
def test_wheels_contain_their_bill(folder: Path, wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels[folder.name]) as archive:
        (name,) = [name for name in archive.namelist() if ".dist-info/sboms/" in name]
        assert archive.read(name) == (folder / "sbom.cdx.json").read_bytes()


def test_bills_name_every_network_of_a_voice() -> None:
    names = [component.name for component in sbom.contents_bom(ROOT / "plugins" / "voice_amber").components]
    assert sorted(names) == [
        f"amber/{name}" for name in ("decoder", "durations", "encoder", "pronunciation", "prosody")
    ]


def test_bills_of_wheels_name_what_they_need(wheels: dict[str, Path], tmp_path: Path) -> None:
    sbom.main([*map(str, wheels.values()), "--out", str(tmp_path)])
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for folder in MEMBERS:
        config, wheel = project(folder), wheels[folder.name]
        text = (tmp_path / f"{wheel.name}.cdx.json").read_text("utf-8")
        assert validator.validate_str(text) is None
        content = json.loads(text)
        root = content["metadata"]["component"]
        assert (root["name"], root["version"]) == (config["name"], config["version"])
        assert root["licenses"] == [{"license": {"id": config["license"]}}]
        named = {component["name"]: component for component in content["components"]}
        needed = {re.split(r"[^\w.-]", line)[0] for line in config["dependencies"]}
        assert needed <= named.keys()
        assert all("version" in named[name] for name in needed)
        assert all("licenses" in named[name] for name in needed if name.startswith("voxstack-"))
        edges = {edge["ref"]: edge.get("dependsOn", []) for edge in content["dependencies"]}
        assert {named[name]["bom-ref"] for name in needed} <= set(edges[root["bom-ref"]])
        references = re.findall(r'"bom-ref": "(.*?)"', text)
        assert len(references) == len(set(references))
        if folder in WITH_CONTENTS:
            assert {part.name for part in sbom.contents_bom(folder).components} <= named.keys()
