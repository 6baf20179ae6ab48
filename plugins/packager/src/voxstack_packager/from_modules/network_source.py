"""From a module that ran in a rehearsal to the declaration of its network."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from voxstack_packager.from_modules.adapter import OutputPlan, adapted, formed
from voxstack_packager.from_modules.module_inputs import (
    as_examples,
    declare_inputs,
    input_sizes,
    plan_inputs,
    with_steps,
)
from voxstack_packager.from_modules.module_outputs import plan_outputs
from voxstack_packager.from_modules.output_axes import own_axis
from voxstack_packager.from_modules.rehearsal import Rehearsal
from voxstack_packager.from_modules.trial import Trial, runs_batches, try_module
from voxstack_packager.from_modules.voice_source import ModuleSource
from voxstack_packager.sources import NetworkSource

STREAMS = ("samples", "spectra", "mel", "latents")
"""Outputs that a stream begins with, of a network that gives several of a length of their own."""


class Inferred(NamedTuple):
    """A network as it was found out.

    :param variant: the form of the stream that it reads, and ``others``: those that it accepts as well.
    :param outputs: its outputs, in each utterance, without the batch axis.
    :param whole: the output that has a length of its own, of a network that reads no stream.
    """

    network: NetworkSource
    variant: str
    others: list[str]
    outputs: list[dict[str, np.ndarray]]
    whole: str | None


def infer_network(source: ModuleSource, name: str, state: Rehearsal, following: str | None) -> Inferred:
    """Run a module in a rehearsal, and return its network.

    :param following: name of the stream that the next network reads, if that is known.
    :raises PackagingError: if its inputs or outputs cannot be found out, with what to state.
    """
    inputs, read = plan_inputs(source, name, state)
    entries = [{p.name: u[p.name] for p in inputs if p.kind == "value" and p.name != read} for u in state.utterances]
    variants = {"": entries}
    if read is not None:
        made = state.streams().items()
        variants = {form: [{**entry, read: x} for entry, x in zip(entries, xs, strict=True)] for form, xs in made}
    trial = try_module(name, source.module, inputs, source.constants, variants)
    sizes = input_sizes(trial, read, state)
    plans = plan_outputs(source, name, trial, sizes, read, following)
    batched = runs_batches(source.module, trial, [plan.place for plan in plans])
    trial = trial._replace(call=trial.call._replace(batched=batched))
    results = [{plan.name: formed(result[plan.place], plan)[0] for plan in plans} for result in trial.results]
    audio = any(plan.name in ("samples", "spectra") for plan in plans)
    network = NetworkSource(
        name=name,
        role="encoder" if read is None else "vocoder" if audio else "decoder",
        module=adapted(source.module, trial.call, plans),
        inputs=declare_inputs(trial, sizes),
        outputs={plan.name: (str(results[0][plan.name].dtype), _axes(plan, trial)) for plan in plans},
        examples=as_examples(trial),
        streaming=None if read is None else "frames",
        stream_input=read if read is not None and len(with_steps(trial, read)) > 1 else None,
        stateful=read is not None,
        fallback=True,
        half=source.half,
        formats=source.formats,
        description=source.description,
    )
    own = [plan.name for plan in plans if read is None and own_axis(plan, sizes) is not None]
    whole = next((known for known in STREAMS if known in own), own[0] if own else None)
    return Inferred(network, trial.variant, trial.others, results, whole)


def _axes(plan: OutputPlan, trial: Trial) -> list[str | int]:
    return list(plan.axes if trial.call.batched else plan.axes[1:])


def snake_case(name: str) -> str:
    """Return the name of a network for that of a class: ``TextEncoder`` is ``text_encoder``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
