"""The session of a worker process: one addon in one context, opened, timed and checked on request of its parent."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from voxstack_bench.machine import peak_memory

if TYPE_CHECKING:
    from voxstack import Registry, Voice
    from voxstack.networks import Network
    from voxstack.networks.addon import Addon


class Session:
    """One addon in one context. Its public methods are the requests of :class:`voxstack_bench.process.worker.Worker`.

    They accept and return plain JSON values. Imports happen in :meth:`open`, so that they count towards the load time.

    :param registry: plugins to use; by default the installed ones.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry
        self._addon: Addon
        self._voice: Voice | None = None
        self._networks: list[Network] = []

    def open(self, addon: str, context: Any, trust: bool, timed: bool = False) -> dict[str, Any]:
        """Open an addon and return ``load_s``: the seconds it took in a fresh process, imports included.

        :param timed: time every call of a network.
        """
        start = time.perf_counter()
        from voxstack import Registry, Voice
        from voxstack.networks.addon import Addon

        registry = self._registry
        if registry is None and timed:
            from voxstack_bench.process.network_timer import timing_registry

            registry = timing_registry()
        self._addon = Addon.open(addon, registry or Registry.installed(), context, trust)
        if self._addon.config.get("stack"):
            self._voice = Voice(self._addon)
        else:
            self._networks = [self._addon.network(name) for name in self._addon.networks]
        return {"load_s": time.perf_counter() - start}

    def facts(self) -> dict[str, Any]:
        """Return the state of the process and its networks.

        :returns: ``memory_mb``, peak main memory so far; ``effective``, the effective context of each network; and
            ``stats``, the counters of each network, by its name and the plugin.
        """
        opened = self._addon.opened
        stats = {network.spec.name: {plugin: dict(row) for plugin, row in network.stats.items()} for network in opened}
        effective = [asdict(network.effective) for network in opened]
        return {"memory_mb": peak_memory(), "effective": _to_json(effective), "stats": _to_json(stats)}

    def speak(self, text: str, controls: Mapping[str, Any]) -> dict[str, Any]:
        """Stream a text up to its first audio, then synthesize the whole text as fast as possible.

        :returns: ``ttfa_s``, seconds to the first audio; ``rtf`` and ``cpu``, seconds of wall-clock and of CPU time
            per second of audio; ``audio_s``, seconds of audio; and ``networks``: for each timed network ``calls``,
            ``seconds`` and ``cpu_seconds`` of the whole text, and ``first_s``, seconds until the first audio.
        :raises RequestError: if the addon has no stack, or the text has nothing to pronounce.
        """
        from voxstack import RequestError
        from voxstack_bench.process.network_timer import read_timers
        from voxstack_bench.stream_timing import time_stream, time_synthesis

        if self._voice is None:
            name = self._addon.name
            raise RequestError(f"{name} has no stack: it lends its networks to others and cannot speak; load a voice")
        before = read_timers(self._addon.opened)
        ttfa_s, _ = time_stream(self._voice, text, controls, whole=False)
        between = read_timers(self._addon.opened)
        figures, _ = time_synthesis(self._voice, text, controls)
        networks = _network_figures(before, between, read_timers(self._addon.opened))
        return {"ttfa_s": ttfa_s, **figures, "networks": networks}

    def check(self, text: str | None = None) -> dict[str, Any]:
        """Compare every network and the whole stack with the golden vectors.

        :param text: for the figures of a voice that has no golden speech.
        :returns: ``outcomes`` (:class:`voxstack_bench.golden.golden_checks.Outcome`); ``figures``: ``ttfa_s`` of the
            first request after loading and ``rtf`` of the whole text after that, if there is a text; and ``facts``,
            before any other form of a network was opened.
        """
        from voxstack_bench.golden.golden_checks import check_networks, check_stack

        stack, figures = check_stack(self._voice, text)
        facts = self.facts()
        return {"outcomes": [*check_networks(self._addon), *stack], "figures": figures, "facts": facts}


def _network_figures(
    before: Mapping[str, Any], between: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, dict[str, float]]:
    def since(earlier: Mapping[str, Any], later: Mapping[str, Any], name: str, key: str) -> float:
        return float(later.get(name, {}).get(key, 0) - earlier.get(name, {}).get(key, 0))

    keys = ("calls", "seconds", "cpu_seconds")
    return {
        name: {
            **{key: since(between, after, name, key) for key in keys},
            "first_s": since(before, between, name, "seconds"),
        }
        for name in after
    }


def _to_json(value: Any) -> Any:
    """Return a value as plain JSON: keys as text, sequences and sets as lists, numpy scalars as Python numbers."""
    if isinstance(value, Mapping):
        return {str(key): _to_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_to_json(inner) for inner in value]
    if hasattr(value, "item"):
        return value.item()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
