"""How long output axes are that no input has."""

from __future__ import annotations

from voxstack.networks import Runner
from voxstack_packager.measure import MakeExamples
from voxstack_packager.signature import Signed, axes, sizes_of

STEPS = (13, 24, 40)
"""Sizes that each input axis is tried at, in turn."""


def output_lengths(run: Runner, signed: Signed, examples: MakeExamples) -> dict[str, dict[str, str | int]]:
    """For output axes that are a whole number of times as long as one input axis, whatever the others are: that axis and the factor.

    An axis whose length depends on what the inputs hold, or is another function of their sizes, is left out.
    """
    taken = [axis for axis in axes(signed) if axis != "batch"]
    free = {axis for tensor in signed.outputs.values() for axis in tensor.shape if isinstance(axis, str)} - {
        *taken,
        "batch",
    }
    if not free or not taken:
        return {}
    base = {axis: 17 + 4 * i for i, axis in enumerate(taken)}
    tried = [base, *({**base, axis: steps} for axis in taken for steps in STEPS)]
    seen = []
    for seed, sizes in enumerate(tried):
        made = run(**examples(sizes_of(signed, batch=2, **sizes), seed))
        seen.append(
            {a: size for name, t in signed.outputs.items() for a, size in zip(t.shape, made[name].shape, strict=True)}
        )
    found: dict[str, dict[str, str | int]] = {}
    for axis in sorted(free):
        for source in taken:
            times = seen[0][axis] // base[source]
            if times >= 1 and all(made[axis] == times * sizes[source] for made, sizes in zip(seen, tried, strict=True)):
                found[axis] = {"axis": source, "times": times}
    return found
