"""Receptive fields, measured by the outputs that a change of one step affects.

The network runs at one fixed shape, so that the same kernels run, and outputs are compared bit by bit: a tolerance
cannot detect a field that is one step short. One step is changed by moderate amounts (larger ones saturate norms, and
are lost) and, separately, poisoned with NaN (which some rectifiers swallow, where a change passes); the outputs that
either reaches count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from voxstack.networks import Runner
from voxstack_packager.errors import InfiniteField, PackagingError
from voxstack_packager.signature import Arrays, MakeExamples, SignatureLike, default_sizes, time_axis

SHORTEST, LONGEST = 128, 2048
"""Steps of the shortest and longest inputs that are tried; a field that reaches their ends counts as infinite."""

POISONED = range(-3, 5)
"""Steps to poison, relative to the middle: every phase of a stride of up to eight."""

CHANGED = (-9, 0, 6)
AMOUNTS = (1.0, 10.0, 100.0)
"""Steps to change, relative to the middle, and the amounts in standard deviations of the input."""


class ReceptiveField(NamedTuple):
    """Input steps that an output depends on before and after its own, and output steps for each input step."""

    left: int
    right: int
    hop: int

    def union(self, other: ReceptiveField) -> ReceptiveField:
        """Return the smallest field that contains both."""
        return ReceptiveField(max(self.left, other.left), max(self.right, other.right), max(self.hop, other.hop))


def receptive_field(
    run: Runner, signature: SignatureLike, examples: MakeExamples, axis: str, longest: int = LONGEST
) -> ReceptiveField:
    """Measure the receptive field along an axis.

    All inputs with the axis, except masks, are changed together, as they are cut together. An output whose axis
    replaces it under a name of its own (``samples``) has ``hop`` steps for each input step.

    :param examples: returns inputs for a size of every named axis and a seed.
    :param longest: limit of the steps in which the field is looked for.
    :raises PackagingError: if the field reaches the ends of ``longest`` steps, or if the output is not a whole
        multiple of the input: neither can stream in windows.
    """
    length = min(SHORTEST, longest)
    hop = _hop(run, signature, examples, axis)
    while True:
        field = _field_within(run, signature, examples, axis, length, hop)
        if field is not None:
            return field
        if length >= longest:
            raise InfiniteField(
                "receptive_field",
                f"a change of one of {length} steps of {axis!r} reaches the ends: the receptive field is infinite "
                f"(attention, a recurrence, a norm over {axis!r}), so windows cannot be exact; leave 'streaming' out, "
                "set 'stateful' if it is a recurrence that reads no later steps, or change the network",
            )
        length = min(2 * length, longest)


def _output_positions(signature: SignatureLike, axis: str) -> dict[str, int]:
    """Return the position of the streaming axis in each output that has it."""
    positions = {name: time_axis(tensor, axis, signature) for name, tensor in signature.outputs.items()}
    return {name: position for name, position in positions.items() if position is not None}


def _hop(run: Runner, signature: SignatureLike, examples: MakeExamples, axis: str) -> int:
    """Return the number of output steps for each input step, found at two lengths."""
    positions = _output_positions(signature, axis)
    if not positions:
        problem = f"no output has the axis {axis!r}, or one of its own that could replace it"
        raise PackagingError("receptive_field", problem)
    ratios: dict[str, set[float]] = {name: set() for name in positions}
    for length in (16, 33):
        outputs = run(**examples(default_sizes(signature, **{axis: length}), 0))
        for name, position in positions.items():
            ratios[name].add(outputs[name].shape[position] / length)
    found = {ratio for values in ratios.values() for ratio in values}
    hop = found.pop()
    if found or hop != int(hop) or hop < 1:
        steps = {name: sorted(values) for name, values in ratios.items()}
        raise PackagingError(
            "receptive_field",
            f"outputs have {steps} steps for each of {axis!r} (at 16 and 33 steps); to stream it must be one whole "
            "number for all: pad convolutions to keep the length, crop what transposed ones add",
        )
    return int(hop)


def _field_within(
    run: Runner, signature: SignatureLike, examples: MakeExamples, axis: str, length: int, hop: int
) -> ReceptiveField | None:
    """Return the field as measured within this number of steps; None if it reaches their ends."""
    sizes = default_sizes(signature, **{axis: length})
    inputs, others = examples(sizes, 0), examples(sizes, 1)
    plain = {name: np.array(value) for name, value in run(**inputs).items()}
    positions = _output_positions(signature, axis)
    left = right = 0
    any_reached = False
    for step, probe in _probes(signature, inputs, others, axis, length):
        outputs = run(**probe)
        changed = [_changed_steps(plain[name], outputs[name], position) for name, position in positions.items()]
        reached = np.unique(np.concatenate(changed)) // hop
        if not len(reached):
            continue
        any_reached = True
        if reached[0] == 0 or reached[-1] == length - 1:
            return None
        left, right = max(left, int(reached[-1]) - step), max(right, step - int(reached[0]))
    if not any_reached:
        problem = f"no output changes with any input along {axis!r}; the network ignores its input"
        raise PackagingError("receptive_field", problem)
    return ReceptiveField(left, right, hop)


def _changed_steps(plain: np.ndarray, probed: np.ndarray, position: int) -> np.ndarray:
    """Return the steps along an axis at which two arrays differ in any bit."""
    rows = [
        np.ascontiguousarray(np.moveaxis(array, position, 0)).reshape(array.shape[position], -1).view(np.uint8)
        for array in (plain, probed)
    ]
    return np.nonzero((rows[0] != rows[1]).any(axis=1))[0]


def _probes(
    signature: SignatureLike, inputs: Arrays, others: Arrays, axis: str, length: int
) -> Iterator[tuple[int, Arrays]]:
    """Yield the number of one step, and the inputs with that step changed.

    :param others: further inputs, from which integers are taken.
    """
    positions = {name: t.shape.index(axis) for name, t in signature.inputs.items() if axis in t.shape and not t.mask}
    floats = {name: at for name, at in positions.items() if np.issubdtype(inputs[name].dtype, np.floating)}
    random = np.random.default_rng(0)
    for step in (length // 2 + offset for offset in POISONED):
        if floats:
            yield step, _replace_step(inputs, {name: (at, step, np.nan) for name, at in floats.items()})
    for step in (length // 2 + offset for offset in CHANGED):
        for amount in AMOUNTS:
            values: dict[str, tuple[int, int, object]] = {}
            for name, at in positions.items():
                old = np.take(inputs[name], step, at)
                deviation = float(np.std(inputs[name])) or 1.0 if name in floats else 0.0
                moved = old + amount * deviation * random.standard_normal(old.shape)
                new = moved if name in floats else np.take(others[name], random.integers(length), at)
                values[name] = (at, step, new)
            yield step, _replace_step(inputs, values)


def _replace_step(inputs: Arrays, values: Mapping[str, tuple[int, int, object]]) -> dict[str, np.ndarray]:
    """Return copies of the arrays with other values at one step.

    :param values: position of the axis, number of the step, and values there.
    """
    changed = dict(inputs)
    for name, (position, step, value) in values.items():
        array = np.array(inputs[name])
        np.moveaxis(array, position, 0)[step] = value
        changed[name] = array
    return changed
