"""The trials of ``pytest --voxstack-contract`` for speech servers: the clauses, at a server of this machine."""

from __future__ import annotations

import atexit
import functools
import os
import shlex
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial

from voxstack import Registry
from voxstack.entry_points import select_entry_points
from voxstack_serve.backend import GROUP
from voxstack_serve.contract.target import Target

OPTIONS = "VOXSTACK_CONTRACT_SERVE"
"""The environment variable of further options of ``voxstack serve``, such as ``--ray pools.json``."""

SECONDS = 120.0
"""Longest wait until a server is ready."""


def trials(distribution: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield name and function of each clause, for the distributions that speak on wires; nothing for others.

    :param distribution: voxstack-serve, or one with a backend of it.
    """
    from voxstack_serve.contract import clauses

    backends = [point.name for point in select_entry_points(GROUP) if point.distribution == distribution]
    if distribution != "voxstack-serve" and not backends:
        return
    options = os.environ.get(OPTIONS, "")
    for name in backends:
        if f"--{name}" not in options:
            yield f"backend_{name}", partial(_skip, f"it serves with an option; set {OPTIONS}='--{name} VALUE'")
            return
    for clause in clauses():
        yield clause.name, partial(_require, clause.require)


def _require(require: Callable[[Target], None]) -> None:
    require(_target(os.environ.get(OPTIONS, "")))


def _skip(reason: str) -> None:
    raise unittest.SkipTest(reason)


@functools.cache
def _target(options: str) -> Target:
    """Start ``voxstack serve`` with an installed voice, once in this process, and return where it is.

    :raises SkipTest: if no voice is installed, or it does not become ready.
    """
    addons = sorted(Registry.installed().addons())
    if not addons:
        raise unittest.SkipTest("no voice is installed that a server could speak with; try: pip install voxstack")
    port, wyoming, voice = _free_port(), _free_port(), "amber" if "amber" in addons else addons[0]
    command = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", voice, *shlex.split(options)]
    command += ["--port", str(port), "--wyoming-port", str(wyoming)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + SECONDS
    while not _is_ready(url):
        if process.poll() is not None:
            problem = process.stderr.read()[-500:] if process.stderr else ""
            raise unittest.SkipTest(f"the server ended with the status {process.returncode}: {problem}")
        if time.monotonic() > deadline:
            raise unittest.SkipTest(f"the server is not ready after {SECONDS:g} s")
        time.sleep(0.2)
    return Target(url, voice=voice, wyoming=f"127.0.0.1:{wyoming}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
