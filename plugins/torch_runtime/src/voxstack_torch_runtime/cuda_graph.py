"""Programs captured at one size as CUDA graphs, whose kernels all start as one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack_torch_runtime.program import Program, blank_inputs

WARM_UPS = 3
"""Runs before the capture, in which libraries choose kernels and allocate memory, as torch's documentation requires."""


class CapturedProgram:
    """A program captured at one size; it accepts arrays of this size and no other.

    A graph reads and writes the memory that it was captured with, so arrays are copied in and out, through pinned
    memory, and one call runs at a time. It has a CUDA stream of its own: other networks run concurrently.

    :param program: on a CUDA device; its weights are shared with it.
    :param sizes: by axis.
    :raises RuntimeError: if the program does something that cannot be captured, such as reading a result on the host.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        import torch

        self._program, self._exclusive = program, threading.Lock()
        self._pinned_inputs = [tensor.pin_memory() for tensor in blank_inputs(program.spec, sizes)]
        with torch.inference_mode(), torch.cuda.device(program.device):
            self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            self._stream.wait_stream(torch.cuda.current_stream())  # weights and constants are computed by then
            with torch.cuda.stream(self._stream):
                self._inputs = [tensor.to(program.device, non_blocking=True) for tensor in self._pinned_inputs]
                for _ in range(WARM_UPS):
                    program.outputs(program.on_device(self._inputs))
            self._stream.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            # other threads may use CUDA meanwhile, so only this thread is checked for operations that break the capture
            with torch.cuda.graph(self._graph, stream=self._stream, capture_error_mode="thread_local"):
                self._outputs = program.outputs(program.on_device(self._inputs))
            self._stream.synchronize()
            self._pinned_outputs = {
                name: torch.empty(t.shape, dtype=t.dtype, pin_memory=True) for name, t in self._outputs.items()
            }
        self.effective: Mapping[str, Any] = program.effective

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: if CUDA fails.
        """
        import torch

        spec = self._program.spec
        try:
            with (
                self._exclusive,
                torch.inference_mode(),
                torch.cuda.device(self._program.device),
                torch.cuda.stream(self._stream),
            ):
                for name, pinned, target in zip(spec.inputs, self._pinned_inputs, self._inputs, strict=True):
                    if tensors[name].shape != pinned.shape:  # copying would repeat an axis of one step
                        raise ValueError(
                            f"{name!r} has the shape {tensors[name].shape}, and {tuple(pinned.shape)} was captured"
                        )
                    np.copyto(pinned.numpy(), tensors[name], casting="equiv")
                    target.copy_(pinned, non_blocking=True)
                self._graph.replay()
                for name, pinned in self._pinned_outputs.items():
                    pinned.copy_(self._outputs[name], non_blocking=True)
                self._stream.synchronize()
                return {name: pinned.numpy().copy() for name, pinned in self._pinned_outputs.items()}
        except Exception as error:
            raise NetworkError(f"network {spec.name!r}: CUDA failed: {error}") from error
