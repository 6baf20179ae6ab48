"""Where the graph of a whole VITS can be cut, found by what is done in it and not by how it is called.

A VITS encodes tokens into a normal distribution each, predicts how long they last, repeats them, samples, and turns the samples into
audio by a flow and a HiFi-GAN (Kim, Kong and Son, Conditional variational autoencoder with adversarial learning for end-to-end
text-to-speech, ICML 2021, section 2.4).
"""

from __future__ import annotations

from dataclasses import dataclass

from voxstack_importers.graphs import RANDOM, Graph

_SHAPES_ONLY = frozenset({"Gather", "Unsqueeze", "Squeeze", "Reshape", "Cast", "Identity"})


@dataclass(frozen=True)
class Parts:
    """Tensors of a VITS graph by what they are.

    :param means: (batch, tokens, channels), and ``logs`` likewise: the distribution of each token, logarithms of deviations.
    :param durations: (batch, 1, tokens) whole frames.
    :param duration_noise: (batch, 2, tokens) where durations are sampled, before it is scaled; None where they are not.
    :param noise: (batch, channels, frames), before it is scaled; ``sample``, likewise: what is drawn with it.
    :param mask: (batch, 1, frames).
    :param latents: (batch, channels, frames): what the flow gives and the HiFi-GAN takes.
    :param speaker: (batch, features, 1), or None where there is one speaker.
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
    def of(cls, graph: Graph, speaker_input: str | None) -> Parts:
        """Find them.

        :param speaker_input: the input that is the number of the speaker.
        :raises PackagingError: saying what was looked for and not found.
        """
        samples = graph.outputs[0]
        whole = graph.above(samples)
        durations = _durations(graph, whole)
        before, timed = graph.above(durations), graph.below(durations)
        drawn = [name for name, node in graph.makers.items() if node.op_type in RANDOM and name in whole]
        for_durations, for_sample = [n for n in drawn if n in before], [n for n in drawn if n not in before]
        if len(for_durations) > 1 or len(for_sample) != 1:
            found = f"{len(for_durations)} before the durations and {len(for_sample)} behind them"
            raise graph.refused(
                f"looked for one random tensor that is sampled with, and at most one for durations; there are {found}"
            )
        sample, means, logs = _sampling(graph, for_sample[0])
        sampled = graph.below(sample)
        speaker = None if speaker_input is None else _speaker(graph, speaker_input)
        return cls(
            means=_of_tokens(graph, means, timed, "means"),
            logs=_of_tokens(graph, logs, timed, "deviations"),
            durations=durations,
            duration_noise=for_durations[0] if for_durations else None,
            noise=for_sample[0],
            sample=sample,
            mask=_mask(graph, samples, sample, sampled, timed),
            latents=_latents(graph, sampled),
            speaker=speaker,
            samples=samples,
        )


def _durations(graph: Graph, whole: set[str]) -> str:
    found = [name for name, node in graph.makers.items() if node.op_type == "Ceil" and name in whole]
    if len(found) != 1:
        raise graph.refused(
            f"looked for one Ceil, which makes whole frames of the durations of tokens, and found {len(found)}; this is no VITS that was "
            "exported as a whole (inputs: tokens, their number, scales; output: audio)"
        )
    return found[0]


def _sampling(graph: Graph, noise: str) -> tuple[str, str, str]:
    """``mean + noise * exp(logs) * scale``: the sum, its means and logs, a frame each."""
    logs, name = [], noise
    while True:
        node = graph.only_user(name, "the noise that is sampled with")
        others = [one for one in node.input if one != name]
        if node.op_type == "Add" and len(logs) == 1:
            return node.output[0], others[0], logs[0]
        if node.op_type != "Mul":
            raise graph.refused(
                f"looked for mean + noise * exp(logs) * scale behind {noise!r}, and found a {node.op_type}"
            )
        logs += [
            graph.makers[one].input[0] for one in others if one in graph.makers and graph.makers[one].op_type == "Exp"
        ]
        name = node.output[0]


def _of_tokens(graph: Graph, frames: str, timed: set[str], what: str) -> str:
    """What is repeated to make ``frames``: the other factor of a product with the alignment of frames and tokens."""
    node = graph.makers[frames]
    while node.op_type in ("Transpose", "Identity"):
        node = graph.makers[node.input[0]]
    if node.op_type != "MatMul" or node.input[0] not in timed or node.input[1] in timed:
        raise graph.refused(
            f"looked for a MatMul of an alignment with the {what} of tokens, and found {node.op_type} {node.name!r}"
        )
    return node.input[1]


def _mask(graph: Graph, samples: str, sample: str, sampled: set[str], timed: set[str]) -> str:
    """The one tensor that depends on durations, but on no sample, where it meets what was sampled."""
    between = graph.above(samples, stop=[sample]) & sampled
    met = {
        name
        for made in between - {sample}
        for name in graph.makers[made].input
        if name in timed and name not in sampled
    }
    if len(met) != 1:
        raise graph.refused(f"looked for one mask of frames that flow and decoder take, and found {sorted(met)}")
    return met.pop()


def _latents(graph: Graph, sampled: set[str]) -> str:
    """What the first convolution of the HiFi-GAN takes: the last one before anything is upsampled."""
    ups = [node for node in graph.model.graph.node if node.op_type == "ConvTranspose" and node.input[0] in sampled]
    if not ups:
        raise graph.refused("looked for a ConvTranspose, with which a HiFi-GAN upsamples, and found none")
    name = ups[0].input[0]
    while graph.makers[name].op_type != "Conv":
        name = next(one for one in graph.makers[name].input if one in sampled)
    return graph.makers[name].input[0]


def _speaker(graph: Graph, name: str) -> str:
    """The embedding that is looked up for the number of a speaker, as all take it."""
    looked_up = False
    while len(users := graph.users(name)) == 1 and users[0].op_type in _SHAPES_ONLY:
        looked_up |= users[0].op_type == "Gather"
        name = users[0].output[0]
    if not looked_up:
        raise graph.refused(
            f"looked for a Gather that looks up the embedding of a speaker, and found none at the input {name!r}"
        )
    return name
