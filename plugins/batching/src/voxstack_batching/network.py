"""A network around another that runs the calls of several streams as one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import NetworkSpec, Runner, Tensor
from voxstack.streaming.turn import current_turn
from voxstack_batching.dynamic_batcher import Call, DynamicBatcher

MOST_STEPS = 48
"""Calls with more steps than this on any axis run alone. By then the processor reads a weight once for so many of them that
there is little left to share: what a batch saves of a network of 12.6 million weights falls from a half at 4 steps to a quarter
at 48 and a tenth at 96 (``tests/benchmarks/batching.py --limit``)."""


class BatchingNetwork:
    """Runs calls that come at the same time as one, where they are small and of the same shapes.

    Each caller gets what it would get alone: rows of a batch are computed apart from each other, inputs without a batch axis are
    shared only by calls in which they are equal, and if a batch fails, each of its calls is run alone and has its own error.

    :param network: what is called with one array for several calls.
    :param most: rows of the batch axis in one call at most.
    :param lanes: calls that compute at once before others wait.
    """

    def __init__(self, network: Runner, spec: NetworkSpec, most: int, lanes: int) -> None:
        self._network, self._spec, self._most = network, spec, most
        self._inputs = [
            (name, tensor.batched, len(tensor.shape), _free_axes(tensor)) for name, tensor in spec.inputs.items()
        ]
        # Code that has no turn (a thread that an encoder block waits for in its own turn, say) never waits for a call that must
        # first take one: whoever has that turn might be waiting for this very code.
        self._in_turn, self._without_turn = (DynamicBatcher(self._run, most, lanes) for _ in range(2))
        self._lock = threading.Lock()
        self._sizes: Counter[int] = Counter()
        self._apart = self._failed = 0

    @property
    def stats(self) -> dict[str, Any]:
        """What was called so far: ``calls``; of those, ``apart``: too large to be batched, or unlike what the network takes;
        ``batches``: how many there were of how many calls, ``{1: 3, 4: 2}``; ``failed``: those whose calls were run alone, then."""
        with self._lock:
            calls = self._apart + sum(size * count for size, count in self._sizes.items())
            return {
                "calls": calls,
                "apart": self._apart,
                "batches": dict(sorted(self._sizes.items())),
                "failed": self._failed,
            }

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once, alone or together with others. Outputs may share memory with those of others, each with rows of its own."""
        call = self._call(tensors)
        if call is None:
            with self._lock:
                self._apart += 1
            return self._network(**tensors)
        batcher = self._without_turn if current_turn() is None else self._in_turn
        batcher(call)
        return call.outcome()

    def _call(self, tensors: Mapping[str, np.ndarray]) -> Call | None:
        """What to know of a call to batch it; None if it runs alone."""
        rows: int | None = None
        key: list[object] = []
        if len(tensors) != len(self._inputs):
            return None
        for name, batched, axes, free in self._inputs:
            array = tensors.get(name)
            if array is None or array.ndim != axes:
                return None
            shape = array.shape
            for axis in free:
                if shape[axis] > MOST_STEPS:
                    return None
            key.append(array.dtype)
            if not batched:
                key += shape, array.tobytes()
            elif rows is None or rows == shape[0]:
                rows = shape[0]
                key.append(shape[1:])
            else:
                return None
        return Call(tensors, key, rows) if rows and rows < self._most else None

    def _run(self, calls: list[Call]) -> None:
        """Run calls that fit together, and set what came of each."""
        with self._lock:
            self._sizes[len(calls)] += 1
        if len(calls) > 1:
            try:
                results = self._together(calls)
            except (
                Exception
            ):  # one of them is at fault, or what runs it takes no batches: alone, each gets what is its own
                with self._lock:
                    self._failed += 1
            else:
                for call, result in zip(calls, results, strict=True):
                    call.result = result
                return
        for call in calls:
            try:
                call.result = self._network(**call.tensors)
            except Exception as error:
                call.error = error

    def _together(self, calls: list[Call]) -> list[Mapping[str, np.ndarray]]:
        first = calls[0].tensors
        stacked = {
            name: np.concatenate([call.tensors[name] for call in calls]) if batched else first[name]
            for name, batched, *_ in self._inputs
        }
        made = self._network(**stacked)
        ends = np.cumsum([call.rows for call in calls]).tolist()
        for name, array in made.items():
            if len(array) != ends[-1]:
                raise NetworkError(
                    f"network {self._spec.name!r}: {name!r} has {len(array)} rows for a batch of {ends[-1]}"
                )
        starts = [0, *ends]
        return [
            {name: array[start:end] for name, array in made.items()} for start, end in zip(starts, ends, strict=False)
        ]


def is_batchable(spec: NetworkSpec) -> bool:
    """Whether rows can be joined and parted: every output begins with the batch axis, an input does, and none has it elsewhere."""
    tensors = [*spec.inputs.values(), *spec.outputs.values()]
    apart = all("batch" not in tensor.shape[1:] for tensor in tensors)
    return (
        apart
        and all(tensor.batched for tensor in spec.outputs.values())
        and any(tensor.batched for tensor in spec.inputs.values())
    )


def _free_axes(tensor: Tensor) -> tuple[int, ...]:
    return tuple(axis for axis, name in enumerate(tensor.shape) if isinstance(name, str) and name != "batch")
