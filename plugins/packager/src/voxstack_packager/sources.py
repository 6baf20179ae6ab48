"""Networks that go into an addon: torch modules and ONNX graphs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voxstack.networks import Autoregressive, State, Tensor
from voxstack_packager.errors import PackagingError
from voxstack_packager.own_states.state_checks import check_states
from voxstack_packager.signature import Signature, complete_inputs, fit_examples

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import nn

TensorDeclaration = Tensor | tuple[str, Sequence[str | int]] | tuple[str, Sequence[str | int], bool]
"""A ``Tensor``, or its dtype, its axes and, for a mask input, True."""

Examples = Mapping[str, np.ndarray] | Callable[[np.random.Generator, Mapping[str, int]], Mapping[str, np.ndarray]]
"""Arrays of one example, or a function of a random generator and the size of every named axis that returns them."""

FORMATS = ("onnx", "pt2")


class Source:
    """A network to be packaged, of either kind: its axes, its examples, and how it streams."""

    name: str
    role: str
    inputs: Mapping[str, TensorDeclaration]
    outputs: Mapping[str, TensorDeclaration]
    examples: Examples
    streaming: str | None
    stream_input: str | None
    autoregressive: Autoregressive | None
    states: Mapping[str, State]
    initial: Mapping[str, np.ndarray]
    end: str | None
    half: bool
    description: str

    @property
    def signature(self) -> Signature:
        """The inputs and outputs as tensors with named axes."""
        inputs, outputs = (
            {name: _tensor(declaration) for name, declaration in side.items()} for side in (self.inputs, self.outputs)
        )
        return Signature(inputs, outputs)

    def example_inputs(self, sizes: Mapping[str, int], seed: int = 0) -> dict[str, np.ndarray]:
        """Return example inputs of these sizes, including masks of ones, in the order of ``inputs``.

        Without the states and the end flag of a network that streams with states of its own.

        :raises PackagingError: if the examples do not have the declared dtypes and axes.
        """
        where = f"{self.name}: examples"
        signature = self._given
        if callable(self.examples):
            arrays = dict(self.examples(np.random.default_rng(seed), sizes))
        else:
            arrays = fit_examples(self.examples, signature, sizes, seed, where)
        return complete_inputs(arrays, signature, sizes, where)

    @property
    def _given(self) -> Signature:
        """The signature without the states that no caller provides, and without the end flag."""
        filled = {self.end, *(name for name, state in self.states.items() if not state.provided)}
        signature = self.signature
        return Signature({name: t for name, t in signature.inputs.items() if name not in filled}, signature.outputs)

    def check(self) -> None:
        """Check everything that can be checked without running the network.

        :raises PackagingError: for the first mistake.
        """
        if self.states or self.end is not None or (self.initial and self.autoregressive is None):
            forms = self.streaming is not None, self.autoregressive is not None
            check_states(self.name, self.signature, self.states, self.end, *forms)
        axis = self.streaming
        if axis is None:
            return
        states = [] if self.autoregressive else self.states
        streams = [
            name
            for name, tensor in self._given.inputs.items()
            if axis in tensor.shape and not tensor.mask and name not in states
        ]
        if not streams or self.stream_input not in (None, *streams):
            requested = self.stream_input or "along"
            raise PackagingError(self.name, f"cannot stream {requested} {axis!r}: inputs with that axis are {streams}")
        if len(streams) > 1 and self.stream_input is None:
            problem = f"inputs {streams} have the axis {axis!r}; set 'stream_input' to the one that is the stream"
            raise PackagingError(self.name, problem)


@dataclass
class NetworkSource(Source):
    """A torch module to be packaged.

    :param role: purpose of the network: ``encoder``, ``decoder``, ``vocoder``, ...
    :param module: called with its inputs by name if its ``forward`` has parameters of all their names, else in the
        order of ``inputs``; returns a tensor, a sequence in the order of ``outputs``, or a mapping by their names.
    :param inputs: dtype and axes of each input, e.g. ``{"frames": ("float32", ["batch", "frames", 80]),
        "mask": ("float32", ["batch", "frames"], True)}``; the True marks a mask.
    :param outputs: likewise. The module determines the length of an axis that no input has (``samples``, say).
    :param examples: realistic inputs, for measurements and golden vectors. Arrays are cut or repeated along their
        named axes; a function, ``examples(rng, {"batch": 2, "frames": 64})``, returns arrays of exactly these sizes.
        Masks may be left out.
    :param streaming: the axis along which the network can run in windows, or None: whole utterances only.
    :param stream_input: the input that is the stream, where several have that axis.
    :param autoregressive: the outputs that are the frames, the end and the attention of a step, and the states carried
        to the next step, for a network that computes frames step by step from its own; it has no ``streaming``.
    :param states: the states of a module that takes and returns states of its own, by input name; with ``streaming``.
        ``examples`` leave them out, but for those that the utterance provides.
    :param initial: values of states before the first call, by input name, without the batch axis; others are zeros.
        Those of an autoregressive network, too.
    :param end: the int64 input of shape [1] that is 1 in the last call of a stream, for a module with ``states`` whose
        output is late.
    :param stateful: also write the stateful form, which computes every step of a stream once.
    :param fallback: where there is no stateful form, stream in windows, and where that is not exact, run on whole
        utterances only; the reason is reported and kept in ``measured.fallback``. Otherwise that is an error.
    :param half: store float32 weights as float16 and compute in float32: half the size, weights rounded to 11 bits.
    :param formats: ``onnx`` and, after it, ``pt2``: a few kilobytes, as it shares the weights of the first. Leave it
        out where torch cannot export the module to it, or no one runs the network in torch.
    """

    name: str
    role: str
    module: nn.Module
    inputs: Mapping[str, TensorDeclaration]
    outputs: Mapping[str, TensorDeclaration]
    examples: Examples
    streaming: str | None = None
    stream_input: str | None = None
    autoregressive: Autoregressive | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    initial: Mapping[str, np.ndarray] = field(default_factory=dict)
    end: str | None = None
    stateful: bool = False
    fallback: bool = False
    half: bool = True
    formats: Sequence[str] = FORMATS
    description: str = ""

    def check(self) -> None:
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown or "onnx" not in self.formats:
            formats = list(self.formats)
            raise PackagingError(
                self.name, f"formats {formats} must hold 'onnx', which is measured, and may hold 'pt2'"
            )
        if any(part.training for part in self.module.modules()):
            problem = "the module is in training mode, where dropout and norms behave otherwise; call module.eval()"
            raise PackagingError(self.name, problem)
        if self.stateful and self.states:
            raise PackagingError(self.name, "has states of its own, so no other form is derived; leave 'stateful' out")
        if self.stateful and self.streaming is None:
            raise PackagingError(self.name, "stateful needs the axis that is the stream; set 'streaming' to it")
        if self.autoregressive is not None and self.streaming is not None:
            problem = "an autoregressive network computes its own frames and reads no stream; leave 'streaming' out"
            raise PackagingError(self.name, problem)
        super().check()


@dataclass
class OnnxSource(Source):
    """An ONNX graph to be packaged as it is. It is measured as a torch module is, and needs no torch.

    Its free axes are renamed as declared; large weights are stored beside it. Where it streams and has a stateful form,
    that is written, too; otherwise it streams in windows, and the progress lines report why.

    :param role: purpose of the network: ``encoder``, ``decoder``, ``vocoder``, ...
    :param model: the graph, or its file. Anything random in it must be an input.
    :param inputs: dtype and axes of each input in the order of the graph, as in :class:`NetworkSource`; ``outputs``
        likewise.
    :param examples: realistic inputs, as in :class:`NetworkSource`.
    :param streaming: the axis along which the network can run in windows, or None: whole utterances only.
    :param stream_input: the input that is the stream, where several have that axis.
    :param states: the states of a graph that takes and returns states of its own, with ``initial`` and ``end``, as in
        :class:`NetworkSource`.
    :param golden: inputs and outputs of the original that this graph is a part of, as golden vectors; the graph is
        refused if it does not produce the same. By default they are its own.
    :param half: store float32 weights as float16 and compute in float32: half the size, weights rounded to 11 bits.
    """

    name: str
    role: str
    model: ModelProto | str | os.PathLike[str]
    inputs: Mapping[str, TensorDeclaration]
    outputs: Mapping[str, TensorDeclaration]
    examples: Examples
    streaming: str | None = None
    stream_input: str | None = None
    autoregressive: Autoregressive | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    initial: Mapping[str, np.ndarray] = field(default_factory=dict)
    end: str | None = None
    golden: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]] | None = None
    half: bool = False
    description: str = ""


def _tensor(declaration: TensorDeclaration) -> Tensor:
    if isinstance(declaration, Tensor):
        return declaration
    dtype, shape, *mask = declaration
    return Tensor(dtype, tuple(shape), bool(mask and mask[0]))
