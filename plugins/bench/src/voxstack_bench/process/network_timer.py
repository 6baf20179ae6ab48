"""A plugin that times the calls of networks. Only worker processes register it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

import numpy as np

import voxstack
from voxstack.networks import Context, Network, NetworkSpec, Runner

PLUGIN = "bench_network_timer"


class TimedNetwork:
    """A network whose calls are timed, including all wrappers below it: padding, waiting for a batch."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._calls, self._wall, self._cpu = 0, 0.0, 0.0

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once, and add the call to the counters."""
        wall, cpu = time.perf_counter(), time.process_time()
        outputs = self._run(**tensors)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        with self._lock:
            self._calls += 1
            self._wall += wall
            self._cpu += cpu
        return outputs

    @property
    def stats(self) -> Mapping[str, float]:
        """Totals: ``calls``; ``seconds``, wall-clock; and ``cpu_seconds`` of the whole process during these calls."""
        with self._lock:
            return {"calls": self._calls, "seconds": self._wall, "cpu_seconds": self._cpu}


class NetworkTimer:
    """The plugin."""

    @voxstack.hookimpl(trylast=True)
    def voxstack_wrap_network(self, network: Runner, spec: NetworkSpec, context: Context) -> Runner:
        """Time a network with the wrappers of all other plugins."""
        return TimedNetwork(network)


def timing_registry() -> voxstack.Registry:
    """Return the registry of the installed plugins with a timer around every network."""
    return voxstack.Registry.installed().with_plugins({PLUGIN: NetworkTimer()})


def read_timers(networks: Iterable[Network]) -> dict[str, dict[str, float]]:
    """Return the totals of each network so far, by name; those of its whole and stateful forms are added up."""
    totals: dict[str, dict[str, float]] = {}
    for network in networks:
        for key, value in network.stats.get(PLUGIN, {}).items():
            row = totals.setdefault(network.spec.name, {})
            row[key] = row.get(key, 0) + value
    return totals
