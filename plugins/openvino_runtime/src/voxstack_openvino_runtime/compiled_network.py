"""Compiled networks as callables on named arrays, for many threads at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import NetworkSpec

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
        """Run once.

        :raises NetworkError: if OpenVINO fails.
        """
        try:
            request = self._free.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            request.infer(tensors, share_inputs=True)
            outputs = {name: request.get_tensor(name).data.copy() for name in self._outputs}
        except Exception as error:  # OpenVINO's errors share no base class; the failed request is not used again
            raise NetworkError(f"network {self._spec.name!r}: OpenVINO failed: {error_text(error)}") from error
        self._free.append(request)
        return outputs


def error_text(error: Exception) -> str:
    """Return the message of an OpenVINO error without the locations in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    relevant = [line for line in lines if not line.startswith("Exception from") and " failed at src/" not in line]
    return "; ".join(relevant or lines)
