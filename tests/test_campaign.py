"""A short part of the reliability campaign; the whole is ``python -m tests.campaign``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PARTS = sorted(path.stem for path in ROOT.glob("tests/campaign/parts/[a-z]*.py"))


@pytest.mark.parametrize("part", PARTS)
def test_short_part_finds_nothing(part: str) -> None:
    command = [sys.executable, "-m", "tests.campaign", part, "--short"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-3000:]
