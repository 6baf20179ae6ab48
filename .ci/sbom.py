"""Software bills of materials, as CycloneDX 1.6 in JSON.

``python .ci/sbom.py dist/*.whl --out sboms`` writes one for each wheel: what it contains, and what it needs, in the
versions that are installed here. Install the wheels first.

``python .ci/sbom.py --contents`` writes ``sbom.cdx.json`` of the distributions that contain networks or data made with
other people's work. It is part of their wheels (PEP 770), and ``tests/test_sbom.py`` checks that it is up to date.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import re
import tomllib
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, PathDistribution, distribution
from pathlib import Path
from typing import NamedTuple

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
NAME = "sbom.cdx.json"


@dataclass(frozen=True)
class Source:
    """Other people's work, with which something here was made."""

    name: str
    version: str | None
    license: str
    url: str
    use: str


def flite(use: str) -> Source:
    """Return CMU flite as a source."""
    return Source("CMU flite", "2.2", "MIT-Festival", "https://cmuflite.org", use)


SOURCES = {
    "text": [
        flite("its lexicon and letter-to-sound rules made the pronunciations"),
        Source("SCOWL", None, "SCOWL, see NOTICE", "http://wordlist.aspell.net", "its lists are the words"),
    ],
    "voice_amber": [flite("its voice slt synthesized the speech of the training")],
    "voice_cobalt": [flite("its voice rms synthesized the speech of the training")],
    "voice_prism": [flite("its voices slt and rms synthesized the speech of the training")],
}
"""What contains data made with other people's work, by folder in ``plugins``; the notices lie beside the data."""
DATA = {"text": ["src/voxstack_text/data/lexicon.bin"]}
"""The files of such data that are not those of an addon."""


def contents_bom(folder: Path) -> Bom:
    """Return the bill of the networks and data that a distribution contains."""
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    bom = Bom()
    root = bom.metadata.component = package(project["name"], project["version"], project["license"])
    parts = [*_models(folder), *_data(folder)]
    for part in parts:
        part.pedigree = _pedigree(part, SOURCES[folder.name])
        bom.components.add(part)
    bom.register_dependency(root, parts)
    return bom


def contents_json(folder: Path) -> str:
    """Return that bill as text, which is the same for the same content."""
    content = json.loads(JsonV1Dot6(contents_bom(folder)).output_as_string())
    del content["metadata"]["timestamp"]
    content["serialNumber"] = ""
    seed = json.dumps(content, sort_keys=True)
    content["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, seed).urn
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def wheel_bom(wheel: Path) -> Bom:
    """Return the bill of a wheel: its contents, and what it needs, in the versions that are installed.

    :raises SystemExit: if something that it needs is not installed.
    """
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        facts = Facts.of(PathDistribution(zipfile.Path(archive, f"{info}/")))
        contents = f"{info}/sboms/{NAME}"
        bom = Bom()
        if contents in archive.namelist():
            bom = Bom.from_json(data=json.loads(archive.read(contents)))  # type: ignore[attr-defined]
    root = package(facts.name, facts.version, facts.license)
    root.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(wheel.read_bytes()).hexdigest()))
    bom.metadata.component = root
    bom.serial_number = uuid.uuid4()
    _add_needs(bom, root, facts, {})
    return bom


class Facts(NamedTuple):
    """What the metadata of a distribution says: ``needs`` are the names of what it needs here, without its extras."""

    name: str
    version: str
    license: str | None
    needs: list[str]

    @classmethod
    def of(cls, found: Distribution) -> Facts:
        metadata = found.metadata  # parsed whenever it is read
        named, expression = metadata.get("License", ""), metadata.get("License-Expression")
        words = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier", []) if "License ::" in line]
        licenses = [expression, named if "\n" not in named else None, *words]
        needs = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
        return cls(
            re.sub(r"[-_.]+", "-", metadata["Name"]).lower(),
            metadata["Version"],
            next((text for text in licenses if text), None),
            [item.name for item in needs if item.marker is None or item.marker.evaluate({"extra": ""})],
        )


