"""Several networks as one: a call less for each, and one graph in which a runtime, or a chip, sees all of them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import VoxstackError
from voxstack.networks import NetworkSpec, Runner, Tensor
from voxstack_packager.claims import BATCH_ERROR, IGNORES, MASK_ERROR, MIXES, NOISY, allowed
from voxstack_packager.errors import PackagingError
from voxstack_packager.forms import tensors
from voxstack_packager.measure import MakeExamples, against, batch_invariance, deterministic, mask_exactness, scales
from voxstack_packager.runners import onnx_runner
from voxstack_packager.sharing import save_together
from voxstack_packager.signature import Signature, complete, cut_or_repeated, sizes_of
from voxstack_packager.sources import Examples

if TYPE_CHECKING:
    from onnx import ModelProto

PARTS_ERROR = 1e-6
"""Largest difference of an output from that of its part, relative to its scale."""

DIFFERS = "gives another output than the networks that it is made of"


def fuse(
    networks: Sequence[NetworkSpec],
    name: str,
    folder: str | os.PathLike[str],
    *,
    role: str | None = None,
    examples: Examples | None = None,
    progress: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Join networks into one, write its files, and return its entry in addon.json.

    It takes the inputs of all of them, those of one name once, and gives all their outputs. What one gives and another takes by that
    name goes from the one to the other. ``NAME.onnx`` holds all weights, or lies beside ``NAME.onnx.data`` if weights of a part lay
    beside its symbol; equal ones are then written once.

    :param networks: as ``Addon.networks`` has them, each with an ONNX export; none of them streams.
    :param role: what the network is for; the role of its parts, if they have one in common.
    :param examples: inputs to measure with, as ``NetworkSource`` takes them; the golden vectors of the parts, unless given.
    :raises PackagingError: saying why they cannot be one, or how far one is from its parts.
    """
    order = _in_order(networks, name)
    signature, lengths = _signature(order, name), _lengths(order, name)
    roles = sorted({spec.role for spec in order})
    if role is None and len(roles) > 1:
        raise PackagingError(name, f"is made of networks of the roles {roles}; say with 'role' what it is for")
    beside = any(len(spec.exports["onnx"]) > 1 for spec in order)
    make = _examples(order, signature, examples, name)
    with tempfile.TemporaryDirectory(
        prefix=f".{name}-", dir=folder
    ) as scratch:  # so that what is refused leaves nothing behind
        exports = _write(_joined(order, name), name, Path(scratch), beside)
        try:
            measured = _measured(Path(scratch, exports["symbol"]), order, signature, make, name)
        except VoxstackError:
            raise
        except Exception as error:  # ONNX Runtime's own have no class in common
            raise PackagingError(name, f"does not run: {error}") from error
        Path(folder, "golden").mkdir(exist_ok=True)
        for made in Path(scratch).iterdir():
            made.replace(Path(folder, "golden", made.name) if made.suffix == ".npz" else Path(folder, made.name))
    progress(f"{name}: {' + '.join(spec.name for spec in order)}; {json.dumps(measured)}")
    entry: dict[str, Any] = {
        "role": role or roles[0],
        "inputs": tensors(signature.inputs),
        "outputs": tensors(signature.outputs),
    }
    return {**entry, **({"lengths": lengths} if lengths else {}), "exports": [exports], "measured": measured}


def _in_order(networks: Sequence[NetworkSpec], name: str) -> list[NetworkSpec]:
    """The networks, each after those that give what it takes; otherwise as they were listed.

    :raises PackagingError: for networks that cannot be joined whatever is in them.
    """
    if len({spec.name for spec in networks}) < max(2, len(networks)):
        raise PackagingError(name, "is made of two networks or more, each given once")
    for spec in networks:
        if "onnx" not in spec.exports:
            raise PackagingError(name, f"{spec.name!r} has no ONNX export, which is what can be joined")
        if spec.streaming is not None:
            raise PackagingError(
                name,
                f"{spec.name!r} streams; join networks that run once an utterance, and let this one stream by itself",
            )
    makers: dict[str, str] = {}
    for spec in networks:
        for output in spec.outputs:
            if makers.setdefault(output, spec.name) != spec.name:
                raise PackagingError(name, f"both {makers[output]!r} and {spec.name!r} give {output!r}; leave one out")
    by_name = {spec.name: spec for spec in networks}
    takes = {spec.name: [makers[key] for key in spec.inputs if key in makers] for spec in networks}
    try:
        return [by_name[key] for key in TopologicalSorter(takes).static_order()]
    except CycleError as error:
        raise PackagingError(name, f"these need each other: {' -> '.join(error.args[1])}") from error


