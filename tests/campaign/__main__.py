"""The reliability campaign: ``python -m tests.campaign [PART ...]`` from the root of the repository.

Each part runs in processes of its own, so that one that hangs or crashes is a finding and not the end. The same seed
gives the same cases; ``--case`` runs one case again.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.campaign import parts
from tests.campaign.report import Report

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run the parts, print the table, and return 1 if there was a finding."""
    options = _arguments()
    if options.worker is not None:
        return _work(options)
    table: list[str] = []
    findings: list[str] = []
    for name in options.parts or _names():
        result = _run_part(name, options)
        findings += result["findings"]
        table.append(_row(name, result))
        print(table[-1], *(f"FINDING {found}" for found in result["findings"]), sep="\n", file=sys.stderr, flush=True)
    print("\n| part | cases | findings | outcomes | extremes | seconds |\n|---|---|---|---|---|---|")
    print("\n".join(table))
    for finding in findings:
        print(f"\nFINDING {finding}")
    print(f"\nseed {options.seed}, {len(findings)} findings")
    return 1 if findings else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.campaign", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"by default all: {', '.join(_names())}")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same cases (default: 0)")
    parser.add_argument("--short", action="store_true", help="the few cases that run in CI")
    parser.add_argument("--cases", type=int, help="cases of each part, instead of its usual number")
    parser.add_argument("--case", type=int, help="run this case alone")
    parser.add_argument("--jobs", type=int, default=2, help="processes of a part (default: 2)")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.parts) - set(_names())
    if unknown:
        parser.error(f"no part named {sorted(unknown)}; the parts are {', '.join(_names())}")
    return options


def _names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(parts.__path__) if not module.name.startswith("_"))


def _cases(part: Any, options: argparse.Namespace) -> range:
    if options.case is not None:
        return range(options.case, options.case + 1)
    return range(options.cases or (part.SHORT if options.short else part.FULL))


def _work(options: argparse.Namespace) -> int:
    """Run the cases of one process."""
    (name,) = options.parts
    part = importlib.import_module(f"tests.campaign.parts.{name}")
    report = Report(name, options.seed, part.LIMIT, options.short)
    part.run(report, _cases(part, options)[options.worker :: options.jobs])
    report.close()
    return 0


def _run_part(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run a part in its processes, and return what they found together."""
    part = importlib.import_module(f"tests.campaign.parts.{name}")
    jobs = min(options.jobs, getattr(part, "JOBS", options.jobs), len(_cases(part, options)))
    began = time.monotonic()
    total: dict[str, Any] = {"cases": 0, "counts": Counter(), "extremes": {}, "findings": []}
    with tempfile.TemporaryDirectory(prefix="voxstack-campaign-") as folder:
        workers = [_start(name, number, jobs, options, Path(folder)) for number in range(jobs)]
        for number, process in enumerate(workers):
            _collect(name, process, Path(folder, f"errors{number}"), total)
    total["seconds"] = time.monotonic() - began
    return total


def _start(name: str, number: int, jobs: int, options: argparse.Namespace, folder: Path) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "tests.campaign", name, "--worker", str(number), "--jobs", str(jobs)]
    arguments += ["--seed", str(options.seed)]
    arguments += ["--short"] if options.short else []
    for option in ("cases", "case"):
        value = getattr(options, option)
        arguments += [] if value is None else [f"--{option}", str(value)]
    own = {"TMPDIR": str(folder), "VOXSTACK_CACHE": str(folder / "cache"), "PYTHONUNBUFFERED": "1"}
    environment = {**os.environ, **own}
    with open(folder / f"errors{number}", "w") as errors:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment,
        )


def _collect(name: str, process: subprocess.Popen[str], errors: Path, total: dict[str, Any]) -> None:
    """Add what a process reports; one that does not end well is a finding at the case it was in."""
    line: dict[str, Any] = {}
    assert process.stdout is not None
    for text in process.stdout:
        if not text.startswith("{"):
            continue
        line = json.loads(text)
        if "progress" in line and sys.stderr.isatty():
            print(f"\r{name}: {line['progress']} cases", end="", file=sys.stderr, flush=True)
    status = process.wait()
    if status or not line.get("done"):
        end = errors.read_text(errors="replace")[-3000:]
        total["findings"].append(f"{name}: a process ended with status {status} after case {line.get('case')}\n{end}")
        total["cases"] += line.get("progress", 0)
        return
    total["cases"] += line["cases"]
    total["counts"].update(line["counts"])
    total["findings"] += line["findings"]
    for figure, value in line["extremes"].items():
        total["extremes"][figure] = max(value, total["extremes"].get(figure, value))


def _row(name: str, result: dict[str, Any]) -> str:
    counts = ", ".join(f"{outcome}: {number}" for outcome, number in sorted(result["counts"].items()))
    extremes = ", ".join(f"{figure}: {value:.4g}" for figure, value in sorted(result["extremes"].items()))
    cells = (name, result["cases"], len(result["findings"]), counts, extremes, f"{result['seconds']:.0f}")
    return f"| {' | '.join(str(cell) for cell in cells)} |"


if __name__ == "__main__":
    raise SystemExit(main())
