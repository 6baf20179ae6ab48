"""Opens an exported program and runs it on numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import ContextError, NetworkError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack_torch_runtime.folding import fold_casts, forget_devices

if TYPE_CHECKING:
    import torch


def open_program(spec: NetworkSpec, context: Context) -> Runner:
    """Return the network as a callable on named arrays; inputs go to the program in the order of the spec.

    Arrays are shared with torch, not copied, where the program does nothing in place. Torch keeps the number of threads for
    the whole process: a call sets it where it is another than the context's, and so changes it for other users of torch.

    :raises ContextError: without torch, a ``pt2`` export, or the device.
    :raises NetworkError: if torch cannot read the file.
    """
    try:
        import torch
    except ImportError as error:
        raise ContextError(f"network {spec.name!r}: the runtime 'torch' needs torch; try: pip install \"torch\"") from error
    device = _device(spec, context)
    path = spec.export("pt2", "torch")
    try:
        program = torch.export.load(path)
        if device.type != "cpu":
            from torch.export.passes import move_to_device_pass

            program = move_to_device_pass(program, device)
        module = program.module()
        forget_devices(module)
        fold_casts(module)
    except Exception as error:  # what a reader of code may raise
        raise NetworkError(f"network {spec.name!r}: torch {torch.__version__} cannot open {path.name}: {error}") from error
    writes = any(getattr(getattr(node.target, "_schema", None), "is_mutable", False) for node in module.graph.nodes)

    def run(**tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        if torch.get_num_threads() != context.threads:
            torch.set_num_threads(context.threads)
        try:
            with torch.inference_mode():
                inputs = [_shared(tensors[name], copy=writes).to(device) for name in spec.inputs]
                made = _named(spec, module(*inputs))
                return {name: _array(value, inputs) for name, value in made.items()}
        except Exception as error:
            raise NetworkError(f"network {spec.name!r}: torch failed: {error}") from error

    return run


def _device(spec: NetworkSpec, context: Context) -> torch.device:
    """The device that the context names.

    :raises ContextError: if it is not there.
    """
    import torch

    where = f"network {spec.name!r}: torch has no device {context.device!r} here"
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    there = ", ".join(["cpu", *(f"cuda:{i}" for i in range(count))])
    try:
        device = torch.device(context.device)
    except RuntimeError as error:
        raise ContextError(f"{where}; it has {there}") from error
    if device.type == "cuda" and not count:
        raise ContextError(
            f"{where}: this torch ({torch.__version__}) finds no GPU; it has {there}; "
            "install a driver and a torch made for it, or choose the device 'cpu'"
        )
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and (device.index or 0) >= count):
        raise ContextError(f"{where}; it has {there}")
    return device


def _shared(array: np.ndarray, copy: bool) -> torch.Tensor:
    """The array as a tensor on the same memory, or on its own where that must be."""
    import torch
    from torch.utils.dlpack import from_dlpack  # unlike from_numpy, it says nothing of arrays that are read-only

    if not copy and array.flags.c_contiguous and array.dtype.isnative:  # it ends the process for some other layouts
        try:
            return from_dlpack(array)
        except BufferError:  # NumPy before 2.1, for arrays that are read-only
            pass
    return torch.from_numpy(np.array(array, array.dtype.newbyteorder("="), order="C"))


def _named(spec: NetworkSpec, made: Any) -> Mapping[str, torch.Tensor]:
    if isinstance(made, Mapping):
        return {name: made[name] for name in spec.outputs}
    values = made if isinstance(made, tuple | list) else (made,)
    if len(values) != len(spec.outputs):
        raise ValueError(f"the program gives {len(values)} tensors, and the addon declares {list(spec.outputs)}")
    return dict(zip(spec.outputs, values, strict=True))


def _array(value: torch.Tensor, inputs: list[torch.Tensor]) -> np.ndarray:
    """The output as an array that shares no memory with what came in."""
    taken = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    result: np.ndarray = (value.clone() if value.untyped_storage().data_ptr() in taken else value).cpu().numpy()
    return result
