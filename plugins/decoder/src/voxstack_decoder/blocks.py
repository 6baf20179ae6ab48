"""The blocks of this plugin."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voxstack import AddonError, Frames, NetworkError, StreamableBlock, Utterance, windows
from voxstack.addon import Addon
from voxstack.networks import Network, Streaming


@dataclass
class Decoder(StreamableBlock):
    """Streams frames through a network of finite context: an acoustic decoder, a vocoder, a post-net.

    The network's ``streaming`` in the addon says how much context it needs on each side and how many steps it gives for each
    frame. The stream goes to the input that is named there. Its other inputs come from the utterance by name: as they are,
    or, if they have the streaming axis too, cut at the same frames.

    :param network: name of the network; the only one of role ``decoder``, unless given.
    :param context: where it runs, as named in the addon; the voice's own context, unless given.
    """

    network: str | None = None
    context: str | None = None
    _opened: Network | None = field(default=None, init=False, repr=False, compare=False)
    _streaming: Streaming | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return self._opened.spec.needs - {self.streaming.input} if self._opened else frozenset()

    @property
    def takes(self) -> str | None:
        return self.streaming.input if self._opened else None

    @property
    def makes(self) -> str | None:
        return self._output if self._opened else None

    @property
    def lookahead(self) -> int:
        return self.streaming.right if self._opened else 0

    @property
    def hop(self) -> float:
        return float(self.streaming.hop) if self._opened else 1.0

    @property
    def streaming(self) -> Streaming:
        """How the network streams, after loading."""
        assert self._streaming is not None, "Decoder runs after load(addon)"
        return self._streaming

    def load(self, addon: Addon) -> None:
        spec = addon.select(self.network, "decoder")
        if spec.streaming is None:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                "says nothing about 'streaming', so it is good for whole utterances only: its output at any frame may depend on all "
                "others. Put it in a SequenceBlock (Encoders with 'networks'), or have the packager measure its receptive field",
            )
        if len(spec.outputs) != 1:
            raise AddonError(f"{addon.name}: networks.{spec.name}", f"a Decoder streams one output, and this has {sorted(spec.outputs)}")
        self._streaming = spec.streaming
        self._opened = addon.network(spec.name, self.context)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        assert self._opened is not None, "Decoder runs after load(addon)"
        network, streaming, output = self._opened, self.streaming, self._output
        whole, cut = self._others(utterance)
        for frames, skip, count, start in windows(source, streaming.left, streaming.right):
            pieces = {name: _piece(name, value, start, len(frames)) for name, value in cut.items()}
            made = network.one(**{streaming.input: frames}, **whole, **pieces)[output]
            yield made[skip * streaming.hop : (skip + count) * streaming.hop]

    @property
    def _output(self) -> str:
        assert self._opened is not None
        return next(iter(self._opened.spec.outputs))

    def _others(self, utterance: Utterance) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Inputs from the utterance: (as they are, to be cut along the stream)."""
        assert self._opened is not None
        whole, cut = {}, {}
        for name in sorted(self.needs):
            along = self.streaming.axis in self._opened.spec.inputs[name].shape
            (cut if along else whole)[name] = np.asarray(utterance[name])
        return whole, cut


def _piece(name: str, value: np.ndarray, start: int, count: int) -> np.ndarray:
    piece = value[start : start + count]
    if len(piece) < count:
        raise NetworkError(f"Decoder: {name!r} has {len(value)} frames and the stream has more; it must have one for each frame")
    return piece
