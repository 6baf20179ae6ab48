"""Speech of other software, run in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def speech(
    script: str, packages: Sequence[str], arguments: Sequence[object], cases: Any, out: Path
) -> list[np.ndarray]:
    """Run a script of this folder on cases, and return the samples of each.

    The test is skipped if a package is not installed.

    :param script: name of the script; it reads the cases as JSON from stdin.
    :param arguments: those before the path of the output.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        pytest.skip(f"compares with other software: pip install {' '.join(missing)}")
    command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments), str(out)]
    done = subprocess.run(command, input=json.dumps(cases), text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(out) as arrays:
        return [arrays[str(index)] for index in range(len(cases))]
