"""Runs a compiled network, from many threads at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import NetworkSpec

if TYPE_CHECKING:
    import openvino


class Requests:
    """A compiled network as a callable on named arrays.

    A request of OpenVINO's serves one call at a time and keeps its outputs to itself: a call takes one that is free, or makes one, and
    copies the outputs. So there are as many as there were calls at a time.

    :param effective: what the network runs in.
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
            made = {name: request.get_tensor(name).data.copy() for name in self._outputs}
        except Exception as error:  # its errors share no base class of their own; the request is not used again
            raise NetworkError(f"network {self._spec.name!r}: OpenVINO failed: {said(error)}") from error
        self._free.append(request)
        return made


def said(error: Exception) -> str:
    """What an error of OpenVINO says, without where in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith("Exception from") and " failed at src/" not in line]
    return "; ".join(telling or lines)
