"""Checks of a session against what the addon declares about its network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from voxstack import NetworkError
from voxstack.networks import NetworkSpec, Tensor

if TYPE_CHECKING:
    import onnxruntime

_DTYPES = {"float": "float32", "double": "float64"}


def check_declarations(spec: NetworkSpec, session: onnxruntime.InferenceSession, sizes: Mapping[str, int]) -> None:
    """Check names, dtypes and axes of the inputs and outputs.

    :param sizes: the sizes that the session was compiled for, by axis.
    :raises NetworkError: naming what differs.
    """
    inputs, outputs = session.get_inputs(), session.get_outputs()
    sides = (("input", spec.inputs, inputs), ("output", spec.outputs, outputs))
    for side, declared, found in sides:
        names = [node.name for node in found]
        if set(declared) != set(names):
            raise NetworkError(
                f"network {spec.name!r}: the file has the {side}s {sorted(names)}, and the addon declares "
                f"{sorted(declared)}; package the network again"
            )
    _check_sizes(spec, {node.name: node.shape for node in inputs}, sizes)
    for side, declared, found in sides:
        for node in found:
            _check_tensor(spec, f"{side} {node.name!r}", declared[node.name], node)


def _check_tensor(spec: NetworkSpec, name: str, declared: Tensor, node: Any) -> None:
    kind = str(node.type)
    dtype = kind.removeprefix("tensor(").removesuffix(")") if kind.startswith("tensor(") else kind
    shape = node.shape or None  # ONNX Runtime reports an unknown number of axes as none
    if difference := declared.difference(_DTYPES.get(dtype, dtype), shape):
        raise NetworkError(
            f"network {spec.name!r}, {name}: in the file it is {difference}; package the network again, or correct "
            "its declaration in addon.json"
        )


def _check_sizes(spec: NetworkSpec, shapes: Mapping[str, Sequence[Any]], sizes: Mapping[str, int]) -> None:
    """Check that the file names its axes as the addon does: sizes are set by name, and other axes would stay free.

    :param shapes: of the inputs of the session.
    """
    for name, tensor in spec.inputs.items():
        for axis, found in zip(tensor.shape, shapes[name], strict=False):
            if isinstance(axis, str) and axis in sizes and found != sizes[axis]:
                raise NetworkError(
                    f"network {spec.name!r}, input {name!r}: the file names an axis {found!r} that the addon declares "
                    f"as {axis!r}; export it with the same names, as sizes are set by them"
                )
