"""Compiled networks as callables on named arrays, for many threads at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import NetworkError, VoxstackError
from voxstack.forks import renew_after_fork
from voxstack.networks import NetworkSpec
from voxstack.streaming.turn import CURRENT_TURN, interruptible, is_cancelled

if TYPE_CHECKING:
    import openvino


class CompiledNetwork:
    """A compiled model as a callable on named arrays.

    An inference request of OpenVINO serves one call at a time and owns its outputs: a call takes a free request, or
    creates one, and copies the outputs before it returns the request. So there are as many requests as there were
    concurrent calls.

    After a call that was cancelled, the model is compiled again: OpenVINO 2026.4 may keep the shapes of some of its
    nodes from the cancelled call, and then fails in the calls of other requests.

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
        self._spec, self._compiled, self._recompile = spec, compiled, recompile
        self._spoiled = False
        self._compiling = threading.Lock()
        renew_after_fork(self)
        self._outputs = tuple(spec.outputs)
        self._free: deque[openvino.InferRequest] = deque()

    def after_fork(self) -> None:
        """Renew the lock: who held it in the parent is gone."""
        self._compiling = threading.Lock()

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once. The call ends early if its stream misses its deadline, as soon as the node that runs then is done.

        :raises NetworkError: if OpenVINO fails, or the call ends early.
        :raises CancelledError: if the stream has missed its deadline before the call begins.
        """
        turn = CURRENT_TURN.get()
        try:
            if self._spoiled:
                self._compile_again()
            free = self._free
            request = self._request()
            if turn is not None and turn.limited:
                _infer_limited(request, tensors)
            else:
                request.infer(tensors, share_inputs=True)
            outputs = {name: request.get_tensor(name).data.copy() for name in self._outputs}
        except VoxstackError:
            raise
        except Exception as error:  # OpenVINO's errors share no base class; the failed request is not used again
            self._spoiled = self._spoiled or is_cancelled()
            raise NetworkError(f"network {self._spec.name!r}: OpenVINO failed: {error_text(error)}") from error
        free.append(request)
        return outputs

    def _compile_again(self) -> None:
        with self._compiling:
            if self._spoiled:
                compiled = self._recompile()
                # New requests are of the new model; those that run go back to a list that nothing reads any more.
                self._compiled, self._free = compiled, deque()
                self._spoiled = False
                self.stats["compilations"] += 1

    def _request(self) -> openvino.InferRequest:
        try:
            return self._free.pop()
        except IndexError:
            return self._compiled.create_infer_request()


def _infer_limited(request: openvino.InferRequest, tensors: Mapping[str, np.ndarray]) -> None:
    """Run a request that is cancelled if the stream misses its deadline; only one that runs asynchronously can be."""
    missed = False

    def interrupt() -> None:
        nonlocal missed
        missed = True
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
