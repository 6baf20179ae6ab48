"""Compares what networks give with what they are to give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import ContextError, VoxstackError
from voxstack.networks import Network, first_states
from voxstack.streaming.windows import pulls
from voxstack_bench.golden import difference

Arrays = Mapping[str, np.ndarray]

Row = dict[str, Any]
"""``what`` was compared, its ``error`` (None: not compared), a ``problem``, whether that is one of a context that is ``unavailable``, or
a ``note`` why it could not be compared."""


def row(
    what: str, error: float | None = None, problem: str | None = None, note: str = "", unavailable: bool = False
) -> Row:
    """Return a row."""
    return {"what": what, "error": error, "problem": problem, "note": note, "unavailable": unavailable}


def failed(what: str, error: Exception) -> Row:
    """Return a row on something that raised an error."""
    return row(what, problem=told(error), unavailable=is_unavailable(error))


def told(error: Exception) -> str:
    """Return what an error says; one that was not raised on purpose, with its kind."""
    return str(error) if isinstance(error, VoxstackError) else repr(error)


def is_unavailable(error: BaseException | None) -> bool:
    """Whether a context that cannot be had is behind an error."""
    while error is not None and not isinstance(error, ContextError):
        error = error.__cause__
    return error is not None


def compared(what: str, found: np.ndarray, wanted: np.ndarray) -> Row:
    """Return a row on one array."""
    try:
        return row(what, error=difference(found, wanted))
    except ValueError as error:
        return row(what, problem=str(error))


def worst(what: str, found: Arrays, wanted: Arrays) -> Row:
    """Return a row on the worst of all outputs."""
    if missing := sorted(wanted.keys() - found.keys()):
        return row(what, problem=f"gave no {missing}")
    rows = [compared(what, found[name], wanted[name]) for name in wanted]
    bad = [one for one in rows if one["problem"]]
    return bad[0] if bad else max(rows, key=lambda one: one["error"])


def filled(network: Network, inputs: Arrays) -> dict[str, np.ndarray]:
    """Return the inputs and, for a network that carries state, what its first and last call has beside them."""
    streaming = network.spec.streaming
    if streaming is None or not streaming.states:
        return dict(inputs)
    batch = max((len(inputs[name]) for name in network.spec.needs if network.spec.inputs[name].batched), default=1)
    end = {streaming.end: np.ones(1, np.int64)} if streaming.end else {}
    return {**first_states(network.spec, batch), **end, **inputs}


def stepped(network: Network, inputs: Arrays) -> dict[str, np.ndarray]:
    """Return what a stateful network gives for all rows, in two parts or as many as its lookahead lets it."""
    spec = network.spec
    streaming = spec.streaming
    assert streaming is not None, "only a network that streams has steps"
    places = {
        name: spec.inputs[name].shape.index(streaming.axis)
        for name in spec.needs
        if streaming.axis in spec.inputs[name].shape
    }
    steps = np.arange(inputs[streaming.input].shape[places[streaming.input]])
    states: Arrays = first_states(spec, len(inputs[streaming.input]))
    parts = []
    for numbers, last in pulls(np.array_split(steps, 2), streaming.right):
        given = {
            name: inputs[name].take(numbers, places[name]) if name in places else inputs[name] for name in spec.needs
        }
        end = {streaming.end: np.array([last], np.int64)} if streaming.end else {}
        made = network(**given, **states, **end)
        states = {name: made[state.next] for name, state in streaming.states.items()}
        parts.append(made)
    along = {name: 1 if spec.outputs[name].batched else 0 for name in spec.streamed}
    return {name: np.concatenate([part[name] for part in parts], along[name]) for name in spec.streamed}
