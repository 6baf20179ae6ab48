"""Conditions that a measurement depends on: this machine and its installed runtimes; and the memory of this process."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

_ONNXRUNTIME = (
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-qnn",
    "onnxruntime-rocm",
)
"""Distributions that replace ``onnxruntime``, the one that the metadata of the runtime plugin names."""


def fingerprint() -> dict[str, Any]:
    """Return what identifies this machine and its software, as JSON values.

    :returns: ``cpu``, the processor; ``cores`` that this process may use; ``accelerators``, graphics cards included;
        and ``versions`` of the core, of all runtime plugins and of the distributions that these require.
    """
    return {"cpu": _cpu(), "cores": _cores(), "accelerators": _accelerators(), "versions": _versions()}


def digest(value: Mapping[str, Any]) -> str:
    """Return the first 12 hex digits of the SHA-256 of a JSON object, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def peak_memory() -> float | None:
    """Return the peak main memory of this process in MB (10^6 bytes), or None where the system does not report it."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass  # not Linux
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if platform.system() == "Darwin" else peak * 1024 / 1e6  # bytes on macOS, KiB elsewhere


def _cpu() -> str:
    """Return the name of the processor and its model numbers, as the name alone is vague on some virtual machines."""
    first = _read(Path("/proc/cpuinfo")).partition("\n\n")[0]
    facts = {
        key.strip(): value.strip()
        for key, separator, value in (line.partition(":") for line in first.splitlines())
        if separator
    }
    parts = [facts[key] for key in ("model name", "CPU implementer", "CPU part") if key in facts]
    parts += [f"{key} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    return ", ".join(parts) or platform.processor() or platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _accelerators() -> list[str]:
    """Return the names of NVIDIA cards, and the PCI ids of the kernel's other graphics cards and accelerators."""
    found = []
    for file in Path("/proc/driver/nvidia/gpus").glob("*/information"):
        found += [line.partition(":")[2].strip() for line in _read(file).splitlines() if line.startswith("Model")]
    for device in (*Path("/sys/class/drm").glob("renderD*/device"), *Path("/sys/class/accel").glob("accel*/device")):
        found.append(":".join(_read(device / name).strip() for name in ("vendor", "device")))
    return sorted(found)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


def _versions() -> dict[str, str]:
    names = {"voxstack-core", *_ONNXRUNTIME}
    for point in entry_points(group="voxstack"):
        if point.dist is not None and point.dist.name.endswith("-runtime"):
            required = (line for line in point.dist.requires or () if "extra ==" not in line)
            names |= {point.dist.name, *map(_distribution, required)}
    names.discard("numpy")  # none of the measured computation runs in it
    found = {}
    for name in sorted(names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _distribution(requirement: str) -> str:
    """Return the name at the start of a requirement: ``torch`` for ``torch>=2.3; python_version > "3"``."""
    end = next((at for at, char in enumerate(requirement) if not (char.isalnum() or char in "-_.")), len(requirement))
    return requirement[:end]
