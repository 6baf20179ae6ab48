"""Contexts, which say where and how networks run."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from voxstack_addon_spec.errors import ContextError
from voxstack_addon_spec.limits import MAX_BATCH, MAX_FRAMES, MAX_GROWTH, MAX_SIZE, MAX_SIZES, MAX_THREADS
from voxstack_addon_spec.wording import did_you_mean, short_repr, shorten

ContextLike = str | Mapping[str, Any]
"""A requested context: a name, a shorthand ``runtime:device``, or an object."""

Form = Literal["whole", "windowed", "stateful", "autoregressive"]
"""How a network runs: on whole utterances, on windows of a stream, chunk by chunk with states, or step by step."""

MAX_MEMORY = 2**20
"""The largest limit of memory, in MB."""

FEW_THREADS = 8
"""Threads that a call may always have, however few processors the machine has."""

_SHORTHAND = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):(.+)")


MEANT = {"onnx": "onnx:cpu", "cpu": "onnx:cpu", "gpu": "onnx:cuda", "cuda": "onnx:cuda", "torch": "torch:cpu"}
MEANT |= {device: f"onnx:{device}" for device in ("tensorrt", "coreml", "directml", "qnn")}
MEANT |= {"mps": "onnx:coreml", "openvino": "openvino:CPU", "npu": "openvino:NPU"}
"""Shorthands that are meant by the name of a runtime or a device alone."""


@dataclass(frozen=True)
class Context:
    """A place and a way for networks to run: runtime, device, threads, and fixed sizes for hardware that needs them.

    :param device: in the runtime's own terms: ``cpu``, ``cuda:1``, ``NPU``.
    :param precision: in which the runtime computes; a runtime without it refuses to open networks.
    :param shapes: sizes by axis name, ascending; the ``fixed_shapes`` plugin fits calls to them.
    :param split: whether input longer than the largest size may be cut into parts; otherwise it is refused.
    :param streaming: ``stateful`` or ``windowed``: how streams run. None: stateful where the network has a stateful
        form that the runtime supports and none of its axes is fixed; otherwise windowed.
    :param batch: maximum number of calls of concurrent streams that the ``batching`` plugin may run as one; 1: none.
    :param schedule: ``first``, ``growth`` and ``largest`` of the chunk schedule, where they differ from the voice's.
    :param isolate: whether networks run in another process, so that one which crashes or hangs ends only that process.
    :param memory: MB that this process may allocate; only with ``isolate``.
    :param options: specific to the runtime, which refuses unknown ones.
    :param networks: contexts of single networks in place of this one, by network name or, failing that, by role. They
        inherit nothing from it, except that they are isolated if it is.
    :param description: for people: its purpose or origin.
    :param name: the name by which it was requested, if any.
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
    isolate: bool = False
    memory: int = 2048
    options: Mapping[str, Any] = field(default_factory=dict)
    networks: Mapping[str, Context] = field(default_factory=dict)
    description: str = field(default="", compare=False)
    name: str = field(default="", compare=False)

    @classmethod
    def of(
        cls,
        value: ContextLike | Context | None,
        named: Mapping[str, Any],
        where: str,
        resolve: Callable[[str], ContextLike | None] = lambda name: None,
        *,
        inner: bool = False,
    ) -> Context:
        """Return the context that a name, a shorthand ``runtime:device``, a JSON object or None stands for.

        :param named: the contexts that the addon defines; None stands for ``default``.
        :param resolve: returns the context for a name that the addon does not define, or None.
        :param inner: whether it stands in the ``networks`` of another context, and so has none of its own.
        :raises ContextError: for an unknown name or key, or an invalid value.
        """
        if isinstance(value, Context):
            if inner and value.networks:
                raise _nested_networks(where)
            return value
        if value is None:
            value = "default" if "default" in named else {}
        if not isinstance(value, str):
            if not isinstance(value, Mapping):
                raise ContextError(f"{where}: {short_repr(value)} is no context; give a name, 'onnx:cpu', or a mapping")
            if inner and value.get("networks"):
                raise _nested_networks(where)
            return cls._of_object(value, where, lambda within, place: cls.of(within, named, place, resolve, inner=True))
        if value in named:
            found = cls.of(named[value], named, where, resolve, inner=inner)
        elif shorthand := _SHORTHAND.fullmatch(value):
            found = cls(shorthand[1], shorthand[2])
        elif (resolved := resolve(value)) is not None:
            found = cls.of(resolved, named, where, resolve, inner=inner)
        else:
            raise ContextError(f"{where} has no context named {short_repr(value)}{_instead(value, named)}")
        return replace(found, name=value)

    @classmethod
    def _of_object(
        cls, config: Mapping[str, Any], where: str, within: Callable[[ContextLike, str], Context]
    ) -> Context:
        """Return the context of a JSON object; ``within`` parses the contexts in its ``networks``."""
        known = cls.__dataclass_fields__.keys() - {"name"}
        for key in config:
            if key not in known:
                unknown = f"{short_repr(key)}{did_you_mean(key, known)}"
                raise ContextError(f"{where}: a context has no {unknown}; it may have {sorted(known)}")
        for key, is_valid, expected in _VALUES:
            if key in config and not is_valid(config[key]):
                raise ContextError(f"{where}: a context's {key!r} is {expected}, not {short_repr(config[key])}")
        if "memory" in config and not config.get("isolate"):
            raise ContextError(f"{where}: a context's 'memory' limits an isolated process; add 'isolate': true")
        values = dict(config)
        if "shapes" in values:
            values["shapes"] = {axis: tuple(sorted(set(sizes))) for axis, sizes in values["shapes"].items()}
        if "networks" in values:
            inner = {name: within(value, f"{where}: networks.{name}") for name, value in values["networks"].items()}
            values["networks"] = inner
        return cls(**values)

    @functools.cached_property
    def usable_threads(self) -> int:
        """Threads that a runtime starts for a call: no more than there are processors, but for :data:`FEW_THREADS`.

        A context may come from an addon for a larger machine. Further threads would not compute faster.
        """
        return max(1, min(self.threads, max(FEW_THREADS, os.cpu_count() or 1)))

    def for_network(self, name: str, role: str) -> Context:
        """Return the context that one network runs in."""
        own = self.networks.get(name) or self.networks.get(role)
        return self if own is None else own.isolated_as(self)

    def isolated_as(self, outer: Context) -> Context:
        """Return this context, with at least the isolation of the one that it stands in for."""
        if not outer.isolate:
            return self
        memory = min(self.memory, outer.memory) if self.isolate else outer.memory
        return replace(self, isolate=True, memory=memory)

    def key(self) -> tuple[object, ...]:
        """Return a hashable value that is equal for contexts in which a network is opened the same way."""
        options = json.dumps(self.options, sort_keys=True, default=repr)
        shapes = tuple(sorted(self.shapes.items()))
        memory = self.memory if self.isolate else 0
        device = self.device.lower()
        return self.runtime, device, self.threads, self.precision, shapes, self.split, self.batch, memory, options


