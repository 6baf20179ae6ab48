"""Requirements of the meta-distribution: the members of this repository, built here at once, or released.

pyproject.toml names a member by its folder, ``voxstack-core @ {root:uri}/core``. pip builds a folder in an environment
of its own, into which it installs the build backend first: that is most of the time of ``pip install .``. Hence this
hook, which hatchling runs while it builds the meta-distribution, builds the wheels of all members in one process, and
pip receives folders whose backend only hands these wheels out. In a release, members are requirements of the index
instead, ``voxstack-core==0.1.0``.
"""

from __future__ import annotations

import os
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hatchling.builders.wheel import WheelBuilder
from hatchling.metadata.plugin.interface import MetadataHookInterface

RELEASE = "VOXSTACK_RELEASE"
"""Environment variable; if it is set, members are required from the index."""
MEMBER = re.compile(r"(?P<name>[\w.-]+)(?P<extras>\[[\w,.-]+\])? @ \{root:uri\}/(?P<folder>[\w/.-]+)")

PYPROJECT = """\
[build-system]
requires = []
build-backend = "built_wheel"
backend-path = ["."]
"""
BACKEND = '''\
"""A build backend of PEP 517 that hands out a wheel which is built already."""

import shutil


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    shutil.copy({wheel!r}, wheel_directory)
    return {wheel!r}
'''


class Members(MetadataHookInterface):
    """Resolves the requirements in the hook's configuration, and sets those of the project."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``dependencies`` and ``optional-dependencies``."""
        root = Path(self.root)

        @cache
        def folder(name: str) -> Path:
            return built(root / name, root / "build" / "members")

        def resolve(line: str) -> str:
            found = MEMBER.fullmatch(line)
            if found is None:
                return line
            named = found["name"] + (found["extras"] or "")
            if os.environ.get(RELEASE):
                return f"{named}=={metadata['version']}"
            return f"{named} @ {folder(found['folder']).as_uri()}"

        extras: dict[str, list[str]] = self.config["optional-dependencies"]
        metadata["dependencies"] = [resolve(line) for line in self.config["dependencies"]]
        metadata["optional-dependencies"] = {name: [resolve(line) for line in lines] for name, lines in extras.items()}


def built(member: Path, out: Path) -> Path:
    """Build the wheel of a member, and return a folder in ``out`` that installs it.

    :returns: the folder of the member itself where nothing can be written; pip builds that, which takes longer.
    """
    folder = out / member.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out) as scratch:
            wheel = Path(next(WheelBuilder(str(member)).build(directory=scratch, versions=["standard"])))
            backend = Path(scratch, "built_wheel.py")
            backend.write_text(BACKEND.format(wheel=wheel.name), "utf-8")
            project = Path(scratch, "pyproject.toml")
            project.write_text(PYPROJECT, "utf-8")
            for file in (wheel, backend, project):  # as a whole, as another process may install from here
                file.replace(folder / file.name)
    except OSError:
        return member
    return folder
