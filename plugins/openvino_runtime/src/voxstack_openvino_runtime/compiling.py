"""Compilation of networks in OpenVINO, for arrays of any length or for each declared size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from voxstack import ContextError, NetworkError
from voxstack.networks import Context, NetworkSpec, Runner, Tensor
from voxstack.networks.sizes import PerSize, combinations, fixed_axes, require_all_fixed
from voxstack_openvino_runtime.compiled_network import CompiledNetwork, error_text
from voxstack_openvino_runtime.devices import compile_properties, effective_context, find_device, shared_core
from voxstack_openvino_runtime.long_convolutions import widen_long_convolutions

if TYPE_CHECKING:
    import openvino

_DTYPES = {"f32": "float32", "f64": "float64", "f16": "float16", "i64": "int64", "i32": "int32", "boolean": "bool"}


def open_model(spec: NetworkSpec, context: Context) -> Runner:
    """Return the network as a callable on named arrays, which any number of threads may call at once.

    Where the context fixes axes, the network is compiled for each combination of their sizes, and accepts no others;
    all of them come from one model, whose weights are read and unpacked once. An ONNX file holds no code, and refers to
    no file but the declared parameters.

    :raises ContextError: if something that the context requests is unavailable, or the device cannot run the network.
    :raises AddonError: if the files are not those that the addon lists, or refer to others.
    :raises NetworkError: if OpenVINO cannot read the file, or it holds another network than the addon declares.
    """
    core = shared_core()
    device = find_device(core, spec, context)
    properties = compile_properties(core, device, spec, context)
    if device.startswith("NPU"):
        require_all_fixed(spec, context, f"OpenVINO's {device}")
    with spec.opening("onnx", "openvino") as path:
        model = _read(spec, path)

    def compile_for(sizes: Mapping[str, int]) -> Runner:
        compiled = _compile(core, device, spec, model.clone() if sizes else model, sizes, properties)
        effective = effective_context(core, device, compiled, spec, context)

        def recompile() -> openvino.CompiledModel:
            with spec.opening("onnx", "openvino") as path:
                return _compile(core, device, spec, _read(spec, path), sizes, properties)

        return CompiledNetwork(spec, compiled, effective, recompile)

    axes = fixed_axes(spec, context)
    if not axes:
        return compile_for({})
    if device == "CPU" and len(combinations(axes)) > 1:
        _unpack_weights(model)
    return PerSize(spec, context, compile_for)


def _read(spec: NetworkSpec, path: Path) -> openvino.Model:
    """Return the model of an ONNX file, whose inputs and outputs have the names that the addon declares.

    ``Core.read_model`` would guess the format from the content, whatever the name, and read the weights of its own
    format from any file of the same name that ends with ``.bin``.
    """
    from openvino.frontend import FrontEndManager

    try:
        frontend = FrontEndManager().load_by_framework("onnx")
        model = frontend.convert(frontend.load(str(path)))
    except Exception as error:  # the errors of OpenVINO share no base class of their own
        raise NetworkError(f"network {spec.name!r}: OpenVINO cannot open {path.name}: {error_text(error)}") from error
    for side, declared, ports in (("inputs", spec.inputs, model.inputs), ("outputs", spec.outputs, model.outputs)):
        names = [port.get_names() for port in ports]
        if len(names) != len(declared) or not all(any(name in of_port for of_port in names) for name in declared):
            found = sorted("/".join(sorted(of_port)) for of_port in names)
            raise NetworkError(
                f"network {spec.name!r}: the file has the {side} {found}, and the addon declares {sorted(declared)}; "
                "package the network again"
            )
        for name, tensor in declared.items():
            _check_tensor(
                spec, f"{side[:-1]} {name!r}", tensor, next(port for port in ports if name in port.get_names())
            )
    return model


def _check_tensor(spec: NetworkSpec, name: str, declared: Tensor, port: openvino.Output) -> None:
    """Check the dtype and the axes of an input or output of a model.

    :raises NetworkError: naming what differs from the declaration.
    """
    kind, axes = port.get_element_type().get_type_name(), port.get_partial_shape()
    shape = None if axes.rank.is_dynamic else [None if size.is_dynamic else size.get_length() for size in axes]
    if difference := declared.difference(_DTYPES.get(kind, kind), shape):
        raise NetworkError(
            f"network {spec.name!r}, {name}: in the file it is {difference}; package the network again, or correct "
            "its declaration in addon.json"
        )


def _unpack_weights(model: openvino.Model) -> None:
    """Compute everything that depends on weights alone, such as casts of weights that are stored in float16.

    All that is compiled from the model then shares the results.
    """
    from openvino.passes import ConstantFolding, Manager

    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(model)


def _compile(
    core: openvino.Core,
    device: str,
    spec: NetworkSpec,
    model: openvino.Model,
    sizes: Mapping[str, int],
    properties: Mapping[str, object],
) -> openvino.CompiledModel:
    """Compile a model for one size of each axis in ``sizes``; other axes accept any size."""
    try:
        if sizes:
            model.reshape({name: [_size(axis, sizes) for axis in tensor.shape] for name, tensor in spec.inputs.items()})
        if device == "CPU":
            widen_long_convolutions(model)
        return core.compile_model(model, device, dict(properties))
    except Exception as error:  # the errors of OpenVINO share no base class of their own
        at = f" at the sizes {dict(sizes)}" if sizes else ""
        raise ContextError(
            f"network {spec.name!r}: OpenVINO cannot compile it for {device}{at}: {error_text(error)}"
        ) from error


def _size(axis: str | int, sizes: Mapping[str, int]) -> int:
    return sizes.get(axis, -1) if isinstance(axis, str) else axis