def parse_context(text: str) -> ContextLike:
    """Return the context that a command line names: a JSON object, or a name or shorthand as it is.

    :raises ContextError: for text that starts like an object and is not valid JSON.
    """
    if not text.lstrip().startswith("{"):
        return text
    try:
        value: dict[str, Any] = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContextError(
            f'{short_repr(text)} is not a JSON object: {error}; write it as {{"runtime": "onnx"}}'
        ) from error
    return value


def _instead(value: str, named: Collection[str]) -> str:
    """Return what to give in place of an unknown name of a context."""
    names = shorten(", ".join(sorted(named))) or "none"
    meant = MEANT.get(value.lower())
    advice = f"; did you mean {meant!r}?" if meant else did_you_mean(value, named)
    forms = "runtime:device, such as 'onnx:cpu', or a mapping such as {'runtime': 'onnx', 'threads': 2}"
    return f"{advice} (it has {names}); or give {forms}"


def _nested_networks(where: str) -> ContextError:
    return ContextError(f"{where} is a context with 'networks' of its own; give each network's context once")


def _is_count(value: object, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= largest


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _are_sizes(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(sizes, list | tuple)
        and 1 <= len(sizes) <= MAX_SIZES
        and all(_is_count(size, MAX_SIZE) for size in sizes)
        for sizes in value.values()
    )


def _is_schedule(value: object) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= {"first", "growth", "largest"}:
        return False
    growth = value.get("growth", 2)
    grows = isinstance(growth, int | float) and not isinstance(growth, bool) and 1 < growth <= MAX_GROWTH
    return grows and all(_is_count(value[key], MAX_FRAMES) for key in ("first", "largest") if key in value)


def _are_contexts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(inner, str | Mapping | Context) for inner in value.values())


UP_TO_SIZES = f"at most {MAX_SIZES} for an axis, from 1 to {MAX_SIZE}"

_VALUES: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("runtime", _is_text, "the name of a runtime"),
    ("device", _is_text, "the name of a device"),
    ("threads", lambda value: _is_count(value, MAX_THREADS), f"a number of threads from 1 to {MAX_THREADS}"),
    ("precision", lambda value: value in ("float32", "bfloat16", "float16"), "'float32', 'bfloat16' or 'float16'"),
    ("shapes", _are_sizes, f"sizes by axis, such as {{'frames': [64]}}: {UP_TO_SIZES}"),
    ("split", lambda value: isinstance(value, bool), "true or false"),
    ("streaming", lambda value: value in (None, "stateful", "windowed"), "'stateful' or 'windowed'"),
    ("batch", lambda value: _is_count(value, MAX_BATCH), f"a number of calls from 1 to {MAX_BATCH}"),
    (
        "schedule",
        _is_schedule,
        "{'first': frames, 'growth': a factor above 1, 'largest': frames}, or some of these, "
        f"with at most {MAX_FRAMES} frames and a factor of at most {MAX_GROWTH}",
    ),
    ("isolate", lambda value: isinstance(value, bool), "true or false"),
    ("memory", lambda value: _is_count(value, MAX_MEMORY), f"a number of MB from 1 to {MAX_MEMORY}"),
    ("options", lambda value: isinstance(value, Mapping), "an object of options that the runtime supports"),
    ("networks", _are_contexts, "contexts by name or role of a network, such as {'decoder': 'openvino:GPU'}"),
    ("description", lambda value: isinstance(value, str), "a text"),
)
