"""What an addon says of a network: its arrays, how it streams, its exports."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from voxstack.contexts import Context, Form
from voxstack.errors import ContextError

States = dict[str, np.ndarray]
"""States of a network by the input that takes them, with their batch axis."""


@dataclass(frozen=True)
class Tensor:
    """An input or output: dtype and named axes. A mask input has 1 for real and 0 for padded steps of its last axis."""

    dtype: str
    shape: tuple[str | int, ...]
    mask: bool = False

    @property
    def batched(self) -> bool:
        """Whether the first axis is the batch."""
        return self.shape[:1] == ("batch",)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Tensor:
        """Read the JSON of an input or output, already validated."""
        return cls(config["dtype"], tuple(config["shape"]), config.get("mask", False))


@dataclass(frozen=True)
class State:
    """What is carried from call to call: the output that the next call takes, and the length of a free axis before the first."""

    next: str
    steps: int = 0


@dataclass(frozen=True)
class Length:
    """How long an output axis is: ``times`` as long as an input axis."""

    axis: str
    times: int


@dataclass(frozen=True)
class Streaming:
    """How a network streams: steps of ``axis`` go to ``input``, and ``hop`` steps come out for each.

    Without ``states`` it runs on windows: an output sees ``left`` steps before and ``right`` steps after its own. With
    ``states`` it takes every step once; the first call gives ``right`` steps less than it takes, the last as many more.

    :param states: by the input that takes them; zeros before the first call.
    :param end: the input that is 1 in the last call and 0 before, if ``right`` is more than 0.
    """

    axis: str
    left: int
    right: int
    hop: int
    input: str
    states: Mapping[str, State] = field(default_factory=dict)
    end: str | None = None


@dataclass(frozen=True)
class Autoregressive:
    """How a network makes frames from those that it made before: one call is one step.

    :param frames: output of (batch, frames a step, features).
    :param stop: output of (batch, 1), above 0 in the last step.
    :param states: by the input that takes them; zeros before the first step.
    :param attention: output of (batch, steps of an input), if it tells what it attended.
    :param noise: inputs that are drawn anew for each step, ``normal`` or ``uniform``.
    """

    frames: str
    stop: str
    states: Mapping[str, State]
    attention: str | None = None
    noise: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkSpec:
    """One network of an addon.

    :param digest: hash of its declaration and of its files; networks with one digest are the same.
    :param exports: format (``onnx``, ``pt2``, ...) to file names: the symbol first, then its parameters if they are apart.
    :param path: gives the checked place on disk of a file name.
    :param trusted: whether code in the addon may run; formats that hold code are refused otherwise.
    :param batch_error: how far a row alone was measured to be from the same row in a batch, of its scale; None: not measured.
    :param mask_error: by masked axis, how far padded was measured to be from unpadded, of its scale; None: not measured.
    :param lengths: how long output axes are that no input has.
    :param autoregressive: how it makes frames step by step; such a network has no ``streaming``.
    :param stateful: the same network with state, where a windowed one comes in that form, too.
    """

    name: str
    role: str
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    streaming: Streaming | None
    exports: Mapping[str, tuple[str, ...]]
    digest: str
    path: Callable[[str], Path] = field(repr=False, compare=False)
    trusted: bool = False
    stateful: NetworkSpec | None = None
    batch_error: float | None = None
    mask_error: Mapping[str, float] | None = None
    lengths: Mapping[str, Length] = field(default_factory=dict)
    autoregressive: Autoregressive | None = None

    @classmethod
    def of(
        cls, name: str, config: Mapping[str, Any], digest: str, path: Callable[[str], Path], trusted: bool
    ) -> NetworkSpec:
        """Read the JSON of a network, already validated."""
        inputs, outputs = (
            {key: Tensor.of(value) for key, value in config[side].items()} for side in ("inputs", "outputs")
        )
        exports: dict[str, tuple[str, ...]] = {}
        for export in config["exports"]:
            exports.setdefault(
                export["format"], tuple(export[key] for key in ("symbol", "parameters") if key in export)
            )
        form = None
        if "stateful" in config:
            form = cls.of(name, {"role": config["role"], **config["stateful"]}, f"{digest}.stateful", path, trusted)
        streaming = _streaming(config.get("streaming"), inputs)
        lengths = {axis: Length(**length) for axis, length in config.get("lengths", {}).items()}
        measured = config.get("measured", {})
        errors = measured.get("batch_error"), measured.get("mask_error")
        steps = _autoregressive(config.get("autoregressive"))
        return cls(
            name,
            config["role"],
            inputs,
            outputs,
            streaming,
            exports,
            digest,
            path,
            trusted,
            form,
            *errors,
            lengths,
            steps,
        )

    def export(self, form: str, runtime: str) -> Path:
        """Return the symbol file of one format, its parameters checked beside it.

        :raises ContextError: if the network was not exported in that format.
        """
        if form not in self.exports:
            has = ", ".join(sorted(self.exports))
            raise ContextError(
                f"network {self.name!r}: the {runtime} runtime needs an export of format {form!r}, and it has only {has}"
            )
        symbol, *parameters = (self.path(file) for file in self.exports[form])
        assert all(file.parent == symbol.parent for file in parameters), "the reader keeps an addon's files together"
        return symbol

    @functools.cached_property
    def needs(self) -> frozenset[str]:
        """Names of the inputs that a caller gives; masks are filled in, and so are states, the end, and noise."""
        return frozenset(name for name, tensor in self.inputs.items() if not tensor.mask and name not in self.filled)

    @property
    def form(self) -> Form:
        """How it runs."""
        if self.autoregressive is not None:
            return "autoregressive"
        return "whole" if self.streaming is None else "stateful" if self.streaming.states else "windowed"

    @functools.cached_property
    def filled(self) -> frozenset[str]:
        """Inputs that are neither the caller's nor masks: states, the end, noise."""
        noise = self.autoregressive.noise if self.autoregressive else ()
        return frozenset(
            {*self.states, *noise, *([self.streaming.end] if self.streaming and self.streaming.end else [])}
        )

    @property
    def states(self) -> Mapping[str, State]:
        """What is carried from call to call, by the input that takes it."""
        carrying = self.autoregressive or self.streaming
        return carrying.states if carrying else {}

    @functools.cached_property
    def streamed(self) -> tuple[str, ...]:
        """Names of the outputs that are no state."""
        carried = {state.next for state in self.states.values()}
        return tuple(name for name in self.outputs if name not in carried)

    def length(self, axis: str) -> tuple[str, int] | None:
        """Return the input axis and the factor that give the length of a named axis; None if nothing says so."""
        if any(axis in tensor.shape for tensor in self.inputs.values()):
            return axis, 1
        if axis in self.lengths:
            return self.lengths[axis].axis, self.lengths[axis].times
        if self.streaming is None or self.streaming.states:
            return None
        made = {a for name in self.streamed for a in self.outputs[name].shape if isinstance(a, str)}
        hopped = made - {a for tensor in self.inputs.values() for a in tensor.shape} - self.lengths.keys()
        return (self.streaming.axis, self.streaming.hop) if hopped == {axis} else None

    def first_states(self, batch: int = 1) -> States:
        """The states before the first call of a stream: zeros, read-only."""
        return dict(self._silence) if batch == 1 else self._zeros(batch)

    @functools.cached_property
    def _silence(self) -> States:
        return self._zeros(1)

    def _zeros(self, batch: int) -> States:
        made = {}
        for name, state in self.states.items():
            tensor = self.inputs[name]
            shape = [
                batch if axis == "batch" else state.steps if isinstance(axis, str) else axis for axis in tensor.shape
            ]
            made[name] = np.zeros(shape, tensor.dtype)
            made[name].flags.writeable = False
        return made

    def forms(self, context: Context) -> tuple[NetworkSpec, ...]:
        """The forms in which this network, which streams, may be opened in a context, the best first.

        :raises ContextError: if the context asks for a form that there is not.
        """
        assert self.streaming is not None, "only a network that streams has forms"
        asked, carries = context.streaming, bool(self.streaming.states)
        fixed = sorted({str(axis) for tensor in self.inputs.values() for axis in tensor.shape} & context.shapes.keys())
        problem = ""
        if asked == "windowed" and carries:
            problem = "it carries state, so it cannot run on windows"
        elif asked == "stateful" and not carries and self.stateful is None:
            problem = "it has no stateful form (the packager can make one)"
        elif asked == "stateful" and fixed:
            problem = f"the context also fixes the sizes of {fixed}, and what carries state takes what comes"
        if problem:
            raise ContextError(
                f"network {self.name!r} cannot stream {asked}: {problem}; leave 'streaming' out of the context"
            )
        if carries or asked == "windowed" or fixed or self.stateful is None:
            return (self,)
        return (self.stateful,) if asked else (self.stateful, self)


def _autoregressive(config: Mapping[str, Any] | None) -> Autoregressive | None:
    if config is None:
        return None
    states = {name: State(**state) for name, state in config["states"].items()}
    return Autoregressive(config["frames"], config["stop"], states, config.get("attention"), config.get("noise", {}))


def _streaming(config: Mapping[str, Any] | None, inputs: Mapping[str, Tensor]) -> Streaming | None:
    if config is None:
        return None
    states = {name: State(**state) for name, state in config.get("states", {}).items()}
    axis, filled = config["axis"], {*states, config.get("end")}
    first = next(
        name for name, tensor in inputs.items() if axis in tensor.shape and not tensor.mask and name not in filled
    )
    return Streaming(
        axis,
        config.get("left", 0),
        config["right"],
        config["hop"],
        config.get("input", first),
        states,
        config.get("end"),
    )
