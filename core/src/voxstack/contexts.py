"""Contexts: where and how networks run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from voxstack.errors import ContextError
from voxstack_addon_spec.wording import nearest

Asked = str | Mapping[str, Any]
"""How a context is asked for: a name, a shorthand ``runtime:device``, or an object."""

Form = Literal["whole", "windowed", "stateful", "autoregressive"]
"""How a network runs: on whole utterances, on windows of a stream, part by part with states, or step by step from its own frames."""

_SHORTHAND = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):(.+)")
_NOT_CONFIG = ("name",)


@dataclass(frozen=True)
class Context:
    """Where and how networks run: runtime, device, threads a call, and, for hardware that wants them, fixed sizes by axis.

    :param device: as the runtime calls it: ``cpu``, ``cuda:1``, ``NPU``.
    :param precision: what the runtime computes in; one that cannot refuses to open networks.
    :param shapes: sizes by axis name, ascending; the ``fixed_shapes`` plugin makes a network keep to them.
    :param split: whether what is longer than the largest size may be cut into parts; else it is refused.
    :param streaming: ``stateful`` or ``windowed``: how streams run. None: stateful where the network has a stateful form that
        the runtime can run, and no fixed size holds for it; else windowed.
    :param batch: calls of concurrent streams that may be run as one; the ``batching`` plugin does it. 1: none.
    :param schedule: ``first``, ``growth`` and ``largest`` of the chunk schedule, where they are others than the voice's own.
    :param options: what only this runtime knows; it refuses what it does not know.
    :param networks: contexts of single networks in place of this one, by name of the network or, after that, by role. They
        inherit nothing from it.
    :param description: for people: what it is good for, or where it comes from.
    :param name: how it was asked for, where that was by a name.
    """

    runtime: str = "onnx"
    device: str = "cpu"
    threads: int = 1
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    split: bool = True
    streaming: Literal["stateful", "windowed"] | None = None
    batch: int = 1
    schedule: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, Context] = field(default_factory=dict)
    description: str = field(default="", compare=False)
    name: str = field(default="", compare=False)

    @classmethod
    def of(
        cls,
        value: Asked | Context | None,
        named: Mapping[str, Any],
        where: str,
        resolve: Callable[[str], Asked | None] = lambda name: None,
        *,
        inner: bool = False,
    ) -> Context:
        """Return the context that a name, a shorthand ``runtime:device``, a JSON object or nothing stands for.

        :param named: the contexts that the addon names; ``default`` stands for nothing.
        :param resolve: tells what a name stands for that the addon does not have.
        :param inner: whether it stands in the ``networks`` of another context, and so has none of its own.
        :raises ContextError: for a name or a key that does not exist, or a value that a key cannot have.
        """
        if isinstance(value, Context):
            if inner and value.networks:
                raise _places_twice(where)
            return value
        if value is None:
            value = "default" if "default" in named else {}
        if not isinstance(value, str):
            if inner and value.get("networks"):
                raise _places_twice(where)
            return cls._of_object(value, where, lambda within, place: cls.of(within, named, place, resolve, inner=True))
        if value in named:
            made = cls.of(named[value], named, where, resolve, inner=inner)
        elif shorthand := _SHORTHAND.fullmatch(value):
            made = cls(shorthand[1], shorthand[2])
        elif (found := resolve(value)) is not None:
            made = cls.of(found, named, where, resolve, inner=inner)
        else:
            names = ", ".join(sorted(named)) or "none"
            raise ContextError(
                f"{where} has no context named {value!r}{nearest(value, named)} (it has {names}); "
                "or give runtime:device, such as 'onnx:cpu', or a mapping such as {'runtime': 'onnx', 'threads': 2}"
            )
        return replace(made, name=value)

    @classmethod
    def _of_object(cls, config: Mapping[str, Any], where: str, within: Callable[[Asked, str], Context]) -> Context:
        """:param within: gives a context inside this one."""
        known = cls.__dataclass_fields__.keys() - set(_NOT_CONFIG)
        for key in config:
            if key not in known:
                raise ContextError(
                    f"{where}: a context has no {key!r}{nearest(key, known)}; it may have {sorted(known)}"
                )
        for key, fits, wanted in _VALUES:
            if key in config and not fits(config[key]):
                raise ContextError(f"{where}: a context's {key!r} is {wanted}, not {config[key]!r}")
        given = dict(config)
        if "shapes" in given:
            given["shapes"] = {axis: tuple(sorted(set(sizes))) for axis, sizes in given["shapes"].items()}
        if "networks" in given:
            given["networks"] = {
                name: within(inner, f"{where}: networks.{name}") for name, inner in given["networks"].items()
            }
        return cls(**given)

    def for_network(self, name: str, role: str) -> Context:
        """The context that one network runs in."""
        return self.networks.get(name) or self.networks.get(role) or self

    def key(self) -> tuple[object, ...]:
        """Something hashable that contexts share in which a network is opened alike."""
        options = json.dumps(self.options, sort_keys=True, default=repr)
        shapes = tuple(sorted(self.shapes.items()))
        return self.runtime, self.device.lower(), self.threads, self.precision, shapes, self.split, self.batch, options


@dataclass(frozen=True)
class Effective:
    """What one network runs in, as it was found when it was opened.

    :param provider: what computes: an execution provider, a device by its full name; None where the runtime does not say.
    :param form: ``whole``, ``windowed``, ``stateful`` or ``autoregressive``.
    :param shapes: the only sizes that are run, by axis; empty: any.
    :param batch: calls that may be run as one.
    :param version: of the runtime.
    :param asked: the name of the context, if it has one.
    """

    network: str
    role: str
    runtime: str
    device: str
    provider: str | None
    threads: int
    precision: str
    form: Form
    shapes: Mapping[str, tuple[int, ...]]
    batch: int
    version: str | None
    asked: str


def _places_twice(where: str) -> ContextError:
    return ContextError(f"{where} is a context with 'networks' of its own; say each network's place once")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _are_sizes(value: object) -> bool:
    rows = value.values() if isinstance(value, Mapping) else [None]
    return all(isinstance(sizes, list | tuple) and sizes and all(_is_count(size) for size in sizes) for sizes in rows)


def _is_schedule(value: object) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= {"first", "growth", "largest"}:
        return False
    growth = value.get("growth", 2)
    grows = isinstance(growth, int | float) and not isinstance(growth, bool) and 1 < growth < math.inf
    return grows and all(_is_count(value[key]) for key in ("first", "largest") if key in value)


def _are_contexts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(inner, str | Mapping | Context) for inner in value.values())


_VALUES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("runtime", _is_text, "the name of a runtime"),
    ("device", _is_text, "the name of a device"),
    ("threads", _is_count, "a number of threads from 1 up"),
    ("precision", lambda value: value in ("float32", "bfloat16", "float16"), "'float32', 'bfloat16' or 'float16'"),
    ("shapes", _are_sizes, "sizes by axis, such as {'frames': [64]}"),
    ("split", lambda value: isinstance(value, bool), "true or false"),
    ("streaming", lambda value: value in (None, "stateful", "windowed"), "'stateful' or 'windowed'"),
    ("batch", _is_count, "a number of calls from 1 up"),
    ("schedule", _is_schedule, "{'first': frames, 'growth': a factor above 1, 'largest': frames}, or some of these"),
    ("options", lambda value: isinstance(value, Mapping), "an object of what the runtime knows"),
    ("networks", _are_contexts, "contexts by name or role of a network, such as {'decoder': 'openvino:GPU'}"),
    ("description", lambda value: isinstance(value, str), "a text"),
)
