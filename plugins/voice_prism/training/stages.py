"""The runner of the scripts that make a voice; the scripts of one stage run side by side."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

Script = tuple[Path, list[str]]
"""A script with its arguments, except ``--work``."""

Stage = list[Script]
"""Scripts that run side by side."""


def run_stages(stages: list[Stage], work: Path) -> None:
    """Run all stages in order, in the folder ``work``, which is created if necessary.

    :raises SystemExit: if a script failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    for number, stage in enumerate(stages, 1):
        print(f"train: stage {number} of {len(stages)}: {', '.join(script.name for script, _ in stage)}", flush=True)
        run_stage(stage, work)


def run_stage(stage: Stage, work: Path) -> None:
    """Run the scripts of a stage side by side.

    :raises SystemExit: naming the first script that failed, after all others have ended; they keep their checkpoints.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    processes = [
        (script, subprocess.Popen([sys.executable, script, *arguments, "--work", work], env=environment))
        for script, arguments in stage
    ]
    failed = [script for script, process in processes if process.wait()]
    if failed:
        advice = "fix the error above and run this command again: finished stages are kept"
        raise SystemExit(f"train: {failed[0].name} failed; {advice}")
