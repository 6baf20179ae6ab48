"""Compiled networks as callables on named arrays, for many threads at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import NetworkError, VoxstackError
from voxstack.networks import NetworkSpec
from voxstack.streaming.turn import CURRENT_TURN, interruptible

if TYPE_CHECKING:
    import openvino


class CompiledNetwork:
    """A compiled model as a callable on named arrays.

    An inference request of OpenVINO serves one call at a time and owns its outputs: a call takes a free request, or
    creates one, and copies the outputs before it returns the request. So there are as many requests as there were
    concurrent calls.

    :param effective: the report of the context that the network runs in.
    """

    def __init__(self, spec: NetworkSpec, compiled: openvino.CompiledModel, effective: Mapping[str, Any]) -> None:
        self.effective = effective
        self.stats = {"compilations": 1}
        self._spec, self._compiled = spec, compiled
        self._outputs = tuple(spec.outputs)
        self._free: deque[openvino.InferRequest] = deque()

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once. The call ends early if its stream misses its deadline, as soon as the node that runs then is done.

        :raises NetworkError: if OpenVINO fails, or the call ends early.
        :raises CancelledError: if the stream has missed its deadline before the call begins.
        """
        turn = CURRENT_TURN.get()
        try:
            request = self._request()
            if turn is not None and turn.limited:
                _infer_limited(request, tensors)
            else:
                request.infer(tensors, share_inputs=True)
            outputs = {name: request.get_tensor(name).data.copy() for name in self._outputs}
        except VoxstackError:
            raise
        except Exception as error:  # OpenVINO's errors share no base class; the failed request is not used again
            raise NetworkError(f"network {self._spec.name!r}: OpenVINO failed: {error_text(error)}") from error
        self._free.append(request)
        return outputs

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
