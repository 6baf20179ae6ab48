"""ONNX exports of scripted modules, whose loops over steps become loops of the graph."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from voxstack_packager.export.torch_export import example_arguments, explain_failure, silence
from voxstack_packager.runners import parameter_names
from voxstack_packager.signature import MakeExamples
from voxstack_packager.sources import NetworkSource

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch.jit import ScriptModule

OPSET = 18


def export_script(source: NetworkSource, module: ScriptModule, examples: MakeExamples) -> ModelProto:
    """Return the ONNX graph of a scripted module, by the exporter of torch that reads scripts.

    :raises PackagingError: if torch cannot export it.
    """
    import onnx
    import torch

    export: Any = torch.onnx.export  # its types leave out files that are open
    names = list(source.signature.inputs)
    arguments = dict(zip(names, example_arguments(source.signature, examples, source.name), strict=True))
    parameters = parameter_names(module)
    order = parameters if set(parameters) == set(names) else names
    sides = (source.signature.inputs, source.signature.outputs)
    axes = {
        name: {i: f"{name}_{axis}" for i, axis in enumerate(tensor.shape) if isinstance(axis, str)}
        for side in sides
        for name, tensor in side.items()
    }
    written = io.BytesIO()
    with silence(), explain_failure(source.name, "torch.onnx.export"), torch.no_grad():
        export(
            module,
            tuple(arguments[name] for name in order),
            written,
            dynamo=False,
            input_names=order,
            output_names=list(source.signature.outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
        )
    model: ModelProto = onnx.load_model_from_string(written.getvalue())
    inputs = {value.name: value for value in model.graph.input}
    ordered = [inputs[name] for name in names if name in inputs]
    del model.graph.input[:]
    model.graph.input.extend(ordered)
    return model