def _signature(order: Sequence[NetworkSpec], name: str) -> Signature:
    """What all of them take that none gives, and give.

    :raises PackagingError: where two mean different things by one name.
    """
    seen: dict[str, tuple[str, Tensor]] = {}
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}
    for spec in order:
        for key, tensor in spec.inputs.items():
            other, known = seen.setdefault(key, (f"{spec.name!r} takes", tensor))
            if known != tensor:
                problem = f"{other} {key!r} as {_told(known)}, and {spec.name!r} takes it as {_told(tensor)}; they must be alike to be one"
                raise PackagingError(name, problem)
            if key not in outputs:
                inputs[key] = tensor
        for key, tensor in spec.outputs.items():
            outputs[key] = tensor
            seen[key] = (f"{spec.name!r} gives", tensor)
    return Signature(inputs, outputs)


def _told(tensor: Tensor) -> str:
    return f"{'mask ' if tensor.mask else ''}{tensor.dtype} {list(tensor.shape)}"


def _lengths(order: Sequence[NetworkSpec], name: str) -> dict[str, Any]:
    """How long axes of outputs are that no input has.

    :raises PackagingError: for an axis whose name means something else in another network.
    """
    found: dict[str, Any] = {}
    for spec in order:
        own = _axes(spec.inputs.values())
        for axis in _axes(spec.outputs.values()) - own:
            for other in order:
                fed = {key: tensor for key, tensor in other.inputs.items() if key in spec.outputs}
                if axis in _axes(other.inputs.values()) - _axes(fed.values()):
                    problem = f"{spec.name!r} gives an axis {axis!r} of its own, and {other.name!r} takes one of that name; rename one"
                    raise PackagingError(name, problem)
        for axis, length in spec.lengths.items():
            entry = {"axis": length.axis, "times": length.times}
            if found.setdefault(axis, entry) != entry:
                raise PackagingError(
                    name, f"the axis {axis!r} is {found[axis]} in one network and {entry} in another; rename one"
                )
    return found


def _axes(tensors: Iterable[Tensor]) -> set[str]:
    return {axis for tensor in tensors for axis in tensor.shape if isinstance(axis, str)}


def _joined(order: Sequence[NetworkSpec], name: str) -> ModelProto:
    """One model of all: everything in a part has the name of the part before its own, but for inputs and outputs of the whole."""
    import onnx
    from onnx import compose, helper

    models = {spec.name: onnx.load(spec.export("onnx", "onnx")) for spec in order}
    newest = max(model.ir_version for model in models.values())
    made, glue = onnx.ModelProto(), []
    makers: dict[str, str] = {}  # of outputs, by their own names: the names with that of the part before
    inputs: dict[str, Any] = {}
    try:
        for part, model in models.items():
            model.ir_version = newest
            inner = {value.name: f"{part}/{value.name}" for value in (*model.graph.input, *model.graph.output)}
            fed = [(makers[value.name], inner[value.name]) for value in model.graph.input if value.name in makers]
            own = {value.name: value for value in model.graph.input if value.name not in makers}
            glue += [helper.make_node("Identity", [key], [inner[key]], name=f"{inner[key]}.take") for key in own]
            inputs |= own
            makers |= {value.name: inner[value.name] for value in model.graph.output}
            prefixed = compose.add_prefix(model, f"{part}/")
            made = (
                compose.merge_models(made, prefixed, fed, outputs=[*makers.values()]) if made.graph.node else prefixed
            )
        gives = [helper.make_node("Identity", [inner], [key], name=f"{inner}.give") for key, inner in makers.items()]
        outputs = [value for model in models.values() for value in model.graph.output]
        parts = {"initializer": made.graph.initializer, "sparse_initializer": made.graph.sparse_initializer}
        graph = helper.make_graph([*glue, *made.graph.node, *gives], name, [*inputs.values()], outputs, **parts)
        whole = helper.make_model(graph, opset_imports=made.opset_import, functions=made.functions, ir_version=newest)
        onnx.checker.check_model(whole)
    except (ValueError, onnx.checker.ValidationError) as error:
        raise PackagingError(name, f"the files cannot be joined: {error}") from error
    return whole


