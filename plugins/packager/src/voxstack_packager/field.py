"""The receptive field of a network, by what a change of one step changes.

The network runs at one fixed shape, so that the same kernels run, and outputs are compared bit by bit: a tolerance cannot
tell a field that is one step short. One step is changed by moderate amounts (larger ones saturate norms, and are lost) and,
separately, poisoned with NaN (which some rectifiers swallow, where a change gets through); what either reaches, counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from voxstack.networks import Runner
from voxstack_packager.errors import PackagingError
from voxstack_packager.measure import Arrays, MakeExamples
from voxstack_packager.signature import Signed, sizes_of, time_axis

SHORTEST, LONGEST = 128, 2048
"""Steps that the field is looked for in; what reaches farther counts as infinite."""

POISONED = range(-3, 5)
"""Steps to poison, from the middle on: every phase of a stride up to eight."""

CHANGED = (-9, 0, 6)
AMOUNTS = (1.0, 10.0, 100.0)
"""Steps to change, from the middle on, and by how many standard deviations of the input."""


class Field(NamedTuple):
    """Steps that an output sees before and after its own, and output steps for each input step."""

    left: int
    right: int
    hop: int

    def joined(self, other: Field) -> Field:
        """The field that holds both."""
        return Field(max(self.left, other.left), max(self.right, other.right), max(self.hop, other.hop))


def receptive_field(run: Runner, signed: Signed, examples: MakeExamples, axis: str, longest: int = LONGEST) -> Field:
    """Measure the receptive field along an axis.

    All inputs with the axis, but masks, are changed together, as they are cut together. An output whose axis goes on with
    it under a name of its own (``samples``) counts ``hop`` steps for one.

    :raises PackagingError: if the field reaches the ends of ``longest`` steps, or the output is not a whole multiple of the
        input: either cannot stream in windows.
    """
    length = min(SHORTEST, longest)
    hop = _hop(run, signed, examples, axis)
    while True:
        field = _within(run, signed, examples, axis, length, hop)
        if field is not None:
            return field
        if length >= longest:
            raise PackagingError(
                "receptive_field",
                f"a change of one of {length} steps of {axis!r} reaches the ends: the receptive field is infinite (attention, a "
                f"recurrence, a norm over {axis!r}), so windows cannot be exact; leave 'streaming' out, or change the network",
            )
        length = min(2 * length, longest)


def _places(signed: Signed, axis: str) -> dict[str, int]:
    places = {name: time_axis(tensor, axis, signed) for name, tensor in signed.outputs.items()}
    return {name: place for name, place in places.items() if place is not None}


def _hop(run: Runner, signed: Signed, examples: MakeExamples, axis: str) -> int:
    """Output steps for each input step, from two lengths."""
    places = _places(signed, axis)
    if not places:
        raise PackagingError(
            "receptive_field", f"no output has the axis {axis!r}, or one of its own that could go on with it"
        )
    hops: dict[str, set[float]] = {name: set() for name in places}
    for length in (16, 33):
        made = run(**examples(sizes_of(signed, **{axis: length}), 0))
        for name, place in places.items():
            hops[name].add(made[name].shape[place] / length)
    found = {hop for ratios in hops.values() for hop in ratios}
    hop = found.pop()
    if found or hop != int(hop) or hop < 1:
        steps = {name: sorted(ratio) for name, ratio in hops.items()}
        raise PackagingError(
            "receptive_field",
            f"outputs have {steps} steps for each of {axis!r} (at 16 and 33 steps); to stream it must be one whole number for all: "
            "pad convolutions to keep the length, crop what transposed ones add",
        )
    return int(hop)


def _within(run: Runner, signed: Signed, examples: MakeExamples, axis: str, length: int, hop: int) -> Field | None:
    """The field as seen in this many steps; None if it reaches their ends."""
    sizes = sizes_of(signed, **{axis: length})
    inputs, others = examples(sizes, 0), examples(sizes, 1)
    plain = _copied(run(**inputs))
    places = _places(signed, axis)
    left = right = seen = 0
    for step, probe in _probes(signed, inputs, others, axis, length):
        made = run(**probe)
        changed = [_changed(plain[name], made[name], place) for name, place in places.items()]
        reached = np.unique(np.concatenate(changed)) // hop
        if not len(reached):
            continue
        seen += 1
        if reached[0] == 0 or reached[-1] == length - 1:
            return None
        left, right = max(left, int(reached[-1]) - step), max(right, step - int(reached[0]))
    if not seen:
        raise PackagingError(
            "receptive_field", f"no output changes with any input along {axis!r}; the network ignores what it is given"
        )
    return Field(left, right, hop)


def _copied(made: Arrays) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in made.items()}


def _changed(plain: np.ndarray, made: np.ndarray, place: int) -> np.ndarray:
    """Steps at which two arrays differ in any bit."""
    flat = [
        np.ascontiguousarray(np.moveaxis(array, place, 0)).reshape(array.shape[place], -1).view(np.uint8)
        for array in (plain, made)
    ]
    return np.nonzero((flat[0] != flat[1]).any(axis=1))[0]


def _probes(signed: Signed, inputs: Arrays, others: Arrays, axis: str, length: int) -> Iterator[tuple[int, Arrays]]:
    """Inputs with one step changed, and the number of that step."""
    places = {name: t.shape.index(axis) for name, t in signed.inputs.items() if axis in t.shape and not t.mask}
    floats = {name: place for name, place in places.items() if np.issubdtype(inputs[name].dtype, np.floating)}
    random = np.random.default_rng(0)
    for step in (length // 2 + offset for offset in POISONED):
        if floats:
            yield step, _with(inputs, {name: (place, step, np.nan) for name, place in floats.items()})
    for step in (length // 2 + offset for offset in CHANGED):
        for amount in AMOUNTS:
            values = {}
            for name, place in places.items():
                old = np.take(inputs[name], step, place)
                deviation = float(np.std(inputs[name])) or 1.0 if name in floats else 0.0
                moved = old + amount * deviation * random.standard_normal(old.shape)
                values[name] = (
                    place,
                    step,
                    moved if name in floats else np.take(others[name], random.integers(length), place),
                )
            yield step, _with(inputs, values)


def _with(inputs: Arrays, values: Mapping[str, tuple[int, int, object]]) -> dict[str, np.ndarray]:
    """Copies of the arrays, with other values at one step."""
    made = dict(inputs)
    for name, (place, step, value) in values.items():
        array = np.array(inputs[name])
        np.moveaxis(array, place, 0)[step] = value
        made[name] = array
    return made
