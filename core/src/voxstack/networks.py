"""Networks: what an addon says of them, and the callables that runtimes make of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from voxstack.errors import ContextError, NetworkError

Runner = Callable[..., Mapping[str, np.ndarray]]
"""What a runtime makes of a network: called with named arrays, it returns named arrays."""


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


@dataclass(frozen=True)
class Tensor:
    """An input or output: dtype and named axes. A mask input has 1 for real and 0 for padded steps of its last axis."""

    dtype: str
    shape: tuple[str | int, ...]
    mask: bool = False


@dataclass(frozen=True)
class Streaming:
    """How a windowed network streams: steps of context on ``axis``, and output steps for each input step."""

    axis: str
    left: int
    right: int
    hop: int
    input: str


@dataclass(frozen=True)
class NetworkSpec:
    """One network of an addon.

    :param digest: hash of its declaration and of its files; networks with one digest are the same.
    :param exports: format (``onnx``, ``pt2``, ...) to file names: the symbol first, then its parameters if they are apart.
    :param path: gives the checked place on disk of a file name.
    :param trusted: whether code in the addon may run; formats that hold code are refused otherwise.
    """

    name: str
    role: str
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    streaming: Streaming | None
    exports: Mapping[str, tuple[str, ...]]
    digest: str
    path: Callable[[str], Path] = field(repr=False, compare=False)
    trusted: bool = False

    @classmethod
    def of(cls, name: str, config: Mapping[str, Any], digest: str, path: Callable[[str], Path], trusted: bool) -> NetworkSpec:
        """Read the JSON of a network, already validated."""
        inputs, outputs = ({key: _tensor(value) for key, value in config[side].items()} for side in ("inputs", "outputs"))
        exports: dict[str, tuple[str, ...]] = {}
        for export in config["exports"]:
            exports.setdefault(export["format"], tuple(export[key] for key in ("symbol", "parameters") if key in export))
        return cls(name, config["role"], inputs, outputs, _streaming(config.get("streaming"), inputs), exports, digest, path, trusted)

    def export(self, form: str, runtime: str) -> Path:
        """Return the symbol file of one format, its parameters checked beside it.

        :raises ContextError: if the network was not exported in that format.
        """
        if form not in self.exports:
            has = ", ".join(sorted(self.exports))
            raise ContextError(f"network {self.name!r}: the {runtime} runtime needs an export of format {form!r}, and it has only {has}")
        symbol, *parameters = (self.path(file) for file in self.exports[form])
        assert all(file.parent == symbol.parent for file in parameters), "the reader keeps an addon's files together"
        return symbol

    @property
    def needs(self) -> frozenset[str]:
        """Names of the inputs that a caller gives; masks are filled in."""
        return frozenset(name for name, tensor in self.inputs.items() if not tensor.mask)


def _tensor(config: Mapping[str, Any]) -> Tensor:
    return Tensor(config["dtype"], tuple(config["shape"]), config.get("mask", False))


def _streaming(config: Mapping[str, Any] | None, inputs: Mapping[str, Tensor]) -> Streaming | None:
    if config is None:
        return None
    first = next(name for name, tensor in inputs.items() if config["axis"] in tensor.shape and not tensor.mask)
    return Streaming(config["axis"], config["left"], config["right"], config["hop"], config.get("input", first))


class Network:
    """A network, opened in a context: ``network(frames=x)["mel"]``.

    Arrays have the axes of the spec, the batch first. Missing mask inputs are filled with ones.
    """

    def __init__(self, spec: NetworkSpec, context: Context, run: Runner) -> None:
        self.spec = spec
        self.context = context
        self._run = run

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: naming the input that is missing, unknown, or of the wrong type or shape.
        """
        sizes: dict[str, int] = {}
        unknown = tensors.keys() - self.spec.inputs.keys()
        if unknown:
            raise NetworkError(f"network {self.spec.name!r} has no input {sorted(unknown)}; it has {sorted(self.spec.inputs)}")
        for name in self.spec.inputs:
            if name in tensors:
                tensors[name] = self._fitting(name, tensors[name], sizes)
        for name, tensor in self.spec.inputs.items():
            if name not in tensors:
                if not tensor.mask:
                    raise NetworkError(f"network {self.spec.name!r} needs the input {name!r}; given were {sorted(tensors)}")
                tensors[name] = np.ones([sizes[a] if isinstance(a, str) else a for a in tensor.shape], tensor.dtype)
        return self._run(**tensors)

    def one(self, **tensors: np.ndarray) -> dict[str, np.ndarray]:
        """Run for one utterance: arrays without their batch axis."""
        inputs = self.spec.inputs
        batched = {name: np.asarray(x)[None] if name in inputs and inputs[name].shape[0] == "batch" else x for name, x in tensors.items()}
        made = self(**batched)
        return {name: x[0] if self.spec.outputs[name].shape[0] == "batch" else x for name, x in made.items()}

    def _fitting(self, name: str, value: np.ndarray, sizes: dict[str, int]) -> np.ndarray:
        """The array as the network takes it, its axes checked against each other."""
        tensor = self.spec.inputs[name]
        array = np.asarray(value)
        where = f"network {self.spec.name!r}, input {name!r}"
        if array.dtype != tensor.dtype:
            if not np.can_cast(array.dtype, tensor.dtype, "same_kind"):
                raise NetworkError(f"{where}: takes {tensor.dtype}, not {array.dtype}")
            array = array.astype(tensor.dtype)
        if array.ndim != len(tensor.shape):
            raise NetworkError(f"{where}: takes axes {list(tensor.shape)}, not the shape {array.shape}")
        for axis, size in zip(tensor.shape, array.shape, strict=True):
            wanted = sizes.setdefault(axis, size) if isinstance(axis, str) else axis
            if wanted != size:
                raise NetworkError(f"{where}: takes axes {list(tensor.shape)}, not the shape {array.shape}: {axis!r} is {wanted} here")
        return array
