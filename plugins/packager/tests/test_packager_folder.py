"""The folder of an addon is the older one or the whole new one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from voxstack_packager.addon_folder import atomic_folder


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("failing", [1, 2])
def test_an_interrupt_while_folders_are_renamed_leaves_the_older_one(
    failing: int, error: type[BaseException], tmp_path: Path, monkeypatch: Any
) -> None:
    folder, renamed, calls = tmp_path / "addon", Path.rename, []
    folder.mkdir()
    (folder / "addon.json").write_text("older")

    def rename(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == failing:
            raise error
        return renamed(path, target)

    def write() -> None:
        with atomic_folder(folder, replace=True) as new:
            (new / "addon.json").write_text("new")

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(error):
        write()
    assert (folder / "addon.json").read_text() == "older"
    assert list(tmp_path.iterdir()) == [folder]
    calls[:] = [folder] * 9
    write()
    assert (folder / "addon.json").read_text() == "new"


def test_a_folder_without_an_addon_is_a_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "voxstack_packager", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
