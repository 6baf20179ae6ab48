"""Comparison of an addon's networks, and of its whole stack, with their golden vectors.

:func:`check_networks` and :func:`check_stack` run in a worker process and return :class:`Outcome` mappings, which are
    plain JSON; :func:`judge` applies the limit to them in the parent process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

from voxstack import AddonError, ContextError, RequestError, VoxstackError
from voxstack.errors import describe
from voxstack.networks import Network, first_states
from voxstack.streaming.windows import pulls
from voxstack_addon_spec import AddonFiles, open_addon
from voxstack_bench.golden.vectors import SPEECH, network_vectors, relative_error, speech_vectors, unmatched_files
from voxstack_bench.stream_timing import time_stream, time_synthesis

if TYPE_CHECKING:
    from voxstack import Voice
    from voxstack.networks.addon import Addon

Arrays = Mapping[str, np.ndarray]

State = Literal["pass", "fail", "not checked"]

LIMIT = 1e-3
"""Largest error of an output that passes by default, relative to the largest magnitude of its golden vector."""


class Outcome(TypedDict):
    """One comparison before the limit is applied.

    ``subject`` is a network, ``NETWORK, stateful``, ``speech``, ``speech, streamed``, or a file; ``error`` the
    relative error (None: not compared); ``problem`` the reason of a failure, which is a context that is
    ``unavailable`` or anything else; ``note`` the reason why there was nothing to compare.
    """

    subject: str
    error: float | None
    problem: str | None
    note: str
    unavailable: bool


@dataclass(frozen=True)
class Comparison:
    """One comparison in one context, with its verdict.

    :param subject: a network, ``NETWORK, stateful``, ``speech`` (the whole stack), ``speech, streamed``, or a file.
    :param error: largest difference, relative to the largest magnitude of the golden output; None: not compared.
    :param note: the reason of a failure, or why it was not checked.
    """

    subject: str
    state: State
    error: float | None
    note: str = ""


def judge(outcomes: Iterable[Outcome], limit: float, explicit: bool) -> tuple[Comparison, ...]:
    """Return the verdict on each outcome. Only what is proven to be within the limit passes.

    :param explicit: whether the caller requested the context, so that a network that is unavailable in it fails.
    """
    comparisons = []
    for outcome in outcomes:
        subject, error, problem = outcome["subject"], outcome["error"], outcome["problem"]
        if problem is not None and outcome["unavailable"] and not explicit:
            comparisons.append(Comparison(subject, "not checked", None, f"unavailable here: {problem}"))
        elif problem is not None:
            comparisons.append(Comparison(subject, "fail", error, problem))
        elif error is None:
            comparisons.append(Comparison(subject, "not checked", None, outcome["note"]))
        else:
            comparisons.append(Comparison(subject, "pass" if error <= limit else "fail", error, outcome["note"]))
    return tuple(comparisons)


def overall_state(comparisons: Iterable[Comparison]) -> State:
    """Return ``fail`` if any comparison failed, else ``pass`` if any passed, else ``not checked``."""
    states = {comparison.state for comparison in comparisons}
    decisive: tuple[State, ...] = ("fail", "pass")
    return next((state for state in decisive if state in states), "not checked")


def check_stack(voice: Voice | None, text: str | None) -> tuple[list[Outcome], dict[str, float]]:
    """Compare a voice's speech with the golden speech; return the outcomes, and figures of the synthesis.

    :param voice: None for an addon without a stack.
    :param text: for the figures of a voice without golden speech; None: such a voice has no figures.
    :returns: as figures, ``ttfa_s`` of the first request, and ``rtf``, ``cpu`` and ``audio_s`` of the whole text after
        it.
    """
    if voice is None:
        return [_outcome("speech", note="no stack: it lends its networks")], {}
    try:
        golden = speech_vectors(voice.addon.files)
    except AddonError as error:
        return [_outcome("speech", problem=str(error))], {}
    try:
        if golden is None:
            return [_outcome("speech", note=f"it has no {SPEECH}")], {} if text is None else _figures(voice, text)
        ttfa_s, streamed = time_stream(voice, golden.text, golden.controls, whole=True)
        figures, samples = time_synthesis(voice, golden.text, golden.controls)
    except Exception as error:  # any error of a stack is the verdict on it
        return [_failure("speech", error)], {}
    found = {"speech": samples, "speech, streamed": streamed}
    outcomes = [_compare(subject, array, golden.samples) for subject, array in found.items()]
    return outcomes, {"ttfa_s": ttfa_s, **figures}


def check_networks(addon: Addon) -> Iterator[Outcome]:
    """Compare each network, also in its stateful form where the context supports it; report unmatched golden files."""
    for name in addon.networks:
        yield from _check_network(addon, name)
    for file in unmatched_files(addon.config):
        yield _outcome(file, problem="is listed as golden, but belongs to no network of this addon")


def describe_error(error: Exception) -> str:
    """Return the message of an error, with the class of one that voxstack does not raise on purpose."""
    try:
        return str(error) if isinstance(error, VoxstackError) else repr(error)
    except Exception:  # its own method fails
        return describe(error)


def is_unavailable(error: BaseException | None) -> bool:
    """Return whether an error was caused by a context that is unavailable."""
    while error is not None and not isinstance(error, ContextError):
        error = error.__cause__
    return error is not None


def _figures(voice: Voice, text: str) -> dict[str, float]:
    try:
        ttfa_s, _ = time_stream(voice, text, {}, whole=True)
        return {"ttfa_s": ttfa_s, **time_synthesis(voice, text, {})[0]}
    except RequestError:  # nothing in the text can be pronounced, or a control without a default is required
        return {}


def _check_network(addon: Addon, name: str) -> Iterator[Outcome]:
    try:
        inputs, outputs = network_vectors(*_owner(addon, name), addon.networks[name])
        network = addon.network(name)
        found = network(**_with_states(network, inputs))
    except Exception as error:  # any error of a runtime is the verdict on this network
        yield _failure(name, error)
        return
    yield _compare_all(name, found, outputs)
    if network.spec.streaming is not None and not network.spec.streaming.states:
        yield from _check_stateful(addon, name, inputs, outputs)


def _check_stateful(addon: Addon, name: str, inputs: Arrays, outputs: Arrays) -> Iterator[Outcome]:
    subject = f"{name}, stateful"
    try:
        network = addon.stream_network(name)
        if network.spec.streaming is None or not network.spec.streaming.states:
            return
        masks = [inputs[key] for key, tensor in addon.networks[name].inputs.items() if tensor.mask and key in inputs]
        if not all(mask.all() for mask in masks):
            yield _outcome(subject, note="its golden vectors are padded, and a stateful network has no masks")
            return
        found = _run_in_parts(network, inputs)
    except Exception as error:  # as above
        yield _failure(subject, error)
        return
    yield _compare_all(subject, found, outputs)


def _owner(addon: Addon, name: str) -> tuple[AddonFiles, str]:
    """Return the files of the addon that owns a network, and the network's name there."""
    config = addon.config["networks"][name]
    if "addon" not in config:
        return addon.files, name
    return open_addon(addon.registry.addon(config["addon"])), config["network"]


