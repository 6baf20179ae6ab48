"""Opened networks: callables on named numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from voxstack.errors import NetworkError, VoxstackError, describe
from voxstack.networks.effective import Effective
from voxstack.networks.observing import observed
from voxstack.networks.states import States, first_states, provided_states
from voxstack_addon_spec import Context, NetworkSpec, Tensor

Runner = Callable[..., Mapping[str, np.ndarray]]
"""A network as a runtime opened it: called with named arrays, it returns named arrays.

Optional attributes report its state: ``effective`` (``device``, ``provider``, ``threads``, ``precision``, ``shapes``,
``version``, or some of these), ``stats`` (counters by name), and ``restriction`` (why it refuses some lengths). """

_LAST, _NOT_LAST = np.ones(1, np.int64), np.zeros(1, np.int64)


class Network:
    """A network, opened in a context: ``network(frames=x)["mel"]``.

    Arrays have the axes of the spec, the batch first. Missing mask inputs are filled with ones. States are passed
    unchanged from the outputs of one call to the inputs of the next.

    :param run: the outermost layer.
    :param layers: the runtime's runner and its wrappers, by plugin, the runtime first; ``run`` is the last.
    """

    def __init__(
        self, spec: NetworkSpec, context: Context, run: Runner, layers: Mapping[str, Runner] | None = None
    ) -> None:
        self.spec = spec
        self.context = context
        self._bare_run, self._run, self._layers = run, run, {"runtime": run} if layers is None else dict(layers)
        reported = (getattr(layer, "restriction", "") for layer in self._layers.values())
        self.restriction = next(filter(None, reported), "")
        """Why it accepts some lengths only; empty if it accepts any, or any that text can be cut to."""
        self._names = frozenset(spec.inputs)
        streaming = spec.streaming
        self._checked = [
            (name, tensor, np.dtype(tensor.dtype)) for name, tensor in spec.inputs.items() if name not in spec.filled
        ]
        self._produced = [
            (
                name,
                np.dtype(tensor.dtype),
                len(tensor.shape),
                [(i, n) for i, n in enumerate(tensor.shape) if n.__class__ is int],
            )
            for name, tensor in spec.outputs.items()
        ]
        self._correct_forms: Sequence[tuple[object, ...]] | None = None
        self._carried = [(name, state.next) for name, state in spec.states.items()]
        self._end = streaming.end if streaming else None
        self._first_states = first_states(spec)
        sides = (spec.inputs, spec.outputs)
        self._rows_in, self._rows_out = ({name for name, t in side.items() if t.batched} for side in sides)

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: naming the input that is missing, unknown, or of the wrong type or shape, or the output
            that is not as declared; or if the network fails.
        """
        sizes = self._check(tensors)
        if len(tensors) < len(self._names):
            self._fill(tensors, sizes)
        return self._run_checked(**tensors)

    def bind(self, **tensors: np.ndarray) -> Runner:
        """Return a runner with some inputs fixed and checked once, for calls that differ only in the others.

        The others are states and noise, which are passed unchecked. Missing masks are filled with ones.

        :raises NetworkError: naming the input that is missing, unknown, or of the wrong type or shape.
        """
        self._fill(tensors, self._check(tensors), leave=self.spec.filled)
        run = self._run_checked
        return lambda **others: run(**tensors, **others)

    def observe_calls(self) -> None:
        """Let the traces of streams record the calls from now on; until then, they cost nothing. Idempotent."""
        self._run = observed(self.spec.name, self._bare_run)

    @property
    def effective(self) -> Effective:
        """The context as it took effect, as the plugins report it."""
        context, spec = self.context, self.spec
        reported: dict[str, Any] = {
            "device": context.device,
            "threads": context.threads,
            "precision": context.precision,
        }
        reported |= {"provider": None, "shapes": {}, "version": None}
        for layer in self._layers.values():
            reported.update({key: v for key, v in getattr(layer, "effective", {}).items() if key in reported})
        own: dict[str, Any] = {"network": spec.name, "role": spec.role, "form": spec.form, "runtime": context.runtime}
        return Effective(**own, batch=context.batch, requested=context.name, refused=spec.refused, **reported)

    @property
    def stats(self) -> dict[str, Mapping[str, Any]]:
        """Counters of each layer, by plugin."""
        return {name: layer.stats for name, layer in self._layers.items() if hasattr(layer, "stats")}

    def run_single(self, **tensors: np.ndarray) -> dict[str, np.ndarray]:
        """Run for one utterance: arrays without their batch axis."""
        return self._first_rows(self(**self._add_batch(tensors)), self.spec.outputs)

    def first_states(self, utterance: Mapping[str, Any] | None = None) -> States:
        """Return the states before the first call of a stream, read-only: zeros, or given values.

        :param utterance: provides the first values of states, if the network has such states.
        :raises NetworkError: if the utterance lacks one of them, or has one of another dtype or shape.
        """
        if not self.spec.provided:
            return dict(self._first_states)
        return {**self._first_states, **provided_states(self.spec, utterance or {})}

    def step(
        self, states: Mapping[str, np.ndarray], last: bool, /, **tensors: np.ndarray
    ) -> tuple[dict[str, np.ndarray], States]:
        """Run the next chunk of one stream: arrays without their batch axis.

        :param states: ``first_states()``, or the states that the step before returned.
        :param last: whether the stream ends with this chunk; an autoregressive network reports that itself.
        :returns: the outputs, and the states for the next step.
        """
        inputs = {**self._add_batch(tensors), **states}
        if self._end is not None:
            inputs[self._end] = _LAST if last else _NOT_LAST
        outputs = self(**inputs)
        following = {name: outputs[output] for name, output in self._carried}
        return self._first_rows(outputs, self.spec.streamed), following

    def _add_batch(self, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.asarray(x)[None] if name in self._rows_in else x for name, x in tensors.items()}

    def _first_rows(self, outputs: Mapping[str, np.ndarray], names: Iterable[str]) -> dict[str, np.ndarray]:
        return {name: outputs[name][0] if name in self._rows_out else outputs[name] for name in names}

    def _run_checked(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run, and check that the outputs are as declared."""
        try:
            outputs = self._run(**tensors)
        except VoxstackError:
            raise
        except Exception as error:
            raise NetworkError(f"network {self.spec.name!r} failed: {describe(error)}") from error
        try:
            forms = [(name, array.__class__, array.dtype, array.shape) for name, array in outputs.items()]
        except AttributeError:  # something else than an array
            forms = []
        if forms != self._correct_forms:  # the sizes of most chunks of a stream are the same
            self._check_outputs(outputs)
            self._correct_forms = forms
        return outputs

    def _check_outputs(self, outputs: Mapping[str, np.ndarray]) -> None:
        for name, dtype, axes, fixed in self._produced:
            array = outputs.get(name)
            if array.__class__ is not np.ndarray or array.dtype != dtype or array.ndim != axes:
                raise self._wrong_output(name, array)
            for axis, size in fixed:
                if array.shape[axis] != size:
                    raise self._wrong_output(name, array)

    def _wrong_output(self, name: str, array: object) -> NetworkError:
        tensor = self.spec.outputs[name]
        found = f"{array.dtype} of the shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        declared = f"{tensor.dtype} with the axes {list(tensor.shape)}"
        problem = f"the addon declares {declared}, and the network gave {found}; package the network again"
        return NetworkError(f"network {self.spec.name!r}, output {name!r}: {problem}")

    def _check(self, tensors: dict[str, np.ndarray]) -> dict[str, int]:
        """Convert the inputs in place to the dtypes of the network, and return the sizes of their named axes."""
        if not tensors.keys() <= self._names:
            unknown = sorted(tensors.keys() - self._names)
            raise NetworkError(f"network {self.spec.name!r} has no input {unknown}; it has {sorted(self.spec.inputs)}")
        sizes: dict[str, int] = {}
        for name, tensor, dtype in self._checked:
            if name in tensors:
                tensors[name] = self._convert(name, tensor, dtype, tensors[name], sizes)
        return sizes

    def _convert(
        self, name: str, tensor: Tensor, dtype: np.dtype[Any], value: np.ndarray, sizes: dict[str, int]
    ) -> np.ndarray:
        """Return the array in the dtype of the network, its axes checked against each other."""
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
                taken = f"{axis!r} is {wanted} here" if isinstance(axis, str) else f"{size} features, not {wanted}"
                raise self._misfit(name, tensor, shape, f": {taken}", misfit=not isinstance(axis, str))
        return array

    def _misfit(
        self, name: str, tensor: Tensor, shape: tuple[int, ...], more: str = "", misfit: bool = False
    ) -> NetworkError:
        where = f"network {self.spec.name!r}, input {name!r}"
        error = NetworkError(f"{where}: takes axes {list(tensor.shape)}, not the shape {shape}{more}")
        error.misfit = misfit
        return error

    def _fill(
        self, tensors: dict[str, np.ndarray], sizes: Mapping[str, int], leave: frozenset[str] = frozenset()
    ) -> None:
        for name, tensor in self.spec.inputs.items():
            if name in tensors or name in leave:
                continue
            if not tensor.mask:
                raise NetworkError(f"network {self.spec.name!r} needs the input {name!r}; given were {sorted(tensors)}")
            tensors[name] = np.ones([sizes[a] if isinstance(a, str) else a for a in tensor.shape], tensor.dtype)
