"""Opens a network in OpenVINO: for arrays of any length, or compiled for each size that a context declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from voxstack import ContextError, NetworkError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import PerSize, combinations, fixed_axes, require_all_fixed
from voxstack_openvino_runtime.devices import find_device, found, properties_of
from voxstack_openvino_runtime.requests import Requests, said

if TYPE_CHECKING:
    import openvino


def open_model(spec: NetworkSpec, context: Context) -> Runner:
    """Return the network as a callable on named arrays, from any number of threads at once.

    Where the context fixes axes, it is compiled for each combination of their sizes, and takes no others; all of them are made of one
    model, whose weights are read and unpacked once. An ONNX file holds no code; OpenVINO refuses external data outside its folder.

    :raises ContextError: for what the context asks and cannot be had here, or if the device cannot run the network.
    :raises NetworkError: if OpenVINO cannot read the file, or it is another network than the addon declares.
    """
    import openvino

    core = openvino.Core()
    device = find_device(core, spec, context)
    properties = properties_of(core, device, spec, context)
    if device.startswith("NPU"):
        require_all_fixed(spec, context, f"OpenVINO's {device}")
    model = _read(core, spec, spec.export("onnx", "openvino"))

    def compiled(sizes: Mapping[str, int]) -> Runner:
        made = _compile(core, device, spec, model.clone() if sizes else model, sizes, properties)
        return Requests(spec, made, found(core, device, made, spec, context))

    axes = fixed_axes(spec, context)
    if not axes:
        return compiled({})
    if device == "CPU" and len(combinations(axes)) > 1:
        _unpack(model)
    return PerSize(spec, context, compiled)


def _read(core: openvino.Core, spec: NetworkSpec, path: Path) -> openvino.Model:
    """The network, with the names that the addon declares."""
    try:
        model = core.read_model(str(path))
    except Exception as error:  # its errors share no base class of their own
        raise NetworkError(f"network {spec.name!r}: OpenVINO cannot open {path.name}: {said(error)}") from error
    for side, declared, ports in (("inputs", spec.inputs, model.inputs), ("outputs", spec.outputs, model.outputs)):
        names = [port.get_names() for port in ports]
        if len(names) != len(declared) or not all(any(name in of_port for of_port in names) for name in declared):
            has = sorted("/".join(sorted(of_port)) for of_port in names)
            raise NetworkError(
                f"network {spec.name!r}: the file has the {side} {has}, and the addon declares {sorted(declared)}"
            )
    return model


def _unpack(model: openvino.Model) -> None:
    """Compute what depends on weights alone, so that what is compiled of the model shares it (weights that are stored in float16)."""
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
    """Compile for one size of each of the axes in ``sizes``; other axes take any."""
    try:
        if sizes:
            model.reshape({name: [_size(axis, sizes) for axis in tensor.shape] for name, tensor in spec.inputs.items()})
        return core.compile_model(model, device, dict(properties))
    except Exception as error:  # likewise
        at = f" at the sizes {dict(sizes)}" if sizes else ""
        raise ContextError(
            f"network {spec.name!r}: OpenVINO cannot compile it for {device}{at}: {said(error)}"
        ) from error


def _size(axis: str | int, sizes: Mapping[str, int]) -> int:
    return sizes.get(axis, -1) if isinstance(axis, str) else axis
