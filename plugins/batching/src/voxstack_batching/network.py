"""A network that runs the concurrent calls of several streams as one call of the network that it wraps."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import NetworkSpec, Runner, Tensor
from voxstack.streaming.forks import renew_after_fork
from voxstack.streaming.turn import current_turn, is_cancelled
from voxstack_batching.dynamic_batcher import Call, DynamicBatcher

MAX_STEPS = 48
"""Steps on any axis above which a call runs alone.

With that many steps, the processor uses a weight often enough each time it reads it that a batch saves little: of a
network of 12.6 million weights, a batch saves half of the time at 4 steps, a quarter at 48 and a tenth at 96
(``tests/benchmarks/batching.py --limit``).
"""

MAX_OUTPUT_STEPS = 12_288
"""Steps of a streamed output above which a call runs alone.

A network that makes many steps out of one, such as a codec, uses most weights more often than once a step: of a codec
with 1920 samples a frame, a batch saves half of the time at 1 frame, a fifth at 4, and nothing at 16.
"""


class BatchingNetwork:
    """Runs concurrent calls as one, where they are small and of the same shapes.

    Each caller gets the result that it would get alone: the rows of a batch are computed independently of each other,
    inputs without a batch axis are shared only by calls in which they are equal, and if a batch fails, each of its
    calls runs alone and raises its own error.

    :param network: the wrapped network, which accepts the arrays of several calls joined along the batch axis.
    :param max_rows: rows of the batch axis in one call, at most.
    :param lanes: calls that compute at once before others wait.
    """

    def __init__(self, network: Runner, spec: NetworkSpec, max_rows: int, lanes: int) -> None:
        self._network, self._spec, self._max_rows = network, spec, max_rows
        self._inputs = [
            (name, tensor.batched, len(tensor.shape), _free_axes(tensor)) for name, tensor in spec.inputs.items()
        ]
        self._max_steps = _max_steps(spec)
        # Two batchers: code without a turn (such as a thread that a block waits for in its own turn) never
        # waits for a call that must first take one, as the holder of that turn might be waiting for this very code.
        self._in_turn, self._without_turn = (DynamicBatcher(self._run, max_rows, lanes) for _ in range(2))
        self.after_fork()
        renew_after_fork(self)
        self._sizes: Counter[int] = Counter()
        self._apart = self._failed = 0

    def after_fork(self) -> None:
        """Renew the lock of the counters."""
        self._lock = threading.Lock()

    @property
    def stats(self) -> dict[str, Any]:
        """Counters since the network was opened.

        ``calls``; of those, ``apart``: calls that ran alone because they were too large or unlike the declared inputs;
        ``batches``: the number of batches by their number of calls, ``{1: 3, 4: 2}``; ``failed``: batches that failed,
        so that their calls ran alone.
        """
        with self._lock:
            calls = self._apart + sum(size * count for size, count in self._sizes.items())
            return {
                "calls": calls,
                "apart": self._apart,
                "batches": dict(sorted(self._sizes.items())),
                "failed": self._failed,
            }

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run one call, alone or in a batch.

        The outputs may share memory with the outputs of other calls; each has rows of its own.
        """
        call = self._batchable_call(tensors)
        if call is None:
            with self._lock:
                self._apart += 1
            return self._network(**tensors)
        batcher = self._without_turn if current_turn() is None else self._in_turn
        batcher(call)
        return call.outcome()

    def _batchable_call(self, tensors: Mapping[str, np.ndarray]) -> Call | None:
        """Return the call with its key and rows; None if it runs alone."""
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
                if shape[axis] > self._max_steps:
                    return None
            key.append(array.dtype)
            if not batched:
                key += shape, array.tobytes()
            elif rows is None or rows == shape[0]:
                rows = shape[0]
                key.append(shape[1:])
            else:
                return None
        return Call(tensors, key, rows) if rows and rows < self._max_rows else None

    def _run(self, calls: list[Call]) -> None:
        """Run calls that fit together, and set the result or the error of each."""
        with self._lock:
            self._sizes[len(calls)] += 1
        if len(calls) > 1:
            try:
                results = self._run_batch(calls)
            except Exception as error:
                with self._lock:
                    self._failed += 1
                if is_cancelled():  # the leader's own deadline ended the batch: the others run in batches of their own
                    calls[0].error = error
                    return
                # One call is at fault, or the network accepts no batches: alone, each gets its own outcome.
            else:
                for call, result in zip(calls, results, strict=True):
                    call.result = result
                return
        for call in calls:
            try:
                call.result = self._network(**call.tensors)
            except Exception as error:
                call.error = error

    def _run_batch(self, calls: list[Call]) -> list[Mapping[str, np.ndarray]]:
        """Run the calls as one, and return the outputs of each.

        :raises NetworkError: if an output does not have the rows of the batch.
        """
        first = calls[0].tensors
        stacked = {
            name: np.concatenate([call.tensors[name] for call in calls]) if batched else first[name]
            for name, batched, *_ in self._inputs
        }
        outputs = self._network(**stacked)
        ends = np.cumsum([call.rows for call in calls]).tolist()
        for name, array in outputs.items():
            if len(array) != ends[-1]:
                raise NetworkError(
                    f"network {self._spec.name!r}: {name!r} has {len(array)} rows for a batch of {ends[-1]}"
                )
        starts = [0, *ends]
        return [
            {name: array[start:end] for name, array in outputs.items()}
            for start, end in zip(starts, ends, strict=False)
        ]


def is_batchable(spec: NetworkSpec) -> bool:
    """Return whether rows can be joined and separated again.

    Every output and at least one input begin with the batch axis, and no tensor has it elsewhere.
    """
    tensors = [*spec.inputs.values(), *spec.outputs.values()]
    apart = all("batch" not in tensor.shape[1:] for tensor in tensors)
    return (
        apart
        and all(tensor.batched for tensor in spec.outputs.values())
        and any(tensor.batched for tensor in spec.inputs.values())
    )


def _max_steps(spec: NetworkSpec) -> int:
    """Return the steps of an input above which a call runs alone."""
    hop = spec.streaming.hop if spec.streaming else 1
    return min(MAX_STEPS, MAX_OUTPUT_STEPS // hop)


def _free_axes(tensor: Tensor) -> tuple[int, ...]:
    return tuple(axis for axis, name in enumerate(tensor.shape) if isinstance(name, str) and name != "batch")
