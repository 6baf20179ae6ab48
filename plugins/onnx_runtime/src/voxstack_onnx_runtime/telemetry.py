"""ONNX Runtime without its telemetry."""

from __future__ import annotations

import os

SWITCH = "ORT_DISABLE_TELEMETRY"
"""The environment variable that ONNX Runtime reads when it is imported."""


def switch_off_telemetry() -> None:
    """Let ONNX Runtime record nothing about this machine, unless who runs the program has set the variable.

    Since 1.32 its import writes an id of the machine and a database of events to ``~/.cache/Microsoft``, also on Linux,
    and ``disable_telemetry_events`` comes too late for that.
    """
    os.environ.setdefault(SWITCH, "1")