def _with_states(network: Network, inputs: Arrays) -> dict[str, np.ndarray]:
    """Return the inputs and, for a stateful network, the states and the end input of a call that is first and last."""
    streaming = network.spec.streaming
    if streaming is None or not streaming.states:
        return dict(inputs)
    batch = max((len(inputs[name]) for name in network.spec.needs if network.spec.inputs[name].batched), default=1)
    end = {streaming.end: np.ones(1, np.int64)} if streaming.end else {}
    return {**first_states(network.spec, batch), **end, **inputs}


def _run_in_parts(network: Network, inputs: Arrays) -> dict[str, np.ndarray]:
    """Return the outputs of a stateful network for all rows, in two calls, or in one if its lookahead requires it."""
    spec = network.spec
    streaming = spec.streaming
    assert streaming is not None, "only a network with 'streaming' has a stateful form"
    shapes = {name: spec.inputs[name].shape for name in spec.needs}
    axes = {name: shape.index(streaming.axis) for name, shape in shapes.items() if streaming.axis in shape}
    steps = np.arange(inputs[streaming.input].shape[axes[streaming.input]])
    states: Arrays = first_states(spec, len(inputs[streaming.input])) | {name: inputs[name] for name in spec.provided}
    parts = []
    for indices, last in pulls(np.array_split(steps, 2), streaming.right):
        part = {name: inputs[name].take(indices, axes[name]) if name in axes else inputs[name] for name in spec.needs}
        end = {streaming.end: np.array([last], np.int64)} if streaming.end else {}
        outputs = network(**part, **states, **end)
        states = {name: outputs[state.next] for name, state in streaming.states.items()}
        parts.append(outputs)
    time_axes = {name: 1 if spec.outputs[name].batched else 0 for name in spec.streamed}
    return {name: np.concatenate([part[name] for part in parts], time_axes[name]) for name in spec.streamed}


def _compare_all(subject: str, found: Arrays, expected: Arrays) -> Outcome:
    """Return the outcome of the worst of all outputs."""
    if missing := sorted(expected.keys() - found.keys()):
        return _outcome(subject, problem=f"did not return {missing}")
    outcomes = [_compare(subject, found[name], expected[name]) for name in expected]
    failures = [outcome for outcome in outcomes if outcome["problem"]]
    return failures[0] if failures else max(outcomes, key=lambda outcome: outcome["error"] or 0.0)


def _compare(subject: str, found: np.ndarray, expected: np.ndarray) -> Outcome:
    try:
        return _outcome(subject, error=relative_error(found, expected))
    except ValueError as error:
        return _outcome(subject, problem=str(error))


def _failure(subject: str, error: Exception) -> Outcome:
    return _outcome(subject, problem=describe_error(error), unavailable=is_unavailable(error))


def _outcome(
    subject: str, error: float | None = None, problem: str | None = None, note: str = "", unavailable: bool = False
) -> Outcome:
    return {"subject": subject, "error": error, "problem": problem, "note": note, "unavailable": unavailable}
