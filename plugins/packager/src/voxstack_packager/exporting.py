"""Exports of a torch module: ONNX with named dynamic axes, and ``.pt2``."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from voxstack_packager.errors import PackagingError
from voxstack_packager.half import baked, halve_initializers, kept_half
from voxstack_packager.runners import ordered_module
from voxstack_packager.signature import axes
from voxstack_packager.sources import NetworkSource

INLINE = 64 * 1024 * 1024
"""Bytes of weights up to which they lie in the .onnx itself; larger ones lie beside it, where they can be mapped."""

SIZES = (29, 37, 43, 53, 61, 71, 79)
"""Sizes to export with: unequal, so that no two axes are taken for one."""


def export(source: NetworkSource, folder: Path, log: Callable[[str], None] = print) -> tuple[Any, list[dict[str, str]]]:
    """Write every format of a network.

    :returns: the module that was exported, taking and giving tensors in the order of the signature, its weights rounded if
        they are kept as float16; and the entries of ``exports``.
    :raises PackagingError: if torch cannot export it, or fixes an axis that should be free.
    """
    signature = source.signature
    core = baked(source.module, source.half, source.name)
    module = ordered_module(core, list(signature.inputs), list(signature.outputs))
    entries = [_onnx(source, module, folder, log)]
    if "pt2" in source.formats:
        kept = ordered_module(kept_half(core), list(signature.inputs), list(signature.outputs)) if source.half else module
        entries.append(_pt2(source, kept, folder))
    return module, entries


def _arguments(source: NetworkSource) -> tuple[Any, ...]:
    import torch

    free = [axis for axis in axes(source.signature) if axis != "batch"]
    if len(free) > len(SIZES):
        raise PackagingError(source.name, f"has {len(free)} named axes; at most {len(SIZES)} are handled")
    sizes = {"batch": 2, **dict(zip(free, SIZES, strict=False))}
    return tuple(torch.from_numpy(array.copy()) for array in source.arrays(sizes).values())


def _free(source: NetworkSource) -> dict[str, Any]:
    """Named axes as dynamic shapes. AUTO lets modules pass that relate sizes to each other; what it fixes is looked for afterwards."""
    import torch

    auto = torch.export.Dim.AUTO
    tensors = source.signature.inputs.values()
    return {"tensors": tuple({i: auto for i, axis in enumerate(tensor.shape) if isinstance(axis, str)} for tensor in tensors)}


def _onnx(source: NetworkSource, module: Any, folder: Path, log: Callable[[str], None]) -> dict[str, str]:
    import onnx
    import torch

    with _quiet(), _explained(source.name, "torch.onnx.export"), torch.no_grad():
        program = torch.onnx.export(
            module,
            _arguments(source),
            dynamo=True,
            dynamic_shapes=_free(source),
            input_names=list(source.signature.inputs),
            output_names=list(source.signature.outputs),
            verbose=False,
        )
        model = program.model_proto  # type: ignore[union-attr]
    _name_axes(source, model)
    _strip(model)
    if source.half and (left := halve_initializers(model)):
        log(f"{source.name}: {left / 1e6:.2f} MB stay float32, as float16 cannot hold them exactly (tables, weights with a norm folded in)")
    path = folder / f"{source.name}.onnx"
    if model.ByteSize() <= INLINE:
        onnx.save_model(model, path)
        return {"format": "onnx", "symbol": path.name}
    data = f"{path.name}.data"
    onnx.save_model(model, path, save_as_external_data=True, all_tensors_to_one_file=True, location=data)
    return {"format": "onnx", "symbol": path.name, "parameters": data}


def _name_axes(source: NetworkSource, model: Any) -> None:
    """Check that every named axis is free, and give it its name."""
    for side, values in (("inputs", model.graph.input), ("outputs", model.graph.output)):
        tensors = getattr(source.signature, side)
        if [value.name for value in values] != list(tensors):
            raise PackagingError(source.name, f"the export has the {side} {[v.name for v in values]}, declared are {list(tensors)}")
        for value, (name, tensor) in zip(values, tensors.items(), strict=True):
            found = value.type.tensor_type.shape.dim
            if len(found) != len(tensor.shape):
                raise PackagingError(source.name, f"{side}.{name} has {len(found)} axes; declared are {list(tensor.shape)}")
            for size, axis in zip(found, tensor.shape, strict=True):
                _name_axis(source, f"{side}.{name}", size, axis)


def _name_axis(source: NetworkSource, where: str, size: Any, axis: str | int) -> None:
    fixed = size.dim_value if size.HasField("dim_value") else None
    if isinstance(axis, str) and fixed is not None:
        raise PackagingError(
            source.name,
            f"the module fixes the axis {axis!r} of {where} at {fixed}: it computes with a size as a number (int(x.shape[1]), a "
            "loop, a table of that length); make it free, or declare the axis as this number",
        )
    if isinstance(axis, int) and fixed not in (None, axis):
        raise PackagingError(source.name, f"{where} has {fixed} where {axis} is declared; correct one of them")
    if isinstance(axis, str):
        size.dim_param = axis
    else:
        size.dim_value = axis


def _strip(model: Any) -> None:
    """Drop what only says where the source code lay on this disk."""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer, *model.functions):
        del part.metadata_props[:]
        part.doc_string = ""


def _pt2(source: NetworkSource, module: Any, folder: Path) -> dict[str, str]:
    import torch

    inputs = source.signature.inputs
    with _quiet(), _explained(source.name, "torch.export.export"), torch.no_grad():
        program = torch.export.export(module, _arguments(source), dynamic_shapes=_free(source))
    values = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
    for (name, tensor), key in zip(inputs.items(), program.graph_signature.user_inputs, strict=True):
        for axis, size in zip(tensor.shape, values[str(key)].shape, strict=True):
            if isinstance(axis, str) and isinstance(size, int):
                advice = "make it free, or leave 'pt2' out of formats"
                raise PackagingError(source.name, f"torch.export fixes the axis {axis!r} of inputs.{name} at {size}; {advice}")
    graph = program.graph_module.graph
    for node in list(graph.nodes):
        for key in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node"):  # of the source code alone
            node.meta.pop(key, None)
        if node.target is torch.ops.aten._assert_tensor_metadata.default:  # these pin the program to the device it was made on
            graph.erase_node(node)
    program.graph_module.recompile()
    path = folder / f"{source.name}.pt2"
    with _quiet():
        torch.export.save(program, path)
    return {"format": "pt2", "symbol": path.name}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' remarks on their own workings off the screen."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _explained(where: str, what: str) -> Iterator[None]:
    try:
        yield
    except PackagingError:
        raise
    except Exception as error:  # exporters raise of all kinds
        cause = error.__cause__ or error  # torch.onnx wraps it in advice on reporting bugs
        first = next(iter(str(cause).strip().splitlines()), "")
        raise PackagingError(where, f"{what} failed ({type(cause).__name__}: {first}); the cause above says where") from error
