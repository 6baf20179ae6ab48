"""The tensors at which the graph of a whole VITS can be cut, found by how they are computed, not by their names.

A VITS encodes tokens into a normal distribution each, predicts how long they last, repeats them, samples, and turns the
samples into audio by a flow and a HiFi-GAN (Kim, Kong and Son, Conditional variational autoencoder with adversarial
learning for end-to-end text-to-speech, ICML 2021, section 2.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from voxstack_importers.graphs import RANDOM, Graph

_RESHAPING = frozenset({"Gather", "Unsqueeze", "Squeeze", "Reshape", "Cast", "Identity"})


@dataclass(frozen=True)
class VitsInputs:
    """Names of the inputs of a whole VITS graph.

    :param tokens: (batch, tokens) int64.
    :param lengths: (batch,) int64.
    :param scales: (3,) float32: the scale of the noise of frames, of durations, and of the noise of durations.
    :param duration_factors: tensors computed from ``scales`` that durations are multiplied by.
    :param duration_noise_factors: those that the noise of durations is multiplied by.
    :param speaker: (batch,) int64, the number of the speaker; None for a voice with one.
    :param others: more inputs with a value for each token, (batch, tokens) int64, by the name of the entry, such as
        ``tones``, that they read.
    """

    tokens: str
    lengths: str
    scales: str
    duration_factors: Sequence[str]
    duration_noise_factors: Sequence[str]
    speaker: str | None
    others: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VitsParts:
    """Names of the tensors at which a VITS graph is cut.

    :param means: (batch, tokens, channels): the means of the distribution of each token.
    :param logs: likewise, the natural logarithms of the standard deviations.
    :param durations: (batch, 1, tokens) whole frames.
    :param duration_noise: (batch, 2, tokens) if durations are sampled, before it is scaled; otherwise None.
    :param noise: (batch, channels, frames), before it is scaled.
    :param sample: likewise, the frames that are sampled with it.
    :param mask: (batch, 1, frames).
    :param latents: (batch, channels, frames): the output of the flow, and the input of the HiFi-GAN.
    :param speaker: (batch, features, 1), the embedding of the speaker; None for a voice with one speaker.
    :param samples: (batch, 1, samples).
    """

    means: str
    logs: str
    durations: str
    duration_noise: str | None
    noise: str
    sample: str
    mask: str
    latents: str
    speaker: str | None
    samples: str

    @classmethod
    def find(cls, graph: Graph, speaker_input: str | None) -> VitsParts:
        """Find the tensors in a graph.

        :param speaker_input: name of the input that is the number of the speaker.
        :raises PackagingError: saying what was looked for and not found.
        """
        samples = graph.outputs[0]
        whole = graph.dependencies(samples)
        durations = _find_durations(graph, whole)
        duration_noise, noise = _find_noise(graph, whole, durations)
        sample, means, logs = _find_sampling(graph, noise)
        timed, sampled = graph.dependents(durations), graph.dependents(sample)
        return cls(
            means=_find_repeated(graph, means, timed, "means"),
            logs=_find_repeated(graph, logs, timed, "deviations"),
            durations=durations,
            duration_noise=duration_noise,
            noise=noise,
            sample=sample,
            mask=_find_mask(graph, samples, sample, sampled, timed),
            latents=_find_latents(graph, sampled),
            speaker=None if speaker_input is None else _find_speaker(graph, speaker_input),
            samples=samples,
        )

    def attends(self, graph: Graph) -> bool:
        """Return whether the flow attends to all frames of a sentence, so that it needs them at once."""
        flow = graph.dependencies(self.latents, stop=[self.sample]) & graph.dependents(self.sample)
        return bool(graph.produced_by(["Softmax"], flow))


def _find_durations(graph: Graph, whole: set[str]) -> str:
    found = graph.produced_by(["Ceil"], whole)
    if len(found) != 1:
        raise graph.refusal(
            f"looked for one Ceil, which rounds durations of tokens to whole frames, and found {len(found)}; this is "
            "not a VITS that was exported as a whole (inputs: tokens, their number, scales; output: audio)"
        )
    return found[0]


def _find_noise(graph: Graph, whole: set[str], durations: str) -> tuple[str | None, str]:
    """Return the noise of durations, if there is any, and that of frames."""
    before = graph.dependencies(durations)
    random = graph.produced_by(RANDOM, whole)
    of_durations, of_frames = [name for name in random if name in before], [n for n in random if n not in before]
    if len(of_durations) > 1 or len(of_frames) != 1:
        found = f"{len(of_durations)} before the durations and {len(of_frames)} after them"
        raise graph.refusal(
            f"looked for one random tensor that samples frames, and at most one for durations; there are {found}"
        )
    return of_durations[0] if of_durations else None, of_frames[0]


def _find_sampling(graph: Graph, noise: str) -> tuple[str, str, str]:
    """Return the sum, the means and the logarithms of ``means + noise * exp(logs) * scale``, all of frames."""
    logs: list[str] = []
    name = noise
    while True:
        node = graph.only_consumer(name, "the noise that frames are sampled with")
        others = [other for other in node.input if other != name]
        if node.op_type == "Add" and len(logs) == 1:
            return node.output[0], others[0], logs[0]
        if node.op_type != "Mul":
            problem = f"looked for mean + noise * exp(logs) * scale after {noise!r}, and found a {node.op_type}"
            raise graph.refusal(problem)
        factors = [graph.producers[other] for other in others if other in graph.producers]
        logs += [factor.input[0] for factor in factors if factor.op_type == "Exp"]
        name = node.output[0]


def _find_repeated(graph: Graph, frames: str, timed: set[str], description: str) -> str:
    """Return what is repeated into ``frames``: the factor that the alignment of frames and tokens is multiplied by."""
    node = graph.producers[frames]
    while node.op_type in ("Transpose", "Identity"):
        node = graph.producers[node.input[0]]
    if node.op_type != "MatMul" or node.input[0] not in timed or node.input[1] in timed:
        found = f"{node.op_type} {node.name!r}"
        raise graph.refusal(f"looked for a MatMul of an alignment with the {description} of tokens, and found {found}")
    return str(node.input[1])


def _find_mask(graph: Graph, samples: str, sample: str, sampled: set[str], timed: set[str]) -> str:
    """Return the one tensor that depends on durations, but on no sample, and is combined with what was sampled.

    Masks of attention, which are computed from it, do not count.
    """
    between = graph.dependencies(samples, stop=[sample]) & sampled
    found = {
        name
        for output in between - {sample}
        for name in graph.producers[output].input
        if name in timed and name not in sampled
    }
    found -= {name for name in found if (graph.dependencies(name) & found) - {name}}
    if len(found) != 1:
        raise graph.refusal(f"looked for one mask of frames that flow and decoder read, and found {sorted(found)}")
    return str(found.pop())


def _find_latents(graph: Graph, sampled: set[str]) -> str:
    """Return the input of the HiFi-GAN's first convolution: the last one before anything is upsampled."""
    upsampling = [
        node for node in graph.model.graph.node if node.op_type == "ConvTranspose" and node.input[0] in sampled
    ]
    if not upsampling:
        raise graph.refusal("looked for a ConvTranspose, with which a HiFi-GAN upsamples, and found none")
    name = upsampling[0].input[0]
    while graph.producers[name].op_type != "Conv":
        name = next(other for other in graph.producers[name].input if other in sampled)
    return str(graph.producers[name].input[0])


def _find_speaker(graph: Graph, name: str) -> str:
    """Return the embedding that is looked up by the number of a speaker, as all parts of the graph read it."""
    looked_up = False
    while len(consumers := graph.consumers(name)) == 1 and consumers[0].op_type in _RESHAPING:
        looked_up |= consumers[0].op_type == "Gather"
        name = consumers[0].output[0]
    if not looked_up:
        problem = f"looked for a Gather that looks up the embedding of a speaker, and found none at the input {name!r}"
        raise graph.refusal(problem)
    return name
