"""A program at one size as a CUDA graph: all its kernels start as one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack_torch_runtime.program import Program, blank

WARM_UPS = 3
"""Runs before the capture, in which libraries choose their kernels and take their memory, as torch's documentation wants."""


class CapturedProgram:
    """A program at one size, captured; it takes arrays of this size and no other.

    A graph reads and writes where it was captured, so arrays are copied in and out, through pinned memory, and one call runs at a
    time. It has a stream of its own: other networks run beside it.

    :param program: on a CUDA device; its weights are shared with it.
    :raises RuntimeError: if it does what cannot be captured, such as looking at a result on the host.
    """

    def __init__(self, program: Program, sizes: Mapping[str, int]) -> None:
        import torch

        self._program, self._turn = program, threading.Lock()
        self._given = [tensor.pin_memory() for tensor in blank(program.spec, sizes)]
        with torch.inference_mode(), torch.cuda.device(program.device):
            self._stream = torch.cuda.Stream()
            self._stream.wait_stream(torch.cuda.current_stream())  # weights and what is computed of them are there
            with torch.cuda.stream(self._stream):
                self._inputs = [tensor.to(program.device, non_blocking=True) for tensor in self._given]
                for _ in range(WARM_UPS):
                    program.outputs(program.on_device(self._inputs))
            self._stream.synchronize()
            self._graph = torch.cuda.CUDAGraph()
            # other threads may go on with CUDA meanwhile, so only what this one does is watched
            with torch.cuda.graph(self._graph, stream=self._stream, capture_error_mode="thread_local"):
                self._outputs = program.outputs(program.on_device(self._inputs))
            self._stream.synchronize()
            self._made = {
                name: torch.empty(t.shape, dtype=t.dtype, pin_memory=True) for name, t in self._outputs.items()
            }
        self.effective: Mapping[str, Any] = program.effective

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: if CUDA fails.
        """
        import torch

        try:
            with (
                self._turn,
                torch.inference_mode(),
                torch.cuda.device(self._program.device),
                torch.cuda.stream(self._stream),
            ):
                for name, given, taken in zip(self._program.spec.inputs, self._given, self._inputs, strict=True):
                    if tensors[name].shape != given.shape:  # copying would repeat what has one step
                        raise ValueError(
                            f"{name!r} has the shape {tensors[name].shape}, and {tuple(given.shape)} was captured"
                        )
                    np.copyto(given.numpy(), tensors[name], casting="equiv")
                    taken.copy_(given, non_blocking=True)
                self._graph.replay()
                for name, made in self._made.items():
                    made.copy_(self._outputs[name], non_blocking=True)
                self._stream.synchronize()
                return {name: made.numpy().copy() for name, made in self._made.items()}
        except Exception as error:
            raise NetworkError(f"network {self._program.spec.name!r}: CUDA failed: {error}") from error
