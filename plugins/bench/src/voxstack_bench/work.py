"""What a worker does: opens an addon in one context, speaks, and compares with golden vectors. Everything it gives is plain JSON."""

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


class Work:
    """One addon in one context. What it needs is imported when it is opened, so that the time of that is in the time to load.

    :param registry: plugins to use; those installed, unless said otherwise.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry
        self._addon: Addon
        self._voice: Voice | None = None
        self._networks: list[Network] = []

    def open(self, addon: str, context: Any, trust: bool, clock: bool = False) -> dict[str, Any]:
        """Open an addon, and return the seconds that took in a fresh process, imports included, as ``load_s``.

        :param clock: time every network.
        """
        start = time.perf_counter()
        from voxstack import Registry, Voice
        from voxstack.networks.addon import Addon

        registry = self._registry
        if registry is None and clock:
            from voxstack_bench.clock import clocked

            registry = clocked()
        self._addon = Addon.open(addon, registry or Registry.installed(), context, trust)
        if self._addon.config.get("stack"):
            self._voice = Voice(self._addon)
        else:
            self._networks = [self._addon.network(name) for name in self._addon.networks]
        return {"load_s": time.perf_counter() - start}

    def facts(self) -> dict[str, Any]:
        """Return ``memory_mb`` at the most until now, and of each network what is ``effective`` and its ``stats``."""
        opened = self._addon.opened
        stats = {network.spec.name: {key: dict(told) for key, told in network.stats.items()} for network in opened}
        effective = [asdict(network.effective) for network in opened]
        return {"memory_mb": peak_memory(), "effective": _plain(effective), "stats": _plain(stats)}

    def speak(self, text: str, controls: Mapping[str, Any]) -> dict[str, Any]:
        """Begin to stream a text, until the first audio is there; then speak the whole as fast as it goes.

        :returns: ``ttfa_s``; wall-clock and CPU seconds a second of audio, ``rtf`` and ``cpu``; ``audio_s``; and in ``networks`` by
            name ``calls``, ``seconds`` and ``cpu_seconds`` of the whole, and ``first_s`` until the first audio, if they are timed.
        :raises RequestError: if the addon cannot speak, or finds nothing to pronounce.
        """
        from voxstack import RequestError
        from voxstack_bench import clock, speaking

        if self._voice is None:
            raise RequestError(
                f"{self._addon.name} has no stack: it lends its networks to others and cannot speak by itself"
            )
        before = clock.read(self._addon.opened)
        first, _ = speaking.stream(self._voice, text, controls, whole=False)
        between = clock.read(self._addon.opened)
        figures, _ = speaking.synthesize(self._voice, text, controls)
        return {"ttfa_s": first, **figures, "networks": _networks(before, between, clock.read(self._addon.opened))}

    def check(self, text: str | None = None) -> dict[str, Any]:
        """Compare every network and the whole stack with the golden vectors.

        :param text: for the figures of a voice that has no golden samples.
        :returns: ``rows`` (:data:`voxstack_bench.comparing.Row`); ``figures``: ``ttfa_s`` of the first words after loading and ``rtf`` of
            the whole after that, as far as there is something to say; and the ``facts`` before any other form of a network was opened.
        """
        from voxstack_bench import comparing, proving

        figures: dict[str, float] = {}
        rows = [comparing.row("speech", note="no stack: it lends its networks")]
        if self._voice is not None:
            rows, figures = proving.stack(self._voice, text)
        facts = self.facts()
        return {"rows": [*proving.networks(self._addon), *rows], "figures": figures, "facts": facts}


def _networks(
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


def _plain(value: Any) -> Any:
    """Something of plain JSON: keys are text, sequences lists, numpy's numbers Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if hasattr(value, "item"):
        return value.item()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
