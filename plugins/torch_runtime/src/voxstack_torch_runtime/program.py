"""Runs an exported program on numpy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import Context, NetworkSpec
from voxstack_torch_runtime import devices, folding

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule

SIZE = 24
"""Size of a named axis that nothing else decides, where a program is tried."""


class Program:
    """A program on a device: called with named arrays, it returns named arrays.

    Arrays are shared with torch, not copied, where the program does nothing in place. Torch keeps the number of threads for
    the whole process: a call sets it where it is another than the context's, and so changes it for other users of torch.

    :param module: takes the inputs in the order of the spec, on ``device``, floating ones in the context's precision.
    """

    def __init__(self, spec: NetworkSpec, module: GraphModule, device: torch.device, context: Context) -> None:
        import torch

        self.spec, self.device = spec, device
        self._module, self._context = module, context
        self._run: Callable[..., Any] = module
        self._kinds: set[tuple[bool, ...]] | None = None
        self._writes = folding.writes(module)
        self._dtype = None if context.precision == "float32" else getattr(torch, context.precision)
        self.effective: Mapping[str, Any] = devices.facts(device, context)
        self.stats: Mapping[str, Any] = {"compilations": 0}

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: if it fails.
        """
        import torch

        devices.set_process(self.device, self._context.threads)
        try:
            with torch.inference_mode():
                given = [shared(tensors[name], copy=self._writes) for name in self.spec.inputs]
                made = self.outputs(self.on_device(given))
                return {name: _array(value, given) for name, value in made.items()}
        except Exception as error:
            raise NetworkError(f"network {self.spec.name!r}: torch failed: {error}") from error

    def on_device(self, given: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """The inputs where they are computed, and as."""
        return [tensor.to(self.device, self._dtype if tensor.is_floating_point() else None) for tensor in given]

    def outputs(self, inputs: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Run on inputs that are on the device; the outputs are there, too, in the dtypes of the spec.

        :raises ValueError: if there are others than the spec declares.
        """
        import torch

        run = self._run if self._kinds is None or _kind(inputs) in self._kinds else self._module
        named = _named(self.spec, run(*inputs))
        return {name: value.to(getattr(torch, self.spec.outputs[name].dtype)) for name, value in named.items()}

    def dry(self, sizes: Mapping[str, int]) -> None:
        """Run at some sizes, on nothing in particular."""
        import torch

        devices.set_process(self.device, self._context.threads)
        with torch.inference_mode():
            self.outputs(self.on_device(blank(self.spec, sizes)))

    def compiled(self, sizes: Sequence[Mapping[str, int]], dynamic: bool) -> Program:
        """The same program, compiled, for these sizes; with ``dynamic`` for all that have the same axes of length 1.

        Torch compiles axes of length 1 as such, dynamic or not. What was not compiled runs as it is, so that no call waits.
        """
        import torch
        from torch.fx import GraphModule

        made = Program(
            self.spec, GraphModule(self._module, self._module.graph), self.device, self._context
        )  # with a cache of its own
        made._run = torch.compile(made._module, dynamic=dynamic)
        for size in sizes:
            made.dry(size)
        if dynamic:
            made._kinds = {_kind(blank(self.spec, size)) for size in sizes}
        made.stats = {"compilations": len(sizes)}
        return made


def blank(spec: NetworkSpec, sizes: Mapping[str, int]) -> list[torch.Tensor]:
    """Inputs of zeros, masks of ones, in the order of the spec. Axes that are not in ``sizes``: a batch of one, others :data:`SIZE`
    steps and more, each of a length of its own, lest torch takes two for one.
    """
    import torch

    axes = dict.fromkeys(axis for tensor in spec.inputs.values() for axis in tensor.shape if isinstance(axis, str))
    known = {**{axis: SIZE + i for i, axis in enumerate(axes)}, "batch": 1, **sizes}
    made = []
    for tensor in spec.inputs.values():
        shape = [known[axis] if isinstance(axis, str) else axis for axis in tensor.shape]
        made.append(torch.full(shape, int(tensor.mask), dtype=getattr(torch, tensor.dtype)))
    return made


def shared(array: np.ndarray, copy: bool) -> torch.Tensor:
    """The array as a tensor on the same memory, or on its own where that must be."""
    import torch
    from torch.utils.dlpack import from_dlpack  # unlike from_numpy, it says nothing of arrays that are read-only

    if not copy and array.flags.c_contiguous and array.dtype.isnative:  # it ends the process for some other layouts
        try:
            return from_dlpack(array.reshape(-1)).view(
                array.shape
            )  # strides as torch makes them: x[None] has others, compiled for anew
        except BufferError:  # NumPy before 2.1, for arrays that are read-only
            pass
    return torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))


def _kind(inputs: Sequence[torch.Tensor]) -> tuple[bool, ...]:
    """Which axes have the length 1."""
    return tuple(size == 1 for tensor in inputs for size in tensor.shape)


def _named(spec: NetworkSpec, made: Any) -> dict[str, torch.Tensor]:
    if isinstance(made, Mapping):
        return {name: made[name] for name in spec.outputs}
    values = made if isinstance(made, tuple | list) else (made,)
    if len(values) != len(spec.outputs):
        raise ValueError(f"the program gives {len(values)} tensors, and the addon declares {list(spec.outputs)}")
    return dict(zip(spec.outputs, values, strict=True))


def _array(value: torch.Tensor, inputs: Sequence[torch.Tensor]) -> np.ndarray:
    """The output as an array that shares no memory with what came in."""
    taken = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    result: np.ndarray = (value.clone() if value.untyped_storage().data_ptr() in taken else value).cpu().numpy()
    return result
