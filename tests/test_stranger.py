"""The first plugin that CONTRIBUTING shows, built as it is printed there, in its own folder, and installed with pip."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONTRIBUTING = Path(__file__).parent.parent / "CONTRIBUTING.md"

USE = """
import numpy as np, voxstack
assert voxstack.Registry.installed().broken == {}, voxstack.Registry.installed().broken
voice = voxstack.load("amber")
stack = voice.addon.config["stack"]
pipeline = stack[0]["block"]
pipeline["sequence_block"]["blocks"].insert(-1, {"type": "Stretch"})  # before Pace, which makes frames whole
pipeline["streamable_block"]["stack"].append({"type": "Invert"})
changed = voxstack.build(stack, voice.addon)
samples = np.concatenate(list(changed.stream(iter(()), voice.request("Hello there."))))
plain = voice.synthesize("Hello there.").samples
slow = voice.synthesize("Hello there.", rate=1 / 1.5).samples
assert len(samples) > 1.4 * len(plain)
np.testing.assert_allclose(samples, -slow, atol=1e-5)
print("used")
"""


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the plugin of CONTRIBUTING.md, install it, and return the folder that it is installed into."""
    text = CONTRIBUTING.read_text()
    folder, target = tmp_path_factory.mktemp("my-blocks"), tmp_path_factory.mktemp("site")
    lines = 0
    for name in ("pyproject.toml", "my_blocks.py"):
        source = re.search(rf"`{re.escape(name)}`\n\n```\w+\n(.*?)```", text, re.DOTALL).group(1)
        (folder / name).write_text(source)
        lines += sum(bool(line.strip()) for line in source.splitlines())
    assert lines < 40, f"a stranger's first plugin takes {lines} lines"
    (test,) = re.findall(r"```python\n(import numpy as np\nfrom my_blocks.*?)```", text, re.DOTALL)
    (folder / "test_my_blocks.py").write_text(test)
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", target, folder],
        check=True,
    )
    return target


def run(plugin: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(plugin), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *command], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )


def test_its_blocks_are_used_by_name_in_a_stack(plugin: Path) -> None:
    done = run(plugin, "-c", USE)
    assert done.stdout.strip() == "used", done.stderr


def test_it_passes_the_contract_kit(plugin: Path, tmp_path: Path) -> None:
    source = next(plugin.parent.glob("my-blocks*/test_my_blocks.py"))
    done = run(plugin, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(source.parent), str(source))
    assert done.returncode == 0, done.stdout
    assert re.search(r"\b4\d passed", done.stdout), done.stdout


def test_the_shell_shows_it(plugin: Path) -> None:
    done = run(plugin, "-m", "voxstack_cli", "blocks", "Invert")
    assert "factor by which the stream is multiplied" in done.stdout, done.stderr
