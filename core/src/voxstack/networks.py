"""Networks: what an addon says of them, and the callables that runtimes make of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.contexts import Context
from voxstack.errors import ContextError, NetworkError

__all__ = ["Context", "Network", "NetworkSpec", "Runner", "State", "States", "Streaming", "Tensor"]

Runner = Callable[..., Mapping[str, np.ndarray]]
"""What a runtime makes of a network: called with named arrays, it returns named arrays."""

States = dict[str, np.ndarray]
"""States of a network by the input that takes them, with their batch axis."""

_LAST, _NOT_LAST = np.ones(1, np.int64), np.zeros(1, np.int64)


@dataclass(frozen=True)
class Tensor:
    """An input or output: dtype and named axes. A mask input has 1 for real and 0 for padded steps of its last axis."""

    dtype: str
    shape: tuple[str | int, ...]
    mask: bool = False


@dataclass(frozen=True)
class State:
    """What is carried from call to call: the output that the next call takes, and the length of a free axis before the first."""

    next: str
    steps: int = 0


@dataclass(frozen=True)
class Streaming:
    """How a network streams: steps of ``axis`` go to ``input``, and ``hop`` steps come out for each.

    Without ``states`` it runs on windows: an output sees ``left`` steps before and ``right`` steps after its own. With
    ``states`` it takes every step once, and the first call gives ``right`` steps less than the last one gives more.

    :param states: by the input that takes them; zeros before the first call.
    :param end: the input that is 1 in the last call and 0 before, if ``right`` is more than 0.
    """

    axis: str
    left: int
    right: int
    hop: int
    input: str
    states: Mapping[str, State] = field(default_factory=dict)
    end: str | None = None

    @property
    def filled(self) -> frozenset[str]:
        """Inputs that streaming itself fills: states and the end."""
        return frozenset(self.states) | ({self.end} if self.end else set())


@dataclass(frozen=True)
class NetworkSpec:
    """One network of an addon.

    :param digest: hash of its declaration and of its files; networks with one digest are the same.
    :param exports: format (``onnx``, ``pt2``, ...) to file names: the symbol first, then its parameters if they are apart.
    :param path: gives the checked place on disk of a file name.
    :param trusted: whether code in the addon may run; formats that hold code are refused otherwise.
    :param stateful: the same network with state, where a windowed one comes in that form, too.
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
    stateful: NetworkSpec | None = None

    @classmethod
    def of(cls, name: str, config: Mapping[str, Any], digest: str, path: Callable[[str], Path], trusted: bool) -> NetworkSpec:
        """Read the JSON of a network, already validated."""
        inputs, outputs = ({key: _tensor(value) for key, value in config[side].items()} for side in ("inputs", "outputs"))
        exports: dict[str, tuple[str, ...]] = {}
        for export in config["exports"]:
            exports.setdefault(export["format"], tuple(export[key] for key in ("symbol", "parameters") if key in export))
        form = None
        if "stateful" in config:
            form = cls.of(name, {"role": config["role"], **config["stateful"]}, f"{digest}.stateful", path, trusted)
        streaming = _streaming(config.get("streaming"), inputs)
        return cls(name, config["role"], inputs, outputs, streaming, exports, digest, path, trusted, form)

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
        """Names of the inputs that a caller gives; masks are filled in, and streaming fills states and the end."""
        filled = self.streaming.filled if self.streaming else frozenset()
        return frozenset(name for name, tensor in self.inputs.items() if not tensor.mask and name not in filled)

    @functools.cached_property
    def streamed(self) -> tuple[str, ...]:
        """Names of the outputs that are no state."""
        carried = {state.next for state in self.streaming.states.values()} if self.streaming else set()
        return tuple(name for name in self.outputs if name not in carried)

    def first_states(self, batch: int = 1) -> States:
        """The states before the first call of a stream: zeros."""
        assert self.streaming is not None, "only a network that streams has states"
        made = {}
        for name, state in self.streaming.states.items():
            tensor = self.inputs[name]
            shape = [batch if axis == "batch" else state.steps if isinstance(axis, str) else axis for axis in tensor.shape]
            made[name] = np.zeros(shape, tensor.dtype)
        return made

    def forms(self, context: Context) -> tuple[NetworkSpec, ...]:
        """The forms in which this network, which streams, may be opened in a context, the best first.

        :raises ContextError: if the context asks for a form that there is not.
        """
        assert self.streaming is not None, "only a network that streams has forms"
        asked, carries = context.streaming, bool(self.streaming.states)
        fixed = sorted({str(axis) for tensor in self.inputs.values() for axis in tensor.shape} & context.shapes.keys())
        problem = ""
        if asked == "windowed" and carries:
            problem = "it carries state, so it cannot run on windows"
        elif asked == "stateful" and not carries and self.stateful is None:
            problem = "it has no stateful form (the packager can make one)"
        elif asked == "stateful" and fixed:
            problem = f"the context also fixes the sizes of {fixed}, and what carries state takes what comes"
        if problem:
            raise ContextError(f"network {self.name!r} cannot stream {asked}: {problem}; leave 'streaming' out of the context")
        if carries or asked == "windowed" or fixed or self.stateful is None:
            return (self,)
        return (self.stateful,) if asked else (self.stateful, self)


