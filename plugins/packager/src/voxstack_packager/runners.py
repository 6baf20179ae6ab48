"""Networks as callables on named arrays, the form in which every measurement accepts them."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.export.weight_table import read_shared_weights
from voxstack_packager.signature import SignatureLike

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import nn


def onnx_runner(path: Path, sizes: Mapping[str, int] | None = None) -> Runner:
    """Open an ONNX file in ONNX Runtime, on one CPU thread.

    :param sizes: fixed sizes of axes by name; other axes stay free.
    """
    return _open(str(path), sizes or {})


def model_runner(model: ModelProto, where: str) -> Runner:
    """Open an ONNX graph in ONNX Runtime, on one CPU thread.

    :raises PackagingError: naming ``where``, if ONNX Runtime cannot open it.
    """
    try:
        return _open(model.SerializeToString(), {})
    except Exception as error:  # the errors of ONNX Runtime have no class in common
        problem = f"ONNX Runtime cannot open the graph ({error}); check it with onnx.checker"
        raise PackagingError(where, problem) from error


def import_onnxruntime() -> Any:
    """Return ONNX Runtime, which since 1.32 otherwise records an id of this machine when it is imported."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def _open(model: str | bytes, sizes: Mapping[str, int]) -> Runner:
    onnxruntime = import_onnxruntime()

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised
    for axis, size in sizes.items():
        options.add_free_dimension_override_by_name(axis, size)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]

    def run(**arrays: np.ndarray) -> Mapping[str, np.ndarray]:
        return dict(zip(outputs, session.run(outputs, arrays), strict=True))

    return run


def module_runner(module: Callable[..., Any], signature: SignatureLike) -> Runner:
    """Run a torch module, or that of an exported program, whose tensors are in the order of the signature."""
    import torch

    def run(**arrays: np.ndarray) -> Mapping[str, np.ndarray]:
        with torch.inference_mode():
            outputs = module(*(torch.from_numpy(arrays[name].copy()) for name in signature.inputs))
        return {name: value.numpy() for name, value in zip(signature.outputs, outputs, strict=True)}

    return run


def pt2_runner(path: Path, signature: SignatureLike, parameters: Path | None = None) -> Runner:
    """Open a ``.pt2``. That runs code in it: open only files of your own.

    :param parameters: the file of weights that it shares, if it shares any.
    :raises PackagingError: if that file contains other weights.
    """
    import torch

    module = torch.export.load(path).module()
    weights = [] if parameters is None else [torch.from_numpy(array) for array in read_shared_weights(path, parameters)]
    return module_runner(lambda *tensors: module(*tensors, *weights), signature)


def parameter_names(module: nn.Module) -> list[str]:
    """Return the names of the parameters of ``forward``, also of a scripted module."""
    forward: Any = module.forward
    if hasattr(forward, "schema"):
        return [argument.name for argument in forward.schema.arguments[1:]]
    return list(inspect.signature(forward).parameters)


def ordered_module(module: nn.Module, inputs: Sequence[str], outputs: Sequence[str]) -> nn.Module:
    """Wrap a module to accept tensors in the order of ``inputs`` and return a tuple in the order of ``outputs``."""
    from torch import Tensor, nn

    parameters = parameter_names(module)
    by_name = all(name in parameters for name in inputs)

    class Ordered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
            result: Any = self.module(**dict(zip(inputs, tensors, strict=True))) if by_name else self.module(*tensors)
            if isinstance(result, Mapping):
                return tuple(result[name] for name in outputs)
            return tuple(result) if isinstance(result, tuple | list) else (result,)

    return Ordered().eval()
