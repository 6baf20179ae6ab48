"""The networks of a voice, one after the other: what each reads and gives, and the blocks between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack_packager.borrowed import Borrowed
from voxstack_packager.errors import PackagingError
from voxstack_packager.from_modules.forward import forward_parameters
from voxstack_packager.from_modules.front_end import front_end
from voxstack_packager.from_modules.module_outputs import CONVENTIONAL
from voxstack_packager.from_modules.network_source import Inferred, infer_network, snake_case
from voxstack_packager.from_modules.rehearsal import FEWEST, Rehearsal, Stream
from voxstack_packager.from_modules.stack_plan import StackPlan
from voxstack_packager.from_modules.voice_source import ModuleSource, Progress, VoiceSource
from voxstack_packager.sources import NetworkSource
from voxstack_packager.stack_rates import lender_rates

if TYPE_CHECKING:
    from voxstack.networks import Tensor


class NetworkChain:
    """Takes a voice through its networks.

    :param state: the rehearsal, after the text was read.
    """

    def __init__(self, voice: VoiceSource, state: Rehearsal, progress: Progress) -> None:
        self._voice, self._state, self._progress = voice, state, progress
        self._sources = [_as_source(network) for network in voice.networks]
        self._names = _names(self._sources)
        language = next(iter(voice.languages), "en").partition("-")[0]
        self.plan = StackPlan(front_end(voice.text), end=[dict(block) for block in voice.end], language=language)
        """The stack, complete after :meth:`networks`."""

    def networks(self) -> list[NetworkSource | Borrowed]:
        """Return the networks of the voice, and complete the plan.

        :raises PackagingError: where one of them does not fit.
        """
        made: list[NetworkSource | Borrowed] = []
        for index, (source, name) in enumerate(zip(self._sources, self._names, strict=True)):
            if isinstance(source, Borrowed):
                self._borrow(source, more=index + 1 < len(self._sources))
                made.append(source)
                continue
            inferred = infer_network(source, name, self._state, self._following(index + 1))
            self._progress(f"{name}: {_described(inferred.network)}")
            self._add(inferred)
            made.append(inferred.network)
        self._check_end()
        return made

    def _add(self, inferred: Inferred) -> None:
        network, state, first = inferred.network, self._state, next(iter(inferred.outputs[0]))
        state.used |= network.inputs.keys()
        if network.streaming is not None:
            if state.stream is None:
                self.plan.upsampler = state.upsamplers()[inferred.variant]
                self._progress(f"{network.name}: reads frames of {inferred.variant}{_unsure(inferred.others)}")
                self._warn_of_durations()
            self.plan.chain.append((network.name, first))
            state.stream = Stream(first, [outputs[first] for outputs in inferred.outputs])
            return
        self.plan.encoders.append(network.name)
        for utterance, arrays in zip(state.utterances, inferred.outputs, strict=True):
            utterance.update(arrays)
        if inferred.whole is not None:
            self.plan.whole = inferred.whole
            state.stream = Stream(inferred.whole, [outputs[inferred.whole] for outputs in inferred.outputs])
            self._progress(f"{network.name}: gives all of {inferred.whole!r} at once, which is streamed from there on")
            return
        outputs = {name: tuple(tensor.shape) for name, tensor in network.signature.outputs.items()}
        per_token = (("batch", "tokens"), ("tokens",))
        state.contours += [name for name, shape in outputs.items() if shape in per_token and name != "durations"]

    def _warn_of_durations(self) -> None:
        average = float(np.mean(self._state.utterances[0]["durations"]))
        if average < FEWEST:
            advice = "if these are logarithms, let 'durations' be torch.exp of them"
            self._progress(f"warning: a token has {average:.2g} frames on average; {advice}")

    def _borrow(self, source: Borrowed, more: bool) -> None:
        spec, state = self._state.addon.networks[source.name], self._state
        stream = state.stream_name
        if spec.streaming is None or stream is None:
            there = f"the utterance has {sorted(state.arrays)}"
            reads = spec.streaming.input if spec.streaming else sorted(spec.inputs)
            problem = f"reads {reads!r}, and no stream gives it; {there}"
            advice = "name the outputs of the encoder 'encoded' and 'durations' (in frames), or borrow it later"
            raise PackagingError(source.name, f"{problem}; {advice}")
        if spec.streaming.input != stream:
            problem = f"reads the stream {spec.streaming.input!r}, and the network before it gives {stream!r}"
            raise PackagingError(source.name, f"{problem}; state the name: ModuleSource(module, outputs=...)")
        output, tensor = next(iter(spec.outputs.items()))
        self._check_features(source.name, spec.inputs[stream])
        arrays: list[np.ndarray] = []
        if more and state.stream is not None:
            network = state.addon.network(source.name)
            arrays = [network.run_single(**{stream: array})[output] for array in state.stream.arrays]
        if state.stream is None:
            self.plan.upsampler = state.upsamplers().get("encoded", dict(state.upsampler or {}))
        self.plan.chain.append((source.name, output))
        state.stream = Stream(output, arrays)
        self._invert(source, output, tensor)

    def _check_features(self, name: str, tensor: Tensor) -> None:
        """Check that the stream has the features that a borrowed network reads.

        :raises PackagingError: if it has not.
        """
        stream = self._state.stream
        found = stream.arrays[0].shape[1:] if stream is not None and stream.arrays else ()
        if found and tuple(tensor.shape[2:]) != found:
            problem = f"reads {list(tensor.shape[2:])} features, and the network before it gives {list(found)}"
            raise PackagingError(name, f"{problem}; borrow another vocoder, or give the features that it reads")

    def _invert(self, source: Borrowed, output: str, tensor: Tensor) -> None:
        """Add the inverse of the short-time Fourier transform after a borrowed vocoder that gives spectra."""
        features = tensor.shape[-1]
        types = [block.get("type") for block in self.plan.end]
        if output == "spectra" and isinstance(features, int) and "InverseSTFT" not in types:
            hop_length = lender_rates(source)[1]
            self.plan.end.insert(0, {"type": "InverseSTFT", "n_fft": features - 2, "hop_length": hop_length})

    def _following(self, index: int) -> str | None:
        """Return the name of the stream that the network of this index reads, if it says so."""
        if index >= len(self._sources):
            return None
        source = self._sources[index]
        if isinstance(source, Borrowed):
            spec = self._state.addon.networks[source.name]
            return spec.streaming.input if spec.streaming else None
        names = [source.inputs.get(p.name, p.name) for p in forward_parameters(source.module) if p.kind == "value"]
        first = next((name for name in names if name not in self._state.arrays), None)
        return first if first in CONVENTIONAL else None

    def _check_end(self) -> None:
        """Check that the voice ends in samples.

        :raises PackagingError: stating what is missing.
        """
        stream = self._state.stream
        if stream is None and not self.plan.chain:
            there = f"the networks give {sorted(self._state.arrays)}"
            needed = "'encoded' and 'durations' (in frames), and then a decoder, or 'samples'"
            raise PackagingError("networks", f"nothing makes sound of the tokens; {there}. A voice needs {needed}")
        if stream is not None and stream.name not in ("samples", "spectra") and not self.plan.end:
            advice = "add a vocoder, such as Borrowed.of('prism', 'vocoder') for its 80 bands, or blocks as end=[...]"
            raise PackagingError("networks", f"the last network gives {stream.name!r}, no samples; {advice}")
        if stream is not None and stream.name == "spectra" and not self.plan.end:
            advice = "add the inverse: end=[{'type': 'InverseSTFT', 'n_fft': ..., 'hop_length': ...}]"
            raise PackagingError("networks", f"the last network gives 'spectra', no samples; {advice}")


def _as_source(network: Any) -> ModuleSource | Borrowed:
    if isinstance(network, ModuleSource | Borrowed):
        return network
    if callable(getattr(network, "forward", None)):
        return ModuleSource(network)
    kind = type(network).__name__
    raise PackagingError(
        "networks", f"{kind} is no network of a voice; a torch module, a ModuleSource or a Borrowed is"
    )


def _names(sources: Sequence[ModuleSource | Borrowed]) -> list[str]:
    """Return a name for each network: the one that is stated, or that of its class; numbered where several have it."""
    wanted = [
        source.name if isinstance(source, Borrowed) else source.name or snake_case(type(source.module).__name__)
        for source in sources
    ]
    seen: dict[str, int] = {}
    names = []
    for name in wanted:
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def _unsure(others: Sequence[str]) -> str:
    if not others:
        return ""
    fields = "VoiceSource(upsampler={'positions': False, 'contours': []})"
    return (
        f"; it would also accept those of {', or '.join(others)}: if that is what it was trained with, state {fields}"
    )


def _described(network: NetworkSource) -> str:
    """Return what a network reads and gives, in a line."""
    sides = []
    for side in (network.signature.inputs, network.signature.outputs):
        rows = [f"{n} {t.dtype} [{', '.join(map(str, t.shape))}]" + (" (mask)" * t.mask) for n, t in side.items()]
        sides.append(", ".join(rows))
    return " -> ".join(sides)
