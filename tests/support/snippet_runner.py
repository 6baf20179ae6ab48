"""Runs the code of a page in a folder of its own, in this process where that is possible."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import os
import runpy
import shlex
import subprocess
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snippets import SHELL, Snippet

import voxstack
from voxstack_cli.main import main

PROGRAMS = {
    "apt": "installs software",
    "apt-get": "installs software",
    "docker": "needs Docker",
    "git": "needs the network",
    "pip": "installs software",
    "python3": "makes a virtual environment; .ci/run does it",
    "ray": "starts a cluster",
}
"""Programs that no page runs here, by name, and why."""

SERVERS = ("voxstack serve",)
"""Commands that run until they are stopped."""

LISTINGS = [["voxstack", name] for name in ("blocks", "contexts", "inspect", "voices")]
_listed: set[tuple[str, ...]] = set()

FAKES = {
    "aplay": "cat > /dev/null",
    "ffmpeg": 'cat > "${@: -1}"',
    "some-llm": 'echo "Of course, I can do that."',
    "voxstack": f'exec "{sys.executable}" -m voxstack_cli "$@"',
    "python": f'exec "{sys.executable}" "$@"',
}
"""Programs of the reader that stand beside voxstack in pipelines: bash that consumes or provides what they would."""


@dataclass
class Page:
    """What the snippets of one page share: a folder, names, and what was run.

    :param folder: an empty folder; the current one while they run.
    :param patch: undone after the page.
    """

    folder: Path
    patch: pytest.MonkeyPatch
    names: dict[str, Any] = field(init=False)
    played: int = 0

    def __post_init__(self) -> None:
        module = types.ModuleType("page")  # where the classes of the page are found
        self.patch.setitem(sys.modules, "page", module)
        self.names = module.__dict__
        self.names |= {"voxstack": voxstack, "np": np, "dataclass": dataclass, "play": self._play}
        self.patch.chdir(self.folder)
        self.patch.syspath_prepend(str(self.folder))
        programs = self.folder / ".programs"
        programs.mkdir()
        for name, script in FAKES.items():
            (programs / name).write_text(f"#!/bin/bash\n{script}\n")
            (programs / name).chmod(0o755)
        self.patch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        self.patch.setenv("XDG_CONFIG_HOME", str(self.folder / ".config"))
        self.patch.setitem(sys.modules, "sounddevice", _speaker(self._play))

    def run(self, snippet: Snippet) -> None:
        """Run one snippet as the page shows it; a failure names its place."""
        if "" in snippet.exemptions:
            return
        if snippet.file is not None:
            path = self.folder / snippet.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(snippet.code)
        elif snippet.language == "python":
            self._run_python(snippet)
        elif snippet.language == "console":
            self._compare_output(snippet)
        elif snippet.language in SHELL:
            for command in snippet.commands():
                if reason_not_to_run(snippet, command) is None:
                    self.run_command(command, snippet.place)

    def run_command(self, line: str, place: str) -> None:
        """Run one command: ``voxstack`` and ``python -m`` in this process, pytest in another, pipelines by bash.

        What is installed does not change, so a command that lists it is run once in all pages.
        """
        words = [word.replace("\\$", "$") for word in shlex.split(line, comments=True)]
        if words[:2] in LISTINGS and "path" not in line:
            if tuple(words) in _listed:
                return
            _listed.add(tuple(words))
        if any(word and set(word) <= set("|<>&;") for word in words) or "$(" in line or "\n" in line.strip():
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], capture_output=True, text=True)
            assert done.returncode == 0, f"{place}: {line}\n{done.stdout}{done.stderr}"
        elif words[0] == "voxstack":
            errors = io.StringIO()
            with contextlib.redirect_stderr(errors):
                status = _status(lambda: main(words[1:]))
            assert status == 0, f"{place}: {line}\n{errors.getvalue()}"
        elif words[:2] == ["python", "-m"]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", words[2:])
                status = _status(lambda: runpy.run_module(words[2], run_name="__main__", alter_sys=True))
            assert status == 0, f"{place}: {line}"
        elif words[0] == "pytest":
            command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words[1:]]
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
            assert done.returncode == 0, f"{place}: {line}\n{done.stdout}{done.stderr}"
        else:
            pytest.fail(f"{place}: {words[0]!r} is no program that runs here; exempt it with a reason")

    def _run_python(self, snippet: Snippet) -> None:
        source = "\n" * (snippet.line - 1) + snippet.code  # so that a traceback has the lines of the page
        try:
            code = compile(source, snippet.page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            if code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(eval(code, self.names))
            else:
                exec(code, self.names)
        except Exception as error:
            raise AssertionError(f"{snippet.place}: {type(error).__name__}: {error}") from error

    def _compare_output(self, snippet: Snippet) -> None:
        for part in snippet.code.split("$ ")[1:]:
            line, _, expected = part.partition("\n")
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                self.run_command(line, snippet.place)
            assert output.getvalue().split() == expected.split(), f"{snippet.place}: {line}"

    def _play(self, samples: Any) -> None:
        self.played += len(samples)


def reason_not_to_run(snippet: Snippet, line: str) -> str | None:
    """Return why a command cannot be run; None if it can."""
    program = next((word for word in line.split() if "=" not in word), "").rpartition("/")[2]
    if line.startswith(SERVERS):
        return "serves until it is stopped; plugins/serve/tests start it"
    return snippet.reason(line) or PROGRAMS.get(program)


def _status(call: Any) -> int:
    try:
        result = call()
    except SystemExit as end:
        result = end.code
    return result if isinstance(result, int) else 0 if result is None or isinstance(result, dict) else 1


def _speaker(play: Any) -> types.ModuleType:
    """Return a module in place of ``sounddevice``, whose speaker takes samples as fast as they come."""

    class OutputStream:
        latency = 0.0

        def __init__(self, **_: Any) -> None: ...

        def write(self, samples: Any) -> bool:
            play(samples)
            return False

        def start(self) -> None: ...
        def stop(self) -> None: ...
        def abort(self) -> None: ...
        def close(self) -> None: ...

    module = types.ModuleType("sounddevice")
    module.OutputStream = OutputStream  # type: ignore[attr-defined]
    module.PortAudioError = OSError  # type: ignore[attr-defined]
    module.play = lambda samples, *_, **__: play(samples)  # type: ignore[attr-defined]
    module.wait = lambda: None  # type: ignore[attr-defined]
    return module
