"""Measurement of an addon's networks in every context that exists here, so that wrong ones are refused."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

TIMEOUT = 600.0
"""Seconds that one process may take; a context that is not done then counts as one that hangs."""

MAX_PROCESSES = 16
"""Processes that are started for one addon: one more for each context that crashes or hangs."""

Entries = dict[str, dict[str, dict[str, Any]]]
"""By network and by context, what was measured, as ``measured.contexts`` in addon.json has it."""


class ContextProcess:
    """The process that runs golden vectors; it imports the runtimes while the addon is made.

    :param folder: of the addon, which may not be there yet.
    :param lenders: folders of the addons that it borrows from; None stands for an installed one.
    :param formats: of its exports, as far as they are known; None for any.
    :param skipped: contexts that are left out.
    """

    def __init__(
        self,
        folder: Path,
        lenders: Iterable[Path | None],
        formats: Iterable[str] | None = None,
        skipped: Iterable[str] = (),
    ) -> None:
        paths = [None if lender is None else str(lender.resolve()) for lender in lenders]
        named = None if formats is None else sorted(formats)
        request = {"folder": str(folder.resolve()), "lenders": paths, "formats": named, "skipped": sorted(skipped)}
        command = [sys.executable, "-P", "-m", "voxstack_packager.context_process", json.dumps(request)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def begin(self) -> None:
        """Let it run the golden vectors of the addon, which is there now."""
        assert self._process.stdin is not None, "it is a pipe"
        with contextlib.suppress(OSError):  # it ended, which finish() reports
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()

    def finish(self, timeout: float) -> tuple[list[dict[str, Any]], str]:
        """Return its lines, and how it ended if it did not end in order."""
        self.begin()
        end = ""
        try:
            output, _ = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            output, _ = self._process.communicate()
            end = f"was not done after {timeout:g} s"
        else:
            status = self._process.returncode
            if status < 0:
                end = f"crashed ({signal.Signals(-status).name})"
            elif status:
                end = f"ended the process with status {status}"
        lines = output.decode("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"context"') and line.endswith("}")], end

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what it has not read
                    pipe.close()
        self._process.wait()


def measure_contexts(
    folder: Path,
    name: str,
    lenders: Iterable[Path | None],
    progress: Callable[[str], None],
    first: ContextProcess | None = None,
    timeout: float = TIMEOUT,
) -> Entries:
    """Run the golden vectors of a finished addon in each of its contexts and on each device of this machine.

    :param name: name of the addon, for progress lines.
    :param lenders: folders of the addons that it borrows from; None stands for an installed one.
    :param first: the process for it, if it was started before.
    :param timeout: seconds that one process may take.
    :returns: the entries of the networks that could be compared somewhere.
    """
    networks = [file.stem for file in sorted((folder / "golden").glob("*.npz"))]
    found: Entries = {}
    done: set[str] = set()
    process, lenders = first, [*lenders]
    for _ in range(MAX_PROCESSES):
        process = process or ContextProcess(folder, lenders, skipped=done)
        with contextlib.closing(process):
            lines, end = process.finish(timeout)
        process = None
        current = ""
        for line in lines:
            current = line["context"]
            done.add(current)
            if "network" in line:
                entry = {key: value for key, value in line.items() if key not in ("context", "network")}
                found.setdefault(line["network"], {})[current] = entry
                progress(f"{line['network']}: in {current} {_verdict(entry)}")
            else:
                progress(f"{name}: running its golden vectors in {current}")
        if not end:
            break
        if not current:
            progress(f"{name}: no other context was measured: the process {end}")
            break
        for network in networks:
            found.setdefault(network, {}).setdefault(current, {"passed": False, "problem": f"the runtime {end}"})
        progress(f"{name}: in {current} the runtime {end}; the context is refused")
    return found


def with_entries(config: Mapping[str, Any], entries: Entries) -> dict[str, Any]:
    """Return addon.json with these entries in its networks; those of other networks are left out."""
    networks = dict(config["networks"])
    for name, spec in networks.items():
        if "addon" in spec:
            continue
        measured = {key: value for key, value in spec.get("measured", {}).items() if key != "contexts"}
        networks[name] = {**spec, "measured": measured | ({"contexts": entries[name]} if name in entries else {})}
    return {**config, "networks": networks}


def _verdict(entry: Mapping[str, Any]) -> str:
    if entry["passed"]:
        return f"differs by {entry['error']} of its scale"
    problem = entry.get("problem") or f"differs by {entry['error']} of its scale"
    return f"{problem}: this context is refused"
