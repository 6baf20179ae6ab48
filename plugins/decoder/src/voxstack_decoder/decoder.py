"""The block ``Decoder``, which streams frames through a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from voxstack import AddonError, Frames, NetworkError, Resources, Schedule, StreamableBlock, Utterance, windows
from voxstack.networks import Network, States, Streaming
from voxstack.networks.sizes import require_any_length
from voxstack.streaming.windows import Skipping, pulls

Arrays = Mapping[str, np.ndarray]


@dataclass
class Decoder(StreamableBlock):
    """Streams frames through a network: an acoustic decoder, a vocoder, a post-net.

    The network's ``streaming`` in the addon determines how: in windows with the context that it needs on each side, or
    part by part with states that it carries. A network that has both forms carries states, which computes every frame
    once, unless the context requests windows or has fixed sizes; the output is the same. The stream goes to the input
    that ``streaming`` names. The other inputs come from the utterance by name: as they are, or, if they have the
    streaming axis too, cut at the same frames. States begin as zeros, or as the addon or the utterance states.

    :param network: name of the network; by default the addon's only one of role ``decoder``.
    :param context: where it runs, as named in the addon; by default the voice's own context.
    """

    network: str | None = None
    context: str | None = None
    _opened: Network | None = field(default=None, init=False, repr=False, compare=False)
    _lookback: int | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def needs(self) -> frozenset[str]:
        return self._inputs | self._opened.spec.provided if self._opened else frozenset()

    @property
    def takes(self) -> str | None:
        return self.streaming.input if self._opened else None

    @property
    def makes(self) -> str | None:
        return self._output if self._opened else None

    @property
    def makes_features(self) -> Mapping[str, int]:
        if self._opened is None:
            return {}
        features = self._opened.spec.outputs[self._output].shape[-1]
        return {self._output: features} if isinstance(features, int) else {}

    @property
    def lookahead(self) -> int:
        return self.streaming.right if self._opened else 0

    @property
    def lookback(self) -> int | None:
        return self._lookback

    @property
    def hop(self) -> float:
        return float(self.streaming.hop) if self._opened else 1.0

    @property
    def mode(self) -> Literal["stateful", "windowed"]:
        """The form of streaming, after loading."""
        return "stateful" if self.streaming.states else "windowed"

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        """The numbers of new frames that, with their context, fill the fixed sizes; empty if any number is possible."""
        if self._opened is None:
            return ()
        around = self.streaming.left + self.streaming.right
        sizes = self._opened.context.shapes.get(self.streaming.axis, ())
        return tuple(sorted(size - around for size in sizes if size > around))

    @property
    def streaming(self) -> Streaming:
        """The streaming of the opened form of the network, after loading."""
        streaming = self._network.spec.streaming
        assert streaming is not None, "load(addon) refuses others"
        return streaming

    def load(self, addon: Resources) -> None:
        spec = addon.select(self.network, "decoder")
        if spec.streaming is None:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                "says nothing about 'streaming', so it can only run on whole utterances: its output at any frame may "
                "depend on all others. Put it in a SequenceBlock (Encoders with 'networks'), or let the packager "
                "measure its receptive field",
            )
        if len(spec.streamed) != 1:
            raise AddonError(
                f"{addon.name}: networks.{spec.name}",
                f"a Decoder streams one output, but this network has {sorted(spec.streamed)}; export one of them",
            )
        self._opened = addon.stream_network(spec.name, self.context)
        require_any_length(self._opened)
        # A network that has a form without states depends on no more than its windows. One that has not may remember
        # everything, as may one whose states an utterance provides.
        finite = not spec.streaming.states and not self._opened.spec.provided
        self._lookback = spec.streaming.left if finite and self._features is not None else None

    def stream(self, source: Frames, utterance: Utterance) -> Frames:
        whole, sliced = self._other_inputs(utterance)
        schedule: Schedule = utterance.get("schedule", Schedule())
        start = 0
        if (first := self._first(utterance.get("skip", 0))) > 0:
            skipping = Skipping(source, first)
            for count in skipping.counts():
                yield self._zeros(count * self.streaming.hop)
            source, start = skipping.rest(), skipping.skipped
            sliced = {name: value[start:] for name, value in sliced.items()}
        if self.streaming.states:
            states = self._network.first_states(utterance)
            yield from self._stateful(source, whole, sliced, states, not schedule.urgent)
        else:
            yield from self._windowed(source, whole, sliced, not schedule.urgent)

    def _first(self, skip: int) -> int:
        """Return the first step of the source that the output depends on if its first ``skip`` steps do not count."""
        return 0 if self._lookback is None else skip // self.streaming.hop - self._lookback

    @property
    def _features(self) -> tuple[int, ...] | None:
        """The axes of the output after the streamed one; None unless they are fixed."""
        axes = self._network.spec.outputs[self._output].shape[2:]
        return axes if all(isinstance(axis, int) for axis in axes) else None  # type: ignore[return-value]

    def _zeros(self, count: int) -> np.ndarray:
        """Return steps of output that no one reads; they take no memory."""
        dtype = np.dtype(self._network.spec.outputs[self._output].dtype)
        return np.broadcast_to(np.zeros((), dtype), (count, *(self._features or ())))

    def _windowed(self, source: Frames, whole: Arrays, sliced: Arrays, read_ahead: bool) -> Iterator[np.ndarray]:
        network, streaming, output = self._network, self.streaming, self._output
        for frames, skip, count, start in windows(source, streaming.left, streaming.right, read_ahead=read_ahead):
            slices = _slices(sliced, start, len(frames))
            result = network.run_single(**{streaming.input: frames}, **whole, **slices)[output]
            yield result[skip * streaming.hop : (skip + count) * streaming.hop]

    def _stateful(
        self, source: Frames, whole: Arrays, sliced: Arrays, states: States, read_ahead: bool
    ) -> Iterator[np.ndarray]:
        network, streaming, output = self._network, self.streaming, self._output
        start = 0
        for frames, last in pulls(source, streaming.right, read_ahead=read_ahead):
            slices = _slices(sliced, start, len(frames))
            results, states = network.step(states, last, **{streaming.input: frames}, **whole, **slices)
            start += len(frames)
            if len(results[output]):
                yield results[output]

    @property
    def _network(self) -> Network:
        assert self._opened is not None, "Decoder runs after load(addon)"
        return self._opened

    @property
    def _inputs(self) -> frozenset[str]:
        """Names of the inputs beside the stream that every call receives."""
        return self._network.spec.needs - {self.streaming.input}

    @property
    def _output(self) -> str:
        return self._network.spec.streamed[0]

    def _other_inputs(self, utterance: Utterance) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Return the inputs from the utterance: those passed whole, and those sliced along the stream."""
        whole: dict[str, np.ndarray] = {}
        sliced: dict[str, np.ndarray] = {}
        for name in sorted(self._inputs):
            along = self.streaming.axis in self._network.spec.inputs[name].shape
            (sliced if along else whole)[name] = np.asarray(utterance[name])
        return whole, sliced


def _slices(arrays: Arrays, start: int, count: int) -> dict[str, np.ndarray]:
    """Return ``count`` frames of each input.

    :raises NetworkError: if an input is shorter than the stream.
    """
    slices = {name: value[start : start + count] for name, value in arrays.items()}
    for name, part in slices.items():
        if len(part) < count:
            problem = (
                f"{name!r} has {len(arrays[name])} frames and the stream has more; it must have one for each frame"
            )
            raise NetworkError(f"Decoder: {problem}")
    return slices
