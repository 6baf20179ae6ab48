"""Releases: an sdist and a wheel of every distribution, checked as a whole. Nothing is uploaded.

``python .ci/release.py --out dist`` needs ``pip install hatchling twine``. It checks that all distributions have one
version and require each other in it, builds the sdists and from these the wheels, lets ``twine check --strict`` read
them, installs all from the wheels alone into a fresh environment (other people's packages come from the index), and
speaks there. It prints what is to be uploaded, in order. ``--no-install`` leaves the environment out.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path
from typing import Any

from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
OWN = "voxstack"
WAV = "release.wav"


def distributions() -> list[Path]:
    """Return the folders of all distributions, each after those that it may require: the core, plugins, all of it."""
    return [
        ROOT / "addon_spec",
        ROOT / "core",
        *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml")),
        ROOT,
    ]


def project(folder: Path) -> dict[str, Any]:
    """Return the table ``project`` of a distribution."""
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def version_problems() -> Iterator[str]:
    """Yield what is wrong with versions: there is one, and members require each other in it."""
    version = project(ROOT)["version"]
    for folder in distributions():
        table = project(folder)
        if table["version"] != version:
            yield f"{table['name']} has version {table['version']}, and voxstack {version}"
        extras = table.get("optional-dependencies", {}).values()
        for line in [*table.get("dependencies", ()), *(line for lines in extras for line in lines)]:
            if Requirement(line).name.startswith(OWN) and str(Requirement(line).specifier) != f"=={version}":
                yield f"{table['name']} requires {line!r}; write =={version}"


def build(folder: Path, out: Path) -> list[Path]:
    """Build the sdist of a distribution and, from that, its wheel."""
    sdist = Path(next(SdistBuilder(str(folder)).build(directory=str(out), versions=["standard"])))
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(sdist) as archive:
            archive.extractall(scratch, filter="data")
        unpacked = Path(scratch, sdist.name.removesuffix(".tar.gz"))
        wheel = Path(next(WheelBuilder(str(unpacked)).build(directory=str(out), versions=["standard"])))
    return [sdist, wheel]


def build_all(out: Path) -> list[Path]:
    """Build every distribution into a folder, and return the files in the order of their upload."""
    out.mkdir(parents=True, exist_ok=True)
    os.environ["VOXSTACK_RELEASE"] = "1"  # hatch_build.py: members are required by version
    try:
        return [file for folder in distributions() for file in build(folder, out)]
    finally:
        del os.environ["VOXSTACK_RELEASE"]


def wheel_problems(wheel: Path) -> Iterator[str]:
    """Yield what is wrong with a wheel: it requires a place on this machine, or contains tests."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
        tests = [
            name for name in archive.namelist() if name.endswith(".py") and ("/tests/" in name or "/test_" in name)
        ]
    for line in metadata.get_all("Requires-Dist") or ():
        if Requirement(line).url:
            yield f"{wheel.name} requires an address, which no index accepts: {line}"
    if tests:
        yield f"{wheel.name} contains tests: {tests[0]}"


def twine_check(files: list[Path]) -> None:
    """Run ``twine check --strict``.

    :raises CalledProcessError: if an index would refuse a file.
    """
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        done.check_returncode()


def install_and_speak(out: Path, extras: str = "") -> None:
    """Install everything from the wheels in ``out`` into a fresh environment, and speak there.

    The own wheels are installed first and without the index, so that no package of such a name in it is taken.

    :raises CalledProcessError: if a step fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        venv.create(scratch, with_pip=True)
        python = Path(scratch, "Scripts" if os.name == "nt" else "bin", "python")
        names = [project(folder)["name"] for folder in required()]
        own = ["--no-index", "--no-deps", "--find-links", str(out)]
        subprocess.run([python, "-m", "pip", "install", "-q", *own, *names], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"voxstack{extras}"], check=True)
        subprocess.run([python, "-m", "pip", "check"], check=True)
        wav = Path(scratch, WAV)
        say = [python, "-m", "voxstack_cli", "say", "Installed from wheels alone.", "--out", wav]
        subprocess.run(say, check=True, cwd=scratch)
        print(f"speaks from wheels alone: {wav.stat().st_size} bytes of audio")


def required() -> list[Path]:
    """Return the distributions that ``pip install voxstack`` installs, and itself."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines = table["tool"]["hatch"]["metadata"]["hooks"]["custom"]["dependencies"]
    names = {line.partition(" @ ")[0] for line in lines} | {OWN}
    return [folder for folder in distributions() if project(folder)["name"] in names]


def report(files: list[Path]) -> None:
    """Print what is to be uploaded."""
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        print(f"{digest}  {file.stat().st_size:>10,}  {file.name}")
    print(f"{len(files)} files; nothing was uploaded. To do so: python -m twine upload {files[0].parent}/*")


def main(argv: list[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder of the files, empty or new")
    parser.add_argument("--no-install", action="store_true", help="do not install the wheels and speak")
    options = parser.parse_args(argv)
    if options.out.is_dir() and any(options.out.iterdir()):
        parser.error(f"there are files in {options.out}, which would be uploaded, too; name an empty folder")
    problems = list(version_problems())
    files = [] if problems else build_all(options.out)
    problems += [problem for file in files if file.suffix == ".whl" for problem in wheel_problems(file)]
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    twine_check(files)
    if not options.no_install:
        install_and_speak(options.out)
    report(files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
