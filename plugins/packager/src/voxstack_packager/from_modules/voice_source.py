"""Declarations of voices, as the files have them that ``voxstack pack`` reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxstack_packager.borrowed import Borrowed

if TYPE_CHECKING:
    import os

    from torch import nn

UNKNOWN_LICENSE = "LicenseRef-unknown"
"""The license of a voice that states none."""

TEXTS = (
    "Did the seven old clocks really stop at half past nine? Well, not one in the village knew for sure.",
    "A quiet voice spoke from the garden.",
)
"""English texts of different lengths, which networks are tried with; the first is the golden text."""


@dataclass
class ModuleSource:
    """A torch module of a voice. All that can be found out by running it need not be stated.

    :param module: called with what its ``forward`` names: entries of the utterance (``tokens``, ``encoded``, ...), the
        stream, a mask (``mask``, ``x_mask``), lengths (``lengths``, ``x_lengths``). Other parameters keep their
        defaults.
    :param outputs: names of the tensors that it returns; by default those of a mapping, of a named tuple, or of the
        variables that ``forward`` returns.
    :param inputs: entries for parameters of ``forward`` that have other names, such as ``{"x": "encoded"}``.
    :param constants: values of parameters that are no inputs, such as ``{"length_scale": 1.0}``.
    :param name: of the network; by default that of the module's class.
    :param formats: ``onnx``, and perhaps ``pt2``, for the runtime ``torch``.
    :param half: store weights as float16.
    """

    module: nn.Module
    outputs: str | Sequence[str] | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    formats: Sequence[str] = ("onnx",)
    half: bool = True
    description: str = ""


@dataclass
class VoiceSource:
    """A voice to be packaged: its networks in the order in which an utterance passes through them.

    The first ones read tokens. Those that give ``encoded`` and ``durations`` are followed by an ``Upsampler``, and the
    networks after it read its frames; a network that computes frames or samples of its own length from the tokens is
    followed by a ``WholeFrames``.

    :param text: ``"phones"``, the phones of US English that the block ``Text`` gives; or the symbols that the model was
        trained with, as a string or a list, whose tokens are their positions, or as a mapping to tokens; or the JSON of
        one or several blocks.
    :param networks: torch modules, bare or as :class:`ModuleSource`, and :class:`.Borrowed` networks.
    :param end: JSON of blocks after the last network, such as ``{"type": "Gain"}``.
    :param upsampler: fields of the ``Upsampler``, such as ``{"positions": False, "contours": []}``; by default those
        whose frames the decoder accepts.
    :param sample_rate: in Hz; by default that of the lender of a borrowed network.
    :param hop_length: samples of a frame; by default what the networks make.
    :param texts: two texts of different lengths that the model can speak. The first is the golden text.
    :param license: an SPDX expression, such as ``CC-BY-4.0``.
    :param controls: JSON Schemas of further settings of a request.
    """

    name: str
    networks: Sequence[nn.Module | ModuleSource | Borrowed]
    text: str | Sequence[Any] | Mapping[str, Any] = "phones"
    end: Sequence[Mapping[str, Any]] = ()
    upsampler: Mapping[str, Any] | None = None
    sample_rate: int | None = None
    hop_length: int | None = None
    languages: Sequence[str] = ("en-US",)
    license: str = UNKNOWN_LICENSE
    version: str = "0.1.0"
    description: str = ""
    texts: Sequence[str] = TEXTS
    controls: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str | os.PathLike[str] | bytes] = field(default_factory=dict)


Progress = Callable[[str], None]
