"""The training commands of the voices, as tests run them: in the background while other tests run, one at a time."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from ctypes.util import find_library
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

PLUGINS = Path(__file__).parents[2] / "plugins"


class Training:
    """A training of a few steps on a corpus of a minute.

    :param voice: name of the voice whose ``train.py`` runs.
    :param to: returns what to write below the work folder: the addon, or the folder of several.
    :param options: further options of the command.
    """

    _one_at_a_time = threading.Lock()
    _ended = False  # the tests, before all trainings have

    def __init__(self, voice: str, to: Callable[[Path], Path], options: list[str]) -> None:
        self.tests = PLUGINS / f"voice_{voice}" / "tests" / "test_training.py"
        self.script = PLUGINS / f"voice_{voice}" / "training" / "train.py"
        self._to, self._options = to, options
        self._thread: threading.Thread | None = None
        self._completed: subprocess.CompletedProcess[str] | None = None
        self._process: subprocess.Popen[str] | None = None

    @cached_property
    def work(self) -> Path:
        """The folder that it writes to, removed when the tests end."""
        folder = Path(tempfile.mkdtemp(prefix="voxstack-training-"))
        atexit.register(self._clean, folder)
        return folder

    def missing(self) -> str:
        """Return what it needs and this machine lacks; empty if nothing."""
        if find_spec("torch") is None:
            return "the networks are trained with torch"
        if find_library("flite") is None or not Path("/usr/include/flite/flite.h").exists():
            return "the teacher is flite, whose development files are missing (Debian: flite1-dev)"
        if not Path("/usr/share/dict/scowl").exists():
            return "the corpus needs word lists that are missing (Debian: scowl)"
        return ""

    def start(self) -> None:
        """Run it once those started before have ended; do nothing if it is started, or cannot run here."""
        if self._thread is None and not self.missing():
            self._thread = threading.Thread(target=self._run, daemon=True)  # the tests can end before it does
            self._thread.start()

    def result(self) -> subprocess.CompletedProcess[str]:
        """Return the completed command."""
        self.start()
        assert self._thread is not None, self.missing()
        self._thread.join()
        assert self._completed is not None, "the training did not start"
        return self._completed

    def _run(self) -> None:
        with self._one_at_a_time:
            if not Training._ended:
                self._completed = self._train()

    def _train(self) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            str(self.script),
            "--work",
            str(self.work / "work"),
            "--to",
            str(self._to(self.work)),
            *self._options,
        ]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # with the processes that it starts, so that all of them can be ended
            preexec_fn=lambda: os.nice(5),
        )
        out, error = self._process.communicate()
        return subprocess.CompletedProcess(command, self._process.returncode, out, error)

    def _clean(self, folder: Path) -> None:
        Training._ended = True
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


AMBER = Training(
    "amber",
    lambda work: work,
    [
        *("--slt", "40", "--rms", "30", "--acoustic-steps", "2", "--vocoder-steps", "3"),
        *("--adversarial-steps", "1", "--pronunciation-steps", "3"),
    ],
)
COBALT = Training("cobalt", lambda work: work / "cobalt", ["--utterances", "40", "--steps", "3"])
