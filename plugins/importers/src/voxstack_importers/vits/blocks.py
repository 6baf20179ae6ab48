"""The blocks of a VITS: what its networks read, and the stream from tokens to samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import voxstack
from voxstack.networks.addon import Addon
from voxstack_importers.description import Spec


def input_blocks(reading: Sequence[Spec], speakers: Sequence[str], default: str | None, sampled: bool) -> list[Spec]:
    """Return the blocks that compute what the networks read: tokens, the speaker, and noise for durations.

    :param reading: blocks from text to tokens.
    :param speakers: names of the speakers; empty for a voice with one.
    :param default: name of the default speaker.
    :param sampled: whether durations are sampled, with two values of noise for each token.
    """
    blocks = list(reading)
    if speakers:
        blocks.append({"type": "Speakers", "names": list(speakers), "default": default})
    if sampled:
        blocks.append({"type": "Noise", "name": "duration_noise", "like": "tokens", "features": 2})
    return blocks


def sample_block(scale: float) -> Spec:
    """Return the block that samples frames; ``scale`` is that of its noise unless a request sets another."""
    return {"type": "GaussianSample", "scale": scale}


def streamed_blocks(sample: Spec, vocoder: str) -> list[Spec]:
    """Return the blocks from encoded tokens to samples.

    :param sample: the block that samples frames.
    :param vocoder: name of the network from latents to samples.
    """
    return [
        {"type": "Upsampler", "positions": False, "least": 0, "contours": []},
        sample,
        {"type": "Decoder", "network": "flow"},
        {"type": "Decoder", "network": vocoder},
    ]


def whole_blocks(channels: int) -> list[Spec]:
    """Return the sequence blocks from encoded tokens to the latents of all frames, for a flow that needs them at once.

    :param channels: those of the latents.
    """
    return [
        {"type": "Encoders", "networks": ["text"]},
        {"type": "Expand", "tensor": "encoded", "name": "prior", "least": 0},
        whole_noise(channels),
        {"type": "Encoders", "networks": ["flow"]},
    ]


def whole_noise(channels: int) -> Spec:
    """Return the block that draws the noise of all frames."""
    return {"type": "Noise", "name": "noise", "like": "prior", "features": channels}


def latent_blocks(vocoder: str) -> list[Spec]:
    """Return the blocks from the latents of all frames to samples."""
    return [
        {"type": "WholeFrames", "tensor": "latents", "makes_stream": "latents"},
        {"type": "Decoder", "network": vocoder},
    ]


def frame_noise(sample: Spec, addon: Addon, utterance: voxstack.Utterance, frames: int, channels: int) -> np.ndarray:
    """Return the noise that a block samples frames with, before it is scaled: (frames, channels) float32."""
    block: voxstack.StreamableBlock = voxstack.build(sample, addon)
    standard = np.zeros((frames, 2 * channels), np.float32)  # means of 0, and deviations of 1, whose logarithms are 0
    return next(block.stream(iter([standard]), {**utterance, "noise_scale": 1.0}))
