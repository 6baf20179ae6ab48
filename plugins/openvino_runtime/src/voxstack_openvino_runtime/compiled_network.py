"""Compiled networks as callables on named arrays, for many threads at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import NetworkError, VoxstackError
from voxstack.networks import NetworkSpec
from voxstack.streaming.forks import renew_after_fork
from voxstack.streaming.turn import CURRENT_TURN, interruptible, is_cancelled

if TYPE_CHECKING:
    import openvino


class CompiledNetwork:
    """A compiled model as a callable on named arrays.

    An inference request of OpenVINO serves one call at a time and owns its outputs: a call takes a free request, or
    creates one, and copies the outputs before it returns the request. So there are as many requests as there were
    concurrent calls.

    A cancelled call spoils its compiled model: in OpenVINO 2026.4 some of its nodes keep the shapes of that call, and
    later calls of any request fail or give empty outputs. So the model is compiled again, and calls that were not done
    before run again in the new one.

    :param effective: the report of the context that the network runs in.
    :param recompile: compiles the same model once more.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        compiled: openvino.CompiledModel,
        effective: Mapping[str, Any],
        recompile: Callable[[], openvino.CompiledModel],
    ) -> None:
        self.effective = effective
        self.stats = {"compilations": 1}
        self._spec, self._model, self._recompile = spec, _Model(compiled), recompile
        self._inputs, self._outputs = len(spec.inputs), tuple(spec.outputs)
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Renew the lock: who held it in the parent is gone."""
        self._compiling = threading.Lock()

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once. The call ends early if its stream misses its deadline, as soon as the node that runs then is done.

        :raises NetworkError: if an input is missing, OpenVINO fails, or the call ends early.
        :raises CancelledError: if the stream has missed its deadline before the call begins.
        """
        if len(tensors) < self._inputs:  # a request would use the array of an earlier call
            missing = sorted(self._spec.inputs.keys() - tensors.keys())
            raise NetworkError(f"network {self._spec.name!r}: the inputs {missing} are missing; give them in each call")
        while True:
            model = self._usable_model()
            try:
                outputs = model.run(self._outputs, tensors)
            except VoxstackError:
                raise
            except Exception as error:  # OpenVINO's errors share no base class; the failed request is not used again
                if model.spoiled and not is_cancelled():
                    continue
                raise NetworkError(f"network {self._spec.name!r}: OpenVINO failed: {error_text(error)}") from error
            if not model.spoiled or is_cancelled():
                return outputs

    def _usable_model(self) -> _Model:
        if self._model.spoiled:
            with self._compiling:
                if self._model.spoiled:
                    self._model = _Model(self._recompile())
                    self.stats["compilations"] += 1
        return self._model


class _Model:
    """A compiled model, its free requests, and whether a call of it was cancelled."""

    def __init__(self, compiled: openvino.CompiledModel) -> None:
        self.spoiled = False
        self._compiled = compiled
        self._free: deque[openvino.InferRequest] = deque()

    def run(self, names: Iterable[str], tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return copies of these outputs."""
        turn = CURRENT_TURN.get()
        try:
            request = self._free.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        if turn is not None and turn.limited:
            self._infer_limited(request, tensors)
        else:
            request.infer(tensors, share_inputs=True)
        outputs = {name: request.get_tensor(name).data.copy() for name in names}
        self._free.append(request)
        return outputs

    def _infer_limited(self, request: openvino.InferRequest, tensors: Mapping[str, np.ndarray]) -> None:
        """Run a request that is cancelled if the stream misses its deadline; only asynchronous ones can be."""
        missed = False

        def interrupt() -> None:
            nonlocal missed
            missed = self.spoiled = True  # before the cancelled call gives way to the next one
            request.cancel()

        with interruptible(interrupt):
            request.start_async(tensors, share_inputs=True)
            if missed:  # the request may have been cancelled before it started, which does nothing
                request.cancel()
            request.wait()


def error_text(error: Exception) -> str:
    """Return the message of an OpenVINO error without the locations in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    relevant = [line for line in lines if not line.startswith("Exception from") and " failed at src/" not in line]
    return "; ".join(relevant or lines)
