"""What a measurement depends on: this machine, and the runtimes that are installed."""

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
"""Distributions that stand in for ``onnxruntime``, which the metadata of a runtime names."""


def fingerprint() -> dict[str, Any]:
    """Return processor, cores of this process, accelerators, and versions of the core, of all runtimes and of what they need."""
    return {"cpu": _cpu(), "cores": _cores(), "accelerators": _accelerators(), "versions": _versions()}


def digest(found: Mapping[str, Any]) -> str:
    """Return 12 hex digits that stand for something of JSON."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]


def peak_memory() -> float | None:
    """MB (10^6 bytes) of main memory that this process had at most; None where the system does not tell."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass  # no Linux
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if platform.system() == "Darwin" else most * 1024 / 1e6


def _cpu() -> str:
    """Name of the processor and, as a hypervisor may make that a vague one, its numbers."""
    first = _read(Path("/proc/cpuinfo")).partition("\n\n")[0]
    facts = {
        key.strip(): value.strip() for key, sign, value in (line.partition(":") for line in first.splitlines()) if sign
    }
    told = [facts[key] for key in ("model name", "CPU implementer", "CPU part") if key in facts]
    told += [f"{key} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    return ", ".join(told) or platform.processor() or platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _accelerators() -> list[str]:
    """Names of NVIDIA cards, and PCI ids of what else the kernel counts among graphics cards and accelerators."""
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
            names |= {point.dist.name, *(_bare(line) for line in point.dist.requires or () if "extra ==" not in line)}
    names.discard("numpy")  # it computes nothing that is measured here
    found = {}
    for name in sorted(names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _bare(requirement: str) -> str:
    """The name at the beginning of a requirement: ``torch`` of ``torch>=2.3; python_version > "3"``."""
    end = next(
        (at for at, letter in enumerate(requirement) if not (letter.isalnum() or letter in "-_.")), len(requirement)
    )
    return requirement[:end]
