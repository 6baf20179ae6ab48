"""Exported programs as callables on named numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import Context, NetworkSpec
from voxstack_torch_runtime import devices, graph_passes

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule

DEFAULT_SIZE = 24
"""Size, in a dry run, of a named axis that nothing else determines."""


class Program:
    """A program on a device: called with named arrays, it returns named arrays.

    Arrays are shared with torch, not copied, unless the program works in place. Torch keeps the number of threads for
    the whole process: a call sets it where it differs from the context's, and so changes it for other users of torch.

    :param module: accepts the inputs in the order of the spec, on ``device``, floating ones in the context's precision.
    """

    def __init__(self, spec: NetworkSpec, module: GraphModule, device: torch.device, context: Context) -> None:
        import torch

        self.spec, self.device = spec, device
        self._module, self._context = module, context
        self._run: Callable[..., Any] = module
        self._compiled_for: set[tuple[bool, ...]] | None = None
        self._copies = graph_passes.writes_in_place(module)
        self._dtype = None if context.precision == "float32" else getattr(torch, context.precision)
        self.effective: Mapping[str, Any] = devices.effective_context(device, context)
        self.stats: Mapping[str, Any] = {"compilations": 0}

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: if it fails, or has no input of such a name.
        """
        import torch

        if len(tensors) > len(self.spec.inputs):
            unknown = sorted(tensors.keys() - self.spec.inputs.keys())
            raise NetworkError(f"network {self.spec.name!r} has no inputs {unknown}; it has {list(self.spec.inputs)}")
        devices.configure_process(self.device, self._context.usable_threads)
        try:
            with torch.inference_mode():
                inputs = [as_tensor(tensors[name], copy=self._copies) for name in self.spec.inputs]
                outputs = self.outputs(self.on_device(inputs))
                return {name: _as_array(value, inputs) for name, value in outputs.items()}
        except Exception as error:
            raise NetworkError(f"network {self.spec.name!r}: torch failed: {error}") from error

    def on_device(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Return the inputs on the device, floating ones in the context's precision."""
        return [tensor.to(self.device, self._dtype if tensor.is_floating_point() else None) for tensor in inputs]

    def outputs(self, inputs: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Run on inputs that are on the device; return the outputs, on the device, in the dtypes of the spec.

        :raises ValueError: if there are others than the spec declares.
        """
        import torch

        compiled = self._compiled_for is None or _unit_axes(inputs) in self._compiled_for
        run = self._run if compiled else self._module
        named = _named(self.spec, run(*inputs))
        return {name: value.to(getattr(torch, self.spec.outputs[name].dtype)) for name, value in named.items()}

    def dry_run(self, sizes: Mapping[str, int]) -> None:
        """Run once on blank inputs of the given sizes."""
        import torch

        devices.configure_process(self.device, self._context.usable_threads)
        with torch.inference_mode():
            self.outputs(self.on_device(blank_inputs(self.spec, sizes)))

    def compiled(self, sizes: Sequence[Mapping[str, int]], dynamic: bool) -> Program:
        """Return the program compiled for these sizes; with ``dynamic`` for all that have the same axes of length 1.

        Torch specializes on axes of length 1, dynamic or not. Other calls run without compilation, so that no call
        waits for it.
        """
        import torch
        from torch.fx import GraphModule

        module = GraphModule(self._module, self._module.graph)  # with a compilation cache of its own
        program = Program(self.spec, module, self.device, self._context)
        program._run = torch.compile(program._module, dynamic=dynamic)
        for size in sizes:
            program.dry_run(size)
        if dynamic:
            program._compiled_for = {_unit_axes(blank_inputs(self.spec, size)) for size in sizes}
        program.stats = {"compilations": len(sizes)}
        return program


def blank_inputs(spec: NetworkSpec, sizes: Mapping[str, int]) -> list[torch.Tensor]:
    """Return inputs of zeros, and masks of ones, in the order of the spec.

    Without a size in ``sizes``, the batch is one, and each other axis has a length of its own from :data:`DEFAULT_SIZE`
    on, because torch identifies axes of equal lengths.
    """
    import torch

    axes = dict.fromkeys(axis for tensor in spec.inputs.values() for axis in tensor.shape if isinstance(axis, str))
    lengths = {**{axis: DEFAULT_SIZE + i for i, axis in enumerate(axes)}, "batch": 1, **sizes}
    inputs = []
    for tensor in spec.inputs.values():
        shape = [lengths[axis] if isinstance(axis, str) else axis for axis in tensor.shape]
        inputs.append(torch.full(shape, int(tensor.mask), dtype=getattr(torch, tensor.dtype)))
    return inputs


def as_tensor(array: np.ndarray, copy: bool) -> torch.Tensor:
    """Return the array as a tensor on the same memory, or on its own if ``copy`` is true or the layout requires it."""
    import torch
    from torch.utils.dlpack import from_dlpack  # unlike from_numpy, it does not warn of read-only arrays

    if not copy and array.flags.c_contiguous and array.dtype.isnative:  # some other layouts abort the process
        try:
            # torch's own strides: x[None] has others, for which a compiled program would be compiled again
            return from_dlpack(array.reshape(-1)).view(array.shape)
        except BufferError:  # NumPy before 2.1, for read-only arrays
            pass
    return torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))


def _unit_axes(inputs: Sequence[torch.Tensor]) -> tuple[bool, ...]:
    """Return which axes have the length 1."""
    return tuple(size == 1 for tensor in inputs for size in tensor.shape)


def _named(spec: NetworkSpec, outputs: Any) -> dict[str, torch.Tensor]:
    if isinstance(outputs, Mapping):
        return {name: outputs[name] for name in spec.outputs}
    values = outputs if isinstance(outputs, tuple | list) else (outputs,)
    if len(values) != len(spec.outputs):
        raise ValueError(f"the program returns {len(values)} tensors, and the addon declares {list(spec.outputs)}")
    return dict(zip(spec.outputs, values, strict=True))


def _as_array(value: torch.Tensor, inputs: Sequence[torch.Tensor]) -> np.ndarray:
    """Return an output as an array that shares no memory with the inputs."""
    input_memory = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    own = value.clone() if value.untyped_storage().data_ptr() in input_memory else value
    array: np.ndarray = own.cpu().numpy()
    return array
