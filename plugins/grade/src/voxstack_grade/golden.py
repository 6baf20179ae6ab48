"""The row of golden vectors: the verdict of ``voxstack check``, which compares an addon with what was recorded."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxstack import Registry
from voxstack.entry_points import select_entry_points
from voxstack_grade.report import Row

NAME, TITLE = "golden", "golden vectors, largest error"


def golden_row(addon: str, context: str | None, trust: bool, registry: Registry | None) -> Row:
    """Return the verdict of the command ``check`` on an addon.

    :param context: in which it is checked; None: all that it names, and all devices of this machine.
    """
    points = list(select_entry_points("voxstack.commands", "check"))
    if not points:
        return _unmeasured("voxstack check is not installed; try: pip install voxstack-bench")
    parser = argparse.ArgumentParser("voxstack check")
    points[0].load()(parser)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "check.json"
        arguments = [addon, "--json", str(file), "--quiet"]
        arguments += ([] if context is None else ["--context", context]) + ["--trust"] * trust
        options = parser.parse_args(arguments, argparse.Namespace(registry=registry, debug=True))
        status = _run_silently(options)
        report = json.loads(file.read_text("utf-8"))
    return _judged(report, status)


def _run_silently(options: argparse.Namespace) -> int:
    """Run the command without its tables, which it prints on stdout."""
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        status: int = options.run(options)
    return status


def _judged(report: Mapping[str, Any], status: int) -> Row:
    rows = [row for context in report["contexts"] for row in context["rows"]]
    errors = [row["error"] for row in rows if row["error"] is not None]
    failed = [row for row in rows if row["state"] == "fail"]
    if not errors and not failed:
        reasons = sorted({row["note"] for row in rows} | {context["reason"] for context in report["contexts"]} - {""})
        return _unmeasured("; ".join(reason for reason in reasons if reason) or "it has none")
    note = ", ".join(row["what"] for row in failed)
    verdict = "pass" if status == 0 else "fail"
    return Row(NAME, TITLE, verdict, max(errors, default=None), most=report["limit"], form=".1e", note=note)  # type: ignore[arg-type]


def _unmeasured(note: str) -> Row:
    return Row(NAME, TITLE, "not measured", form=".1e", note=note)
