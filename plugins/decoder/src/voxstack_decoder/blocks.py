"""The blocks of this plugin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import AddonError, Frames, NetworkError, Resources, Schedule, StreamableBlock, Utterance, windows
from voxstack.networks import Network, Streaming
from voxstack.streaming.windows import pulls

Arrays = Mapping[str, np.ndarray]


@dataclass
class Decoder(StreamableBlock):
    """Streams frames through a network: an acoustic decoder, a vocoder, a post-net.

    The network's ``streaming`` in the addon says how: in windows with as much context as it needs on each side, or part by
    part with states that it carries on. Where it can do both, it carries states, which computes every frame once, unless
    the context says otherwise or has fixed sizes; what comes out is the same. The stream goes to the input that is named
    there. Its other inputs come from the utterance by name: as they are, or, if they have the streaming axis too, cut at the
    same frames.

    :param network: name of the network; the only one of role ``decoder``, unless given.
    :param context: where it runs, as named in the addon; the voice's own context, unless given.
    """

    network: str | None = None
    context: str | None = None
    _opened: Network | None = field(default=None, init=False, repr=False, compare=False)

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
    def mode(self) -> Literal["stateful", "windowed"]:
        """How it streams, after loading."""
        return "stateful" if self.streaming.states else "windowed"

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        """New frames that fill the fixed sizes of its context, but for their context; none where any length goes."""
        if self._opened is None:
            return ()
        around = self.streaming.left + self.streaming.right
        return tuple(
            sorted(size - around for size in self._opened.context.shapes.get(self.streaming.axis, ()) if size > around)
        )

    @property
    def streaming(self) -> Streaming:
        """The streaming of the network's form that is open, after loading."""
        streaming = self._network.spec.streaming
        assert streaming is not None, "load(addon) refuses others"
        return streaming

    def load(self, addon: Resources) -> None:
        spec = addon.select(self.network, "decoder")
        if spec.streaming is None:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                "says nothing about 'streaming', so it is good for whole utterances only: its output at any frame may depend on all "
                "others. Put it in a SequenceBlock (Encoders with 'networks'), or have the packager measure its receptive field",
            )
        if len(spec.streamed) != 1:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                f"a Decoder streams one output, and this has {sorted(spec.streamed)}",
            )
        self._opened = addon.stream_network(spec.name, self.context)

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        whole, cut = self._others(utterance)
        schedule: Schedule = utterance.get("schedule", Schedule())
        through = self._part_by_part if self.streaming.states else self._in_windows
        yield from through(source, whole, cut, not schedule.urgent)

    def _in_windows(self, source: Frames, whole: Arrays, cut: Arrays, read_ahead: bool) -> Iterator[np.ndarray]:
        network, streaming, output = self._network, self.streaming, self._output
        for frames, skip, count, start in windows(
            source, streaming.left, streaming.right, read_ahead=read_ahead, shortest=self._shortest
        ):
            made = network.run_single(**{streaming.input: frames}, **whole, **_pieces(cut, start, len(frames)))[output]
            yield made[skip * streaming.hop : (skip + count) * streaming.hop]

    def _part_by_part(self, source: Frames, whole: Arrays, cut: Arrays, read_ahead: bool) -> Iterator[np.ndarray]:
        network, streaming, output = self._network, self.streaming, self._output
        states = network.first_states()
        start = 0
        for frames, last in pulls(source, streaming.right, read_ahead=read_ahead):
            pieces = _pieces(cut, start, len(frames))
            made, states = network.step(states, last, **{streaming.input: frames}, **whole, **pieces)
            start += len(frames)
            if len(made[output]):
                yield made[output]

    @property
    def _shortest(self) -> int:
        """Frames that a window has at least, where the stream has as many: the smallest fixed size, if nothing can be padded to it."""
        spec, axis = self._network.spec, self.streaming.axis
        masked = any(tensor.mask and tensor.shape[-1] == axis for tensor in spec.inputs.values())
        return 0 if masked else min(self._network.context.shapes.get(axis, (0,)))

    @property
    def _network(self) -> Network:
        assert self._opened is not None, "Decoder runs after load(addon)"
        return self._opened

    @property
    def _output(self) -> str:
        return self._network.spec.streamed[0]

    def _others(self, utterance: Utterance) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Inputs from the utterance: (as they are, to be cut along the stream)."""
        whole: dict[str, np.ndarray] = {}
        cut: dict[str, np.ndarray] = {}
        for name in sorted(self.needs):
            along = self.streaming.axis in self._network.spec.inputs[name].shape
            (cut if along else whole)[name] = np.asarray(utterance[name])
        return whole, cut


def _pieces(cut: Arrays, start: int, count: int) -> dict[str, np.ndarray]:
    """As much of each input as the stream has there."""
    pieces = {name: value[start : start + count] for name, value in cut.items()}
    for name, piece in pieces.items():
        if len(piece) < count:
            problem = f"{name!r} has {len(cut[name])} frames and the stream has more; it must have one for each frame"
            raise NetworkError(f"Decoder: {problem}")
    return pieces
