"""Networks as callables on named arrays, the way every measurement takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.parameters import shared_arrays
from voxstack_packager.signature import Signed

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import nn


def onnx_runner(path: Path, sizes: Mapping[str, int] | None = None) -> Runner:
    """Open an ONNX file in ONNX Runtime, on one thread of the CPU.

    :param sizes: fixed sizes for axes by name; others stay free.
    """
    return _opened(str(path), sizes or {})


def model_runner(model: ModelProto, where: str) -> Runner:
    """Open an ONNX graph likewise.

    :raises PackagingError: naming ``where``, if ONNX Runtime cannot run it.
    """
    try:
        return _opened(model.SerializeToString(), {})
    except Exception as error:  # ONNX Runtime's own have no class in common
        raise PackagingError(
            where, f"ONNX Runtime cannot open the graph ({error}); check it with onnx.checker"
        ) from error


def _opened(model: str | bytes, sizes: Mapping[str, int]) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    for axis, size in sizes.items():
        options.add_free_dimension_override_by_name(axis, size)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]

    def run(**arrays: np.ndarray) -> Mapping[str, np.ndarray]:
        return dict(zip(outputs, session.run(outputs, arrays), strict=True))

    return run


def module_runner(module: Callable[..., Any], signature: Signed) -> Runner:
    """A torch module, or the module of an exported program, that takes and gives tensors in the order of the signature."""
    import torch

    def run(**arrays: np.ndarray) -> Mapping[str, np.ndarray]:
        with torch.inference_mode():
            made = module(*(torch.from_numpy(arrays[name].copy()) for name in signature.inputs))
        return {name: value.numpy() for name, value in zip(signature.outputs, made, strict=True)}

    return run


def pt2_runner(path: Path, signature: Signed, parameters: Path | None = None) -> Runner:
    """Open a ``.pt2``. That runs code in it: for a file of one's own only.

    :param parameters: the file of weights that it shares, if it does.
    """
    import torch

    module = torch.export.load(path).module()
    weights = [] if parameters is None else [torch.from_numpy(array) for array in shared_arrays(path, parameters)]
    return module_runner(lambda *tensors: module(*tensors, *weights), signature)


def ordered_module(module: nn.Module, inputs: Sequence[str], outputs: Sequence[str]) -> nn.Module:
    """Wrap a module so that it takes tensors in the order of ``inputs`` and returns a tuple in the order of ``outputs``."""
    import inspect

    from torch import Tensor, nn

    parameters = inspect.signature(module.forward).parameters
    by_name = all(name in parameters for name in inputs)

    class Ordered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            made: Any = self.module(**dict(zip(inputs, tensors, strict=True))) if by_name else self.module(*tensors)
            if isinstance(made, Mapping):
                return tuple(made[name] for name in outputs)
            return tuple(made) if isinstance(made, tuple | list) else (made,)

    return Ordered().eval()