def _tensor(config: Mapping[str, Any]) -> Tensor:
    return Tensor(config["dtype"], tuple(config["shape"]), config.get("mask", False))


def _streaming(config: Mapping[str, Any] | None, inputs: Mapping[str, Tensor]) -> Streaming | None:
    if config is None:
        return None
    states = {name: State(**state) for name, state in config.get("states", {}).items()}
    axis, filled = config["axis"], {*states, config.get("end")}
    first = next(name for name, tensor in inputs.items() if axis in tensor.shape and not tensor.mask and name not in filled)
    return Streaming(axis, config.get("left", 0), config["right"], config["hop"], config.get("input", first), states, config.get("end"))


class Network:
    """A network, opened in a context: ``network(frames=x)["mel"]``.

    Arrays have the axes of the spec, the batch first. Missing mask inputs are filled with ones. States go through as they
    are: what a call gave is what the next one takes.
    """

    def __init__(self, spec: NetworkSpec, context: Context, run: Runner) -> None:
        self.spec = spec
        self.context = context
        self._run = run
        self._names = frozenset(spec.inputs)
        streaming = spec.streaming
        filled = streaming.filled if streaming else frozenset()
        self._checked = [(name, tensor, np.dtype(tensor.dtype)) for name, tensor in spec.inputs.items() if name not in filled]
        self._carried = [(name, state.next) for name, state in streaming.states.items()] if streaming else []
        self._end = streaming.end if streaming else None

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: naming the input that is missing, unknown, or of the wrong type or shape.
        """
        if not tensors.keys() <= self._names:
            unknown = sorted(tensors.keys() - self._names)
            raise NetworkError(f"network {self.spec.name!r} has no input {unknown}; it has {sorted(self.spec.inputs)}")
        sizes: dict[str, int] = {}
        for name, tensor, dtype in self._checked:
            if name in tensors:
                tensors[name] = self._fitting(name, tensor, dtype, tensors[name], sizes)
        if len(tensors) < len(self._names):
            self._fill(tensors, sizes)
        return self._run(**tensors)

    def one(self, **tensors: np.ndarray) -> dict[str, np.ndarray]:
        """Run for one utterance: arrays without their batch axis."""
        return self._alone(self(**self._batched(tensors)), self.spec.outputs)

    def step(self, states: Mapping[str, np.ndarray], last: bool, /, **tensors: np.ndarray) -> tuple[dict[str, np.ndarray], States]:
        """Run the next part of one stream: arrays without their batch axis.

        :param states: ``spec.first_states()``, or what the step before returned.
        :param last: whether the stream ends with this part.
        :returns: the outputs, and the states for the next step.
        """
        given = {**self._batched(tensors), **states}
        if self._end is not None:
            given[self._end] = _LAST if last else _NOT_LAST
        made = self(**given)
        return self._alone(made, self.spec.streamed), {name: made[following] for name, following in self._carried}

    def _batched(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        inputs = self.spec.inputs
        return {name: np.asarray(x)[None] if name in inputs and inputs[name].shape[0] == "batch" else x for name, x in tensors.items()}

    def _alone(self, made: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, np.ndarray]:
        outputs = self.spec.outputs
        return {name: made[name][0] if outputs[name].shape[0] == "batch" else made[name] for name in names}

    def _fitting(self, name: str, tensor: Tensor, dtype: np.dtype[Any], value: np.ndarray, sizes: dict[str, int]) -> np.ndarray:
        """The array as the network takes it, its axes checked against each other."""
        array = np.asarray(value)
        if array.dtype != dtype:
            if not np.can_cast(array.dtype, dtype, "same_kind"):
                raise NetworkError(f"network {self.spec.name!r}, input {name!r}: takes {dtype}, not {array.dtype}")
            array = array.astype(dtype)
        shape = array.shape
        if len(shape) != len(tensor.shape):
            raise self._misfit(name, tensor, shape)
        for axis, size in zip(tensor.shape, shape, strict=True):
            wanted = sizes.setdefault(axis, size) if isinstance(axis, str) else axis
            if wanted != size:
                raise self._misfit(name, tensor, shape, f": {axis!r} is {wanted} here")
        return array

    def _misfit(self, name: str, tensor: Tensor, shape: tuple[int, ...], more: str = "") -> NetworkError:
        return NetworkError(f"network {self.spec.name!r}, input {name!r}: takes axes {list(tensor.shape)}, not the shape {shape}{more}")

    def _fill(self, tensors: dict[str, np.ndarray], sizes: Mapping[str, int]) -> None:
        for name, tensor in self.spec.inputs.items():
            if name in tensors:
                continue
            if not tensor.mask:
                raise NetworkError(f"network {self.spec.name!r} needs the input {name!r}; given were {sorted(tensors)}")
            tensors[name] = np.ones([sizes[a] if isinstance(a, str) else a for a in tensor.shape], tensor.dtype)
