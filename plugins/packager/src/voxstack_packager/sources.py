"""What goes into an addon: torch modules and ONNX graphs with their axes, and networks of other addons."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack.networks import Autoregressive, Tensor
from voxstack_addon_spec import network_hash, open_addon
from voxstack_packager.errors import PackagingError
from voxstack_packager.signature import Signature, complete, cut_or_repeated

if TYPE_CHECKING:
    from onnx import ModelProto
    from torch import nn

Declared = Tensor | tuple[str, Sequence[str | int]] | tuple[str, Sequence[str | int], bool]
"""A ``Tensor``, or its dtype, its axes and, for a mask input, True."""

Examples = Mapping[str, np.ndarray] | Callable[[np.random.Generator, Mapping[str, int]], Mapping[str, np.ndarray]]
"""Arrays of one example, or a function of a random generator and the size of every named axis that makes them."""

FORMATS = ("onnx", "pt2")


class Source:
    """What every network has that is packaged, whatever it is made of: its axes, its examples, and how it streams."""

    name: str
    role: str
    inputs: Mapping[str, Declared]
    outputs: Mapping[str, Declared]
    examples: Examples
    streaming: str | None
    stream_input: str | None
    autoregressive: Autoregressive | None
    half: bool
    description: str

    @property
    def signature(self) -> Signature:
        """The inputs and outputs as tensors with named axes."""
        return Signature(
            *({name: _tensor(value) for name, value in side.items()} for side in (self.inputs, self.outputs))
        )

    def arrays(self, sizes: Mapping[str, int], seed: int = 0) -> dict[str, np.ndarray]:
        """Return example inputs of these sizes, masks of ones among them, in the order of ``inputs``.

        :raises PackagingError: if the examples do not have the declared dtypes and axes.
        """
        where = f"{self.name}: examples"
        signature = self.signature
        if callable(self.examples):
            made = dict(self.examples(np.random.default_rng(seed), sizes))
        else:
            made = cut_or_repeated(self.examples, signature, sizes, seed, where)
        return complete(made, signature, sizes, where)

    def check(self) -> None:
        """Look at everything that can be seen without running the network.

        :raises PackagingError: for the first thing that is wrong.
        """
        axis, inputs = self.streaming, self.signature.inputs
        having = [name for name, tensor in inputs.items() if axis in tensor.shape and not tensor.mask]
        if axis is not None and (not having or self.stream_input not in (None, *having)):
            raise PackagingError(
                self.name, f"cannot stream {self.stream_input or 'along'} {axis!r}: inputs with that axis are {having}"
            )
        if axis is not None and len(having) > 1 and self.stream_input is None:
            raise PackagingError(
                self.name,
                f"inputs {having} have the axis {axis!r}; say with 'stream_input' which of them is the stream",
            )


@dataclass
class NetworkSource(Source):
    """One torch module to be packaged.

    :param role: what the network is for: ``encoder``, ``decoder``, ``vocoder``, ...
    :param module: it is called with its inputs by name where its ``forward`` knows all the names, else in the order of
        ``inputs``, and returns a tensor, a sequence in the order of ``outputs``, or a mapping by their names.
    :param inputs: dtype and axes of each input, e.g. ``{"frames": ("float32", ["batch", "frames", 80]),
        "mask": ("float32", ["batch", "frames"], True)}``; the True says that it is a mask.
    :param outputs: likewise. An axis that no input has (``samples``, say) is as long as the module makes it.
    :param examples: realistic inputs, for measurements and golden vectors. Arrays are cut or repeated along their named
        axes; a function, ``make(rng, {"batch": 2, "frames": 64})``, gives arrays of just these sizes. Masks may be left out.
    :param streaming: the axis along which the network can run in windows, or None: whole utterances only.
    :param stream_input: the input that is the stream, where several have that axis.
    :param autoregressive: which outputs are the frames, the end and the attention of a step, and what is carried to the next, for a
        network that makes frames step by step from its own; it has no ``streaming``.
    :param stateful: make the stateful form, too, in which a stream computes every step once.
    :param half: keep float32 weights as float16 and compute in float32: half the size, weights rounded to 11 bits.
    :param formats: ``onnx``, and ``pt2`` after it: a few kilobytes, as it shares the weights of the first. Leave it out of where torch
        cannot export a module so, or nobody is to run it in torch.
    """

    name: str
    role: str
    module: nn.Module
    inputs: Mapping[str, Declared]
    outputs: Mapping[str, Declared]
    examples: Examples
    streaming: str | None = None
    stream_input: str | None = None
    autoregressive: Autoregressive | None = None
    stateful: bool = False
    half: bool = True
    formats: Sequence[str] = FORMATS
    description: str = ""

    def check(self) -> None:
        unknown = [form for form in self.formats if form not in FORMATS]
        if unknown or "onnx" not in self.formats:
            raise PackagingError(
                self.name, f"formats {list(self.formats)} must hold 'onnx', which is measured, and may hold 'pt2'"
            )
        if any(part.training for part in self.module.modules()):
            raise PackagingError(
                self.name,
                "the module is in training mode, where dropout and norms behave otherwise; call module.eval()",
            )
        if self.stateful and self.streaming is None:
            raise PackagingError(self.name, "stateful needs the axis that is the stream; say it with 'streaming'")
        if self.autoregressive is not None and self.streaming is not None:
            raise PackagingError(
                self.name, "an autoregressive network makes its own frames and reads no stream; leave 'streaming' out"
            )
        super().check()


@dataclass
class OnnxSource(Source):
    """One ONNX graph to be packaged as it is. It is measured as a torch module is, and needs no torch.

    Its free axes are named as declared; the weights lie beside it where they are large. Where it streams and a stateful form of it can
    be made, that is made, too; else it streams in windows, and the log says why.

    :param role: what the network is for: ``encoder``, ``decoder``, ``vocoder``, ...
    :param model: the graph, or its file. What is random in it has to be an input.
    :param inputs: dtype and axes of each input in the order of the graph, as :class:`NetworkSource` takes them; ``outputs`` likewise.
    :param examples: realistic inputs, as :class:`NetworkSource` takes them.
    :param streaming: the axis along which the network can run in windows, or None: whole utterances only.
    :param stream_input: the input that is the stream, where several have that axis.
    :param golden: inputs and outputs that the original gave, of which this graph is a part, as golden vectors; it is refused if it does
        not give the same. What it gives itself, unless given.
    :param half: keep float32 weights as float16 and compute in float32: half the size, weights rounded to 11 bits.
    """

    name: str
    role: str
    model: ModelProto | str | os.PathLike[str]
    inputs: Mapping[str, Declared]
    outputs: Mapping[str, Declared]
    examples: Examples
    streaming: str | None = None
    stream_input: str | None = None
    autoregressive: Autoregressive | None = None
    golden: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]] | None = None
    half: bool = False
    description: str = ""


@dataclass(frozen=True)
class Borrowed:
    """A network of another addon, by the hash of its content: ten voices with one vocoder keep it once.

    :param name: what this addon calls it.
    :param addon: name of the addon that lends it, and ``network`` what it is called there.
    :param sha256: as ``voxstack_addon_spec.network_hash`` gives it.
    :param lender: where that addon lies, to speak with it while this one is made; an installed one otherwise.
    """

    name: str
    addon: str
    network: str
    sha256: str
    lender: Path | None = field(default=None, compare=False)

    @classmethod
    def of(cls, path: str | os.PathLike[str], network: str, name: str | None = None) -> Borrowed:
        """Borrow from an addon on disk (a folder or ``.zip``).

        :param name: what this addon calls the network; as the lender does, unless said otherwise.
        :raises AddonError: if there is no such addon.
        :raises PackagingError: if it has no such network of its own.
        """
        with open_addon(path) as files:
            own = [key for key, spec in files.config["networks"].items() if "addon" not in spec]
            if network not in own:
                raise PackagingError(str(path), f"has no network {network!r} of its own to lend; it has {own}")
            return cls(name or network, files.config["name"], network, network_hash(files.config, network), Path(path))

    @property
    def config(self) -> dict[str, Any]:
        """Its entry in addon.json."""
        return {"addon": self.addon, "network": self.network, "sha256": self.sha256}


def _tensor(declared: Declared) -> Tensor:
    if isinstance(declared, Tensor):
        return declared
    dtype, shape, *mask = declared
    return Tensor(dtype, tuple(shape), bool(mask and mask[0]))
