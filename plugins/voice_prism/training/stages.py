"""Runs the scripts that make a voice, those of one stage side by side."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

Stage = tuple[Path, list[str]]
"""A script with its arguments, but for ``--work``."""


def run_all(rows: list[list[Stage]], work: Path) -> None:
    """Run every row, each side by side; ``work`` is made if need be."""
    work.mkdir(parents=True, exist_ok=True)
    for number, row in enumerate(rows, 1):
        print(f"train: stage {number} of {len(rows)}: {', '.join(script.name for script, _ in row)}", flush=True)
        run(row, work)


def run(row: list[Stage], work: Path) -> None:
    """Run the stages of a row side by side.

    :raises SystemExit: with the first stage that failed; the others are waited for, and keep their checkpoints.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    jobs = [
        (script, subprocess.Popen([sys.executable, script, *more, "--work", work], env=environment))
        for script, more in row
    ]
    failed = [script for script, job in jobs if job.wait()]
    if failed:
        raise SystemExit(
            f"train: {failed[0].name} failed; mend what it says and call this again: finished stages are kept"
        )