def _write(model: ModelProto, name: str, folder: Path, beside: bool) -> dict[str, str]:
    """Write the files, and return their entry in ``exports``."""
    symbol, parameters = folder / f"{name}.onnx", folder / f"{name}.onnx.data"
    if beside:
        save_together({symbol: model}, parameters)
    else:
        symbol.write_bytes(model.SerializeToString(deterministic=True))
    return {"format": "onnx", "symbol": symbol.name, **({"parameters": parameters.name} if beside else {})}


def _one_by_one(order: Sequence[NetworkSpec]) -> Runner:
    """The parts, run one after the other."""
    runs = [(spec, onnx_runner(spec.export("onnx", "onnx"))) for spec in order]

    def run(**arrays: np.ndarray) -> Mapping[str, np.ndarray]:
        made: dict[str, np.ndarray] = {}
        for spec, part in runs:
            made.update(part(**{key: made[key] if key in made else arrays[key] for key in spec.inputs}))
        return made

    return run


def _examples(order: Sequence[NetworkSpec], signature: Signature, given: Examples | None, name: str) -> MakeExamples:
    if given is None:
        shown: dict[str, np.ndarray] = {}
        for spec in order:
            try:
                with np.load(spec.path(f"golden/{spec.name}.npz"), allow_pickle=False) as golden:
                    wanted = [
                        key
                        for key in spec.inputs
                        if key in signature.inputs and not spec.inputs[key].mask and key not in shown
                    ]
                    shown |= {key: golden[f"inputs.{key}"] for key in wanted}
            except (OSError, KeyError, VoxstackError) as error:
                raise PackagingError(
                    name, f"{spec.name!r} has no golden vectors to take examples from ({error}); give 'examples'"
                ) from error
        given = shown

    def make(sizes: Mapping[str, int], seed: int) -> Mapping[str, np.ndarray]:
        made = (
            given(np.random.default_rng(seed), sizes)
            if callable(given)
            else cut_or_repeated(given, signature, sizes, seed, name)
        )
        return complete(made, signature, sizes, name)

    return make


def _measured(
    path: Path, order: Sequence[NetworkSpec], signature: Signature, examples: MakeExamples, name: str
) -> dict[str, Any]:
    """What was found, as addon.json has it; golden vectors are written beside the file.

    :raises PackagingError: if something is further off than may be.
    """
    run, parts = onnx_runner(path), _one_by_one(order)
    measured: dict[str, Any] = {
        "scale": {key: float(f"{value:.3g}") for key, value in scales(run, signature, examples).items()}
    }
    measured["deterministic"] = deterministic(run, signature, examples)
    if not measured["deterministic"]:
        raise PackagingError(name, NOISY)
    measured["parts_error"] = allowed(name, against(run, parts, signature, examples), PARTS_ERROR, DIFFERS)
    measured["batch_error"] = allowed(name, batch_invariance(run, signature, examples), BATCH_ERROR, MIXES)
    masks = mask_exactness(run, signature, examples)
    measured["mask_error"] = {
        axis: allowed(name, error, MASK_ERROR, IGNORES.format(axis=axis)) for axis, error in masks.items()
    }
    inputs = examples(sizes_of(signature), 7)
    named = (("inputs", inputs), ("outputs", run(**inputs)))
    arrays = {f"{side}.{key}": array for side, given in named for key, array in given.items()}
    np.savez_compressed(path.with_name(f"{name}.npz"), **arrays)  # type: ignore[arg-type]
    return measured
