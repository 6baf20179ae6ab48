"""Contexts: where and how networks run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from voxstack.errors import ContextError


@dataclass(frozen=True)
class Context:
    """Where and how networks run: runtime, device, threads a call, and, for hardware that wants them, fixed sizes by axis.

    :param shapes: sizes by axis name; the ``fixed_shapes`` plugin makes a network keep to them.
    :param streaming: ``stateful`` or ``windowed``: how streams run. None: stateful where the network has a stateful form that
        the runtime can run, and no fixed size holds for it; else windowed.
    :param batch: calls of concurrent streams that may be run as one; the ``batching`` plugin does it. 1: none.
    :param schedule: ``first``, ``growth`` and ``largest`` of the chunk schedule, where they are others than the voice's own.
    """

    runtime: str = "onnx"
    device: str = "cpu"
    threads: int = 1
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    streaming: Literal["stateful", "windowed"] | None = None
    batch: int = 1
    schedule: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, value: str | Mapping[str, Any] | Context | None, named: Mapping[str, Any], where: str) -> Context:
        """Return the context that a name, a JSON object or nothing stands for.

        :param named: the contexts that the addon names; ``default`` stands for nothing.
        :raises ContextError: for a name or a key that does not exist.
        """
        if isinstance(value, Context):
            return value
        if isinstance(value, str) and value not in named:
            names = ", ".join(sorted(named)) or "none"
            raise ContextError(f"{where} has no context named {value!r} (it has {names}); or give a mapping such as {{'runtime': 'onnx'}}")
        config: Mapping[str, Any] = named.get("default", {}) if value is None else named[value] if isinstance(value, str) else value
        unknown = set(config) - set(cls.__dataclass_fields__)
        if unknown:
            raise ContextError(f"{where}: a context has no {sorted(unknown)}; it may have {sorted(cls.__dataclass_fields__)}")
        for key, fits, wanted in _CONTEXT_VALUES:
            if key in config and not fits(config[key]):
                raise ContextError(f"{where}: a context's {key!r} is {wanted}, not {config[key]!r}")
        shapes = {axis: tuple(sizes) for axis, sizes in config.get("shapes", {}).items()}
        return cls(**{**config, "shapes": shapes})

    def key(self) -> tuple[object, ...]:
        """Something hashable that contexts share in which a network is opened alike."""
        return self.runtime, self.device, self.threads, tuple(sorted(self.shapes.items())), self.batch


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _are_sizes(value: object) -> bool:
    rows = value.values() if isinstance(value, Mapping) else [None]
    return all(isinstance(sizes, list | tuple) and sizes and all(_is_count(size) for size in sizes) for sizes in rows)


def _is_schedule(value: object) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= {"first", "growth", "largest"}:
        return False
    growth = value.get("growth", 2)
    grows = isinstance(growth, int | float) and not isinstance(growth, bool) and 1 < growth < math.inf
    return grows and all(_is_count(value[key]) for key in ("first", "largest") if key in value)


_CONTEXT_VALUES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("runtime", lambda value: isinstance(value, str), "the name of a runtime"),
    ("device", lambda value: isinstance(value, str), "the name of a device"),
    ("threads", _is_count, "a number of threads from 1 up"),
    ("shapes", _are_sizes, "sizes by axis, such as {'frames': [64]}"),
    ("streaming", lambda value: value in (None, "stateful", "windowed"), "'stateful' or 'windowed'"),
    ("batch", _is_count, "a number of calls from 1 up"),
    ("schedule", _is_schedule, "{'first': frames, 'growth': a factor above 1, 'largest': frames}, or some of these"),
)
