"""Mutated addons: each is refused with a typed error, or loads and speaks; within two seconds and 300 MB.

The mutations are of the addon.json of the installed voices and of small voices with a runtime in Python, and of tables,
networks and golden files beside them. What is valid is loaded in one of its contexts and synthesizes a few words.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from pathlib import Path
from random import Random
from typing import Any

import voxstack
from tests.campaign.mutating import changed_config, damaged
from tests.campaign.report import Report, limit_memory
from tests.campaign.tiny_voices import VOICES, Runtime, files_of
from voxstack import Scheduler
from voxstack.networks.addon import Addon
from voxstack_addon_spec import AddonFiles, file_entry, open_addon
from voxstack_voice import Voice

FULL, SHORT, LIMIT = 100_000, 120, 60.0

INSTALLED = ("amber", "cobalt", "prism")
TEXTS = ("Hi there.", "a", "", "Yes, it is 12 o'clock! And then?")
CHUNKS, SAMPLES = 8, 50_000


class Absent:
    """A plugin without hooks."""


class World:
    """Folders with the addons that are mutated, and the plugins that serve them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        absent = ("torch_runtime", "openvino_runtime")  # importing them takes more than the limits
        plugins = {"campaign": Runtime(), **{name: Absent() for name in absent}}
        self.registry = voxstack.Registry.installed().with_plugins(plugins)
        self.scheduler = Scheduler(load=None, patience=None)
        self.tiny = {name: self._write_tiny(name) for name in VOICES}
        self.installed = {name: self._copy_installed(name) for name in INSTALLED}
        self.documents = (*self.tiny.values(), *self.installed.values())
        self.loaded = Voice(Addon.open("amber", self.registry))  # its networks are shared with its mutants

    def _write_tiny(self, name: str) -> dict[str, Any]:
        contents = files_of(name)
        for file, content in contents.items():
            path = self.root / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        config: dict[str, Any] = json.loads(contents["addon.json"])
        return config

    def _copy_installed(self, name: str) -> dict[str, Any]:
        shutil.copytree(self.registry.addon(name), self.root / name)
        config: dict[str, Any] = json.loads((self.root / name / "addon.json").read_text("utf-8"))
        return config


def run(report: Report, cases: range) -> None:
    """Run the cases."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # of numpy, about values
    limit_memory()
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for _, chance in report.each(cases):
            report.outcome(lambda chance=chance: _case(world, chance, report))


def _case(world: World, chance: Random, report: Report) -> str:
    """Mutate an addon, open it, and let it speak; return what came of it."""
    real = chance.random() < 0.12
    configs = world.installed if real else world.tiny
    name = chance.choice(list(configs))
    folder, config = world.root / name, configs[name]
    (folder / "addon.json").write_bytes(changed_config(config, chance, world.documents))
    restore = None if real or chance.random() < 0.9 else _change_file(folder, config, chance)
    try:
        with open_addon(folder) as files:
            if chance.random() < 0.05 or restore:
                files.verify()
            if real and chance.random() < 0.8:
                return "valid"
            return _speak(world, files, chance)
    finally:
        if restore:
            path, content = restore
            if path.is_symlink() or path.is_file():
                path.unlink()
            elif path.is_dir():
                path.rmdir()
            path.write_bytes(content)


def _change_file(folder: Path, config: dict[str, Any], chance: Random) -> tuple[Path, bytes]:
    """Change a file of an addon, and return it with its content before; the entry may follow the change."""
    name = chance.choice(list(config["files"]))
    path = folder / name
    before = path.read_bytes()
    kind = chance.randrange(6)
    if kind < 4:
        path.write_bytes(damaged(before, chance))
        if kind < 2:
            changed = {**config, "files": {**config["files"], name: file_entry(path)}}
            (folder / "addon.json").write_text(json.dumps(changed))
        return path, before
    path.unlink()
    if kind == 4:
        path.mkdir()
    else:
        path.symlink_to(chance.choice(("/etc/hostname", "addon.json", path.name, "/nowhere", "..")))
    return path, before


def _speak(world: World, files: AddonFiles, chance: Random) -> str:
    if "stack" not in files.config:
        Addon(files, world.registry)
        return "valid"
    contexts = [None, *files.config.get("contexts", ())]
    voice = Voice(Addon(files, world.registry, chance.choice(contexts)), scheduler=world.scheduler)
    samples = 0
    stream = voice.stream(chance.choice(TEXTS))
    try:
        for number, chunk in enumerate(stream):
            samples += len(chunk.samples)
            if number == CHUNKS or samples > SAMPLES:
                break
    finally:
        stream.close()
    return "speech"
