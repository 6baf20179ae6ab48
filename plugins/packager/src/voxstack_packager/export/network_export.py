"""Exports of a network in every format: ONNX and, of a torch module, ``.pt2``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.export.float16_weights import round_initializers
from voxstack_packager.export.materialized import materialize
from voxstack_packager.export.onnx_export import export_module, name_axes, read_model, write_onnx
from voxstack_packager.export.pt2_export import export_pt2
from voxstack_packager.own_states.stream_examples import StreamExamples
from voxstack_packager.runners import model_runner, module_runner, ordered_module
from voxstack_packager.sources import NetworkSource, OnnxSource, Source

if TYPE_CHECKING:
    from torch import nn


class Exported(NamedTuple):
    """An exported network.

    :param run: the module or graph that was exported, with its weights as they are stored.
    :param exports: the entries of ``exports``.
    :param fixed: the axes that the exporter declared as fixed though they should be free, each as a phrase.
    """

    run: Runner
    exports: list[dict[str, str]]
    fixed: list[str]


def export_network(
    source: Source, folder: Path, progress: Callable[[str], None] = print, examples: StreamExamples | None = None
) -> Exported:
    """Write every format of a network.

    :param examples: of a network with states of its own, which are connected with its module here.
    :raises PackagingError: if torch cannot export it, or an axis is fixed that should be free.
    """
    if isinstance(source, OnnxSource):
        return _export_graph(source, folder, progress, examples)
    assert isinstance(source, NetworkSource), "no other source is exported"
    return _export_module(source, folder, progress, examples)


def _export_module(
    source: NetworkSource, folder: Path, progress: Callable[[str], None], streams: StreamExamples | None
) -> Exported:
    signature = source.signature
    core = materialize(source.module, source.half, source.name)
    module = ordered_module(core, list(signature.inputs), list(signature.outputs))
    with_pt2 = "pt2" in source.formats
    if with_pt2 and _is_script(core):
        problem = "the module is scripted, and torch.export accepts no scripted modules"
        raise PackagingError(source.name, f"{problem}; leave 'pt2' out of formats")
    run = module_runner(module, signature)
    if streams is not None:
        streams.connect(run)
    examples = streams or source.example_inputs
    model, fixed = export_module(source, core if _is_script(core) else module, examples)
    entries = [write_onnx(source, model, folder, progress, external=with_pt2)]
    if with_pt2:
        symbol, parameters = (folder / entries[0][key] for key in ("symbol", "parameters"))
        entries.append(export_pt2(source.name, core, signature, examples, symbol, parameters, source.half))
    return Exported(run, entries, fixed)


def _is_script(module: nn.Module) -> bool:
    import torch

    return isinstance(module, torch.jit.ScriptModule)


def _export_graph(
    source: OnnxSource, folder: Path, progress: Callable[[str], None], streams: StreamExamples | None
) -> Exported:
    model = read_model(source)
    if source.half:
        round_initializers(model)
    run = model_runner(model, source.name)
    if streams is not None:
        streams.connect(run)
    fixed = name_axes(source, model)
    return Exported(run, [write_onnx(source, model, folder, progress)], fixed)
