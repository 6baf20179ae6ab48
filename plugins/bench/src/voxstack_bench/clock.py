"""A plugin that measures how long networks take. It is registered by a worker only."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

import numpy as np

import voxstack
from voxstack.networks import Context, Network, NetworkSpec, Runner

LAYER = "bench_clock"


class Timed:
    """A network whose calls are timed, with all that goes around it: padding, waiting for a batch."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._calls, self._wall, self._cpu = 0, 0.0, 0.0

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        wall, cpu = time.perf_counter(), time.process_time()
        made = self._run(**tensors)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        with self._lock:
            self._calls += 1
            self._wall += wall
            self._cpu += cpu
        return made

    @property
    def stats(self) -> Mapping[str, float]:
        """``calls``, and ``seconds`` and ``cpu_seconds`` in all of them; the latter are those of the whole process meanwhile."""
        with self._lock:
            return {"calls": self._calls, "seconds": self._wall, "cpu_seconds": self._cpu}


class Clock:
    """The plugin."""

    @voxstack.hookimpl(trylast=True)
    def voxstack_wrap_network(self, network: Runner, spec: NetworkSpec, context: Context) -> Runner:
        """Time what all other plugins made."""
        return Timed(network)


def clocked() -> voxstack.Registry:
    """Return the installed plugins, and a clock around all networks."""
    return voxstack.Registry.installed().with_plugins({LAYER: Clock()})


def read(networks: list[Network]) -> dict[str, dict[str, float]]:
    """Return what was timed so far, by name of the network; its forms are added up."""
    found: dict[str, dict[str, float]] = {}
    for network in networks:
        for key, value in network.stats.get(LAYER, {}).items():
            row = found.setdefault(network.spec.name, {})
            row[key] = row.get(key, 0) + value
    return found
