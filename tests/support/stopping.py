"""Stopped processes."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def stop_process(process: int) -> None:
    """Stop a process, and return when all of its threads have stopped: the system does not wait for them."""
    os.kill(process, signal.SIGSTOP)
    tasks = Path(f"/proc/{process}/task")
    if not tasks.is_dir():  # not Linux
        time.sleep(0.3)
        return
    end = time.monotonic() + 20
    while any(_runs(task) for task in tasks.iterdir()):
        assert time.monotonic() < end, f"process {process} does not stop"
        time.sleep(0.001)


def _runs(task: Path) -> bool:
    with suppress(OSError):  # it has ended
        return (task / "stat").read_text().rpartition(")")[2].split()[0] not in "TtZX"
    return False
