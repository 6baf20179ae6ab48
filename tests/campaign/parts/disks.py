"""Files on disks that fill and programs that are ended: the older file or the whole new one, and nothing beside it.

A limit on the size of files stands for the full disk: as there, a write fails after any number of bytes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random

import voxstack
from tests.campaign.report import Report
from voxstack import VoxstackError
from voxstack_cli.main import main
from voxstack_voice import Speech

FULL, SHORT, LIMIT = 1000, 8, 60.0

OLDER = b"an older file"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FAILED = 1
SLOWEST_END = 5.0  # seconds from a signal to the end of the program


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases: in turn a command on a full disk, a command with a signal, ``Speech.save`` on a full disk."""
    speech = voxstack.load("amber").synthesize("One, two.")
    with tempfile.TemporaryDirectory() as folder:
        _run(lambda: _say(Path(folder, "first.wav")))  # what the system reads for it is cached now
        began = time.monotonic()
        _run(lambda: _say(Path(folder, "second.wav")))
        command_seconds = time.monotonic() - began
    for number, random in report.each(cases):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "speech.wav")
            older = {file: OLDER for file in (path, path.with_suffix(".json")) if random.random() < 0.5}
            for file, content in older.items():
                file.write_bytes(content)
            if number % 3 == 0:
                outcome = _full_disk(report, random, lambda path=path: _say(path))
            elif number % 3 == 1:
                outcome = _signalled(report, random, path, command_seconds)
            else:
                outcome = _full_disk(report, random, lambda path=path: _save(speech, path))
            report.count(outcome)
            for problem in _problems(Path(folder), older, outcome == "written"):
                report.finding(f"{outcome}: {problem}")


def _full_disk(report: Report, random: Random, job: Callable[[], int]) -> str:
    """Run a job in a process whose files may have no more than some bytes."""
    most = random.choice((0, 1, 43, 44, 45, 1000, 8192, *(random.randrange(80_000) for _ in range(7))))

    def limited() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        return job()

    status = _run(limited)
    if status not in (0, FAILED):
        report.finding(f"a limit of {most} bytes: the process ended with status {status}")
    return "refused" if status else "written"


def _signalled(report: Report, random: Random, path: Path, seconds: float) -> str:
    """Run a command that receives signals at some time."""
    child = _fork(lambda: _say(path))
    time.sleep(random.random() * 1.2 * seconds)
    sent = [random.choice(SIGNALS) for _ in range(random.choice((1, 1, 2, 5)))]
    for number in sent:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)
    began = time.monotonic()
    status = _wait(child)
    report.maximum("from a signal to the end (s)", time.monotonic() - began)
    if time.monotonic() - began > SLOWEST_END:
        report.finding(f"{sent}: ended after {time.monotonic() - began:.1f} s")
    if status not in (0, *(128 + number for number in sent)):
        report.finding(f"{sent}: the process ended with status {status}")
    return "ended by a signal" if status else "written"


def _say(path: Path) -> int:
    return main(["say", "--quiet", "One, two.", "--out", str(path), "--json", str(path.with_suffix(".json"))])


def _save(speech: Speech, path: Path) -> int:
    try:
        speech.save(path)
    except VoxstackError:
        return FAILED
    return 0


def _problems(folder: Path, older: dict[Path, bytes], written: bool) -> Iterator[str]:
    """Yield what is wrong in a folder: each file is the older one, or whole and new, and there are no others."""
    wav = folder / "speech.wav"
    files = {wav, *older}
    for path in {*folder.iterdir(), *files}:
        content = path.read_bytes() if path.exists() else None
        if path not in (wav, wav.with_suffix(".json")):
            yield f"left behind {path.name}"
        elif path == wav and written and content in (None, OLDER):
            yield f"{path.name} is not there"
        elif content not in (None, OLDER):
            yield from _faults(path.suffix, content)
        elif content != older.get(path):
            yield f"the older {path.name} is gone"


def _faults(suffix: str, content: bytes) -> Iterator[str]:
    """Yield what is wrong with a new file."""
    try:
        if suffix == ".json":
            json.loads(content)
            return
        with wave.open(io.BytesIO(content)) as file:
            frames, read = file.getnframes(), len(file.readframes(10**7)) // file.getsampwidth()
    except (ValueError, wave.Error, EOFError) as error:
        yield f"{len(content)} bytes that are no whole {suffix}: {error}"
        return
    if frames != read or not read:
        yield f"{read} of {frames} samples"


def _run(job: Callable[[], int]) -> int:
    return _wait(_fork(job))


def _fork(job: Callable[[], int]) -> int:
    """Run a job in a child, as the main program: its result is the status, and an unexpected error 70."""
    ready, started = os.pipe()
    child = os.fork()
    if not child:
        status = 70
        with contextlib.suppress(BaseException):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            assert threading.current_thread() is threading.main_thread()
            os.write(started, b"1")
            try:
                status = job()
            except KeyboardInterrupt:  # before or after what handles it
                status = 128 + signal.SIGINT
        os._exit(status)
    os.read(ready, 1)
    os.close(ready)
    os.close(started)
    return child


def _wait(child: int) -> int:
    """Return the status of a child as a shell reports it."""
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
