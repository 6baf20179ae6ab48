"""Lengths of output axes that no input has."""

from __future__ import annotations

from voxstack.networks import Runner
from voxstack_packager.signature import MakeExamples, SignatureLike, default_sizes, input_axes

STEPS = (13, 24, 40)
"""Sizes that each input axis is tried at, in turn."""


def output_lengths(run: Runner, signature: SignatureLike, examples: MakeExamples) -> dict[str, dict[str, str | int]]:
    """Return the input axis and the factor of each output axis that is a whole multiple of it at every size tried.

    An axis whose length depends on the content of the inputs, or is another function of their sizes, is left out.
    """
    sources = [axis for axis in input_axes(signature) if axis != "batch"]
    shapes = (tensor.shape for tensor in signature.outputs.values())
    free = {axis for shape in shapes for axis in shape if isinstance(axis, str)} - {*sources, "batch"}
    if not free or not sources:
        return {}
    base = {axis: 17 + 4 * i for i, axis in enumerate(sources)}
    tried = [base, *({**base, axis: steps} for axis in sources for steps in STEPS)]
    measured = []
    for seed, sizes in enumerate(tried):
        outputs = run(**examples(default_sizes(signature, batch=2, **sizes), seed))
        measured.append(
            {
                axis: size
                for name, tensor in signature.outputs.items()
                for axis, size in zip(tensor.shape, outputs[name].shape, strict=True)
            }
        )
    lengths: dict[str, dict[str, str | int]] = {}
    for axis in sorted(free):
        for source in sources:
            times = measured[0][axis] // base[source]
            pairs = zip(measured, tried, strict=True)
            if times >= 1 and all(found[axis] == times * sizes[source] for found, sizes in pairs):
                lengths[axis] = {"axis": source, "times": times}
    return lengths
