"""Networks: the callables that runtimes make of what an addon has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from voxstack.contexts import Context, Effective
from voxstack.errors import NetworkError
from voxstack.specs import Autoregressive, NetworkSpec, State, States, Streaming, Tensor

__all__ = ["Autoregressive", "Context", "Network", "NetworkSpec", "Runner", "State", "States", "Streaming", "Tensor"]

Runner = Callable[..., Mapping[str, np.ndarray]]
"""What a runtime makes of a network: called with named arrays, it returns named arrays.

It may tell by two attributes what it found and what it did: ``effective`` (``device``, ``provider``, ``threads``, ``precision``,
``shapes``, ``version``, or some of these) and ``stats`` (counters by name).
"""

_LAST, _NOT_LAST = np.ones(1, np.int64), np.zeros(1, np.int64)


class Network:
    """A network, opened in a context: ``network(frames=x)["mel"]``.

    Arrays have the axes of the spec, the batch first. Missing mask inputs are filled with ones. States go through as they
    are: what a call gave is what the next one takes.

    :param run: what the plugins made of it.
    :param layers: of what it is made, by plugin, the runtime first; ``run`` is the last.
    """

    def __init__(
        self, spec: NetworkSpec, context: Context, run: Runner, layers: Mapping[str, Runner] | None = None
    ) -> None:
        self.spec = spec
        self.context = context
        self._run = run
        self._layers = {"runtime": run} if layers is None else dict(layers)
        self._names = frozenset(spec.inputs)
        streaming = spec.streaming
        self._checked = [
            (name, tensor, np.dtype(tensor.dtype)) for name, tensor in spec.inputs.items() if name not in spec.filled
        ]
        self._carried = [(name, state.next) for name, state in spec.states.items()]
        self._end = streaming.end if streaming else None
        sides = (spec.inputs, spec.outputs)
        self._rows_in, self._rows_out = ({name for name, t in side.items() if t.batched} for side in sides)

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

    def bound(self, **tensors: np.ndarray) -> Runner:
        """Return the network with some of its inputs given, checked once, for calls that differ in the others only.

        The others are states and noise, which go through as they are. Masks that are not given are filled with ones.

        :raises NetworkError: naming the input that is missing, unknown, or of the wrong type or shape.
        """
        sizes: dict[str, int] = {}
        for name, tensor, dtype in self._checked:
            if name in tensors:
                tensors[name] = self._fitting(name, tensor, dtype, tensors[name], sizes)
        if unknown := sorted(tensors.keys() - self._names):
            raise NetworkError(f"network {self.spec.name!r} has no input {unknown}; it has {sorted(self.spec.inputs)}")
        self._fill(tensors, sizes, leave=self.spec.filled)
        run = self._run
        return lambda **others: run(**tensors, **others)

    @property
    def effective(self) -> Effective:
        """What it runs in, as the plugins found it."""
        context, spec = self.context, self.spec
        told: dict[str, Any] = {}
        for layer in self._layers.values():
            told.update(getattr(layer, "effective", {}))
        return Effective(
            network=spec.name,
            role=spec.role,
            runtime=context.runtime,
            device=told.get("device", context.device),
            provider=told.get("provider"),
            threads=told.get("threads", context.threads),
            precision=told.get("precision", context.precision),
            form=spec.form,
            shapes=told.get("shapes", {}),
            batch=context.batch,
            version=told.get("version"),
            asked=context.name,
        )

    @property
    def stats(self) -> dict[str, Mapping[str, Any]]:
        """Counters of the plugins that it is made of, by plugin."""
        return {name: layer.stats for name, layer in self._layers.items() if hasattr(layer, "stats")}

    def one(self, **tensors: np.ndarray) -> dict[str, np.ndarray]:
        """Run for one utterance: arrays without their batch axis."""
        return self._alone(self(**self._batched(tensors)), self.spec.outputs)

    def step(
        self, states: Mapping[str, np.ndarray], last: bool, /, **tensors: np.ndarray
    ) -> tuple[dict[str, np.ndarray], States]:
        """Run the next part of one stream: arrays without their batch axis.

        :param states: ``spec.first_states()``, or what the step before returned.
        :param last: whether the stream ends with this part; an autoregressive network tells that itself.
        :returns: the outputs, and the states for the next step.
        """
        given = {**self._batched(tensors), **states}
        if self._end is not None:
            given[self._end] = _LAST if last else _NOT_LAST
        made = self(**given)
        return self._alone(made, self.spec.streamed), {name: made[following] for name, following in self._carried}

    def _batched(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.asarray(x)[None] if name in self._rows_in else x for name, x in tensors.items()}

    def _alone(self, made: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, np.ndarray]:
        return {name: made[name][0] if name in self._rows_out else made[name] for name in names}

    def _fitting(
        self, name: str, tensor: Tensor, dtype: np.dtype[Any], value: np.ndarray, sizes: dict[str, int]
    ) -> np.ndarray:
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
        return NetworkError(
            f"network {self.spec.name!r}, input {name!r}: takes axes {list(tensor.shape)}, not the shape {shape}{more}"
        )

    def _fill(
        self, tensors: dict[str, np.ndarray], sizes: Mapping[str, int], leave: frozenset[str] = frozenset()
    ) -> None:
        for name, tensor in self.spec.inputs.items():
            if name in tensors or name in leave:
                continue
            if not tensor.mask:
                raise NetworkError(f"network {self.spec.name!r} needs the input {name!r}; given were {sorted(tensors)}")
            tensors[name] = np.ones([sizes[a] if isinstance(a, str) else a for a in tensor.shape], tensor.dtype)