@functools.cache
def installed(name: str) -> Facts:
    """Return the facts of an installed distribution.

    :raises SystemExit: if it is not installed.
    """
    try:
        return Facts.of(distribution(name))
    except PackageNotFoundError:
        raise SystemExit(f"{name}, which a wheel needs, is not installed; install the wheels first") from None


def package(name: str, version: str, license: str | None) -> Component:
    """Return the component of a distribution on PyPI."""
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        purl=PackageURL("pypi", name=name, version=version),
        bom_ref=f"pkg:pypi/{name}@{version}",
        licenses=[LicenseFactory().make_from_string(license)] if license else [],
    )


def _add_needs(bom: Bom, component: Component, facts: Facts, known: dict[str, Component]) -> None:
    """Add what a distribution needs, and what that needs, and so on."""
    needs = []
    for needed in map(installed, facts.needs):
        if needed.name not in known:
            known[needed.name] = part = package(needed.name, needed.version, needed.license)
            bom.components.add(part)
            _add_needs(bom, part, needed, known)
        needs.append(known[needed.name])
    bom.register_dependency(component, needs)


def _models(folder: Path) -> Iterator[Component]:
    for path in sorted(folder.glob("src/*/*/addon.json")):
        addon = json.loads(path.read_text("utf-8"))
        for name, network in addon["networks"].items():
            if "addon" in network:
                continue
            forms = [network, *([network["stateful"]] if "stateful" in network else [])]
            exports = [export for form in forms for export in form["exports"]]
            owner = f"{addon['name']}/{name}"
            files = {export[key] for export in exports for key in ("symbol", "parameters") if key in export}
            yield Component(
                type=ComponentType.MACHINE_LEARNING_MODEL,
                name=owner,
                version=addon["version"],
                bom_ref=owner,
                licenses=[LicenseFactory().make_from_string(addon["license"])],
                properties=[Property(name="voxstack:role", value=network["role"])],
                components=[_file(file, addon["files"][file]["sha256"], owner) for file in sorted(files)],
            )


def _data(folder: Path) -> Iterator[Component]:
    for name in DATA.get(folder.name, []):
        path = folder / name
        part = _file(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), folder.name)
        part.type = ComponentType.DATA
        yield part


def _file(name: str, sha256: str, owner: str) -> Component:
    digest = HashType(alg=HashAlgorithm.SHA_256, content=sha256)
    return Component(type=ComponentType.FILE, name=name, bom_ref=f"{owner}#{name}", hashes=[digest])


def _pedigree(part: Component, sources: list[Source]) -> Pedigree:
    """Return what a part was made with."""
    ancestors = [
        Component(
            type=ComponentType.APPLICATION,
            name=source.name,
            version=source.version,
            bom_ref=f"{part.bom_ref}#{source.name}",  # a reference must be unique
            licenses=[LicenseFactory().make_from_string(source.license)],
            external_references=[ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(source.url))],
        )
        for source in sources
    ]
    return Pedigree(ancestors=ancestors, notes="; ".join(f"{source.name}: {source.use}" for source in sources))


def write(target: Path, text: str) -> None:
    """Write a bill, and report it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    print(target)


def main(argv: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="*", type=Path, metavar="WHEEL")
    parser.add_argument("--out", type=Path, default=Path("sboms"), metavar="FOLDER", help="default: sboms")
    parser.add_argument("--contents", action="store_true", help=f"write {NAME} of the distributions with data")
    options = parser.parse_args(argv)
    if options.contents:
        for folder in (ROOT / "plugins" / name for name in SOURCES):
            write(folder / NAME, contents_json(folder))
    elif not options.wheels:
        parser.error("name wheels, or use --contents")
    for wheel in options.wheels:
        text = JsonV1Dot6(wheel_bom(wheel)).output_as_string(indent=1)
        write(options.out / f"{wheel.name}.cdx.json", f"{text}\n")


if __name__ == "__main__":
    main()
