"""The export of the trained acoustic model and pronunciation network as the addon ``amber``.

It borrows the vocoder of ``prism``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from acoustic_examples import Example, make_example
from acoustic_networks import CHANNELS, CONTOURS, Acoustic
from features import HOP, MELS, SAMPLE_RATE
from pronunciation import PronunciationNetwork, example_inputs
from speech_corpus import SpeechCorpus
from training_loop import load_weights

from voxstack_packager import Borrowed, NetworkSource, package
from voxstack_text.pronunciation.symbols import SYMBOLS
from voxstack_text.tokens import FEATURES
from voxstack_upsampler.frame_positions import POSITION_CHANNELS

HOME = Path(__file__).resolve().parents[1]
ADDON = HOME / "src" / "voxstack_voice_amber" / "amber"
PRISM = HOME.parent / "voice_prism" / "src" / "voxstack_voice_prism" / "prism"
VERSION = "0.4.0"
DECODER = "Upsampled encodings with their positions, ln(f0 / 1 Hz) and level in dB to log-mel frames in nats."

CONTROLS = {
    "rate": {
        "type": "number",
        "minimum": 0.25,
        "maximum": 4,
        "default": 1.0,
        "description": "Speed: 2 takes half the time.",
    },
    "pause": {
        "type": "number",
        "minimum": 0,
        "maximum": 10,
        "default": 1.0,
        "description": "Length of silences, as a factor: 2 makes them twice as long.",
    },
    "pitch": {
        "type": "number",
        "minimum": -6,
        "maximum": 6,
        "default": 0.0,
        "description": "Higher or lower, in semitones.",
    },
    "pitch_range": {
        "type": "number",
        "minimum": 0,
        "maximum": 3,
        "default": 1.0,
        "description": "How far the pitch moves, as a factor: 0 is flat, 2 lively.",
    },
    "energy": {
        "type": "number",
        "minimum": -8,
        "maximum": 8,
        "default": 0.0,
        "description": "How strongly it speaks, in dB.",
    },
    "volume": {
        "type": "number",
        "minimum": -60,
        "maximum": 6,
        "default": 0.0,
        "description": "Louder or softer, in dB.",
    },
}
ACOUSTIC_STACK = [{"type": "Upsampler"}, {"type": "Decoder"}]
VOCODER_STACK = [
    {"type": "Decoder", "network": "vocoder"},
    {"type": "InverseSTFT", "n_fft": 800, "hop_length": HOP},
    {"type": "Gain"},
]
STACK = [
    {
        "type": "Sentences",
        "block": {
            "type": "StreamablePipeline",
            "sequence_block": {
                "type": "SequenceBlockContainer",
                "blocks": [{"type": "Text"}, {"type": "Encoders"}, {"type": "Prosody"}, {"type": "Pace"}],
            },
            "streamable_block": {"type": "StreamableStack", "stack": [*ACOUSTIC_STACK, *VOCODER_STACK]},
        },
    }
]

SHAPES = {
    "tokens": [56, 128, 320],
    "letters": [32],
    "frames": [64, 192, 448],
}  # by tests/benchmarks/fixed_shapes.py --search
CONTEXTS = {
    "default": {"runtime": "onnx", "device": "cpu", "threads": 1, "description": "Any length, in ONNX Runtime."},
    "fixed": {
        "runtime": "onnx",
        "device": "cpu",
        "shapes": SHAPES,
        "description": "Tensors of a few sizes, as accelerators want them.",
    },
    "openvino": {"runtime": "openvino", "device": "CPU", "description": "Any length, in OpenVINO."},
    "npu": {
        "runtime": "openvino",
        "device": "NPU",
        "shapes": SHAPES,
        "precision": "float16",
        "description": "A neural processor, with tensors of a few sizes.",
    },
    "torch": {"runtime": "torch", "device": "cpu", "description": "Any length, in PyTorch."},
}
GOLDEN_TEXT = (
    "Did Professor Zorblat really pay 42 dollars for that old clock? Well, nobody in the village knew for sure."
)


def acoustic_networks(model: Acoustic, example: Example) -> list[NetworkSource]:
    """Return the four acoustic networks.

    :param example: the utterance that they are exported and measured with.
    """
    tokens = torch.from_numpy(example.tokens)[None]
    with torch.no_grad():
        encoded = model.encoder(tokens, torch.ones(tokens.shape[:2]))
    frames = np.concatenate([encoded[0].numpy()[example.index], example.places], 1)[None]
    token_mask = {"mask": ("float32", ["batch", "tokens"], True)}
    frame_mask = {"mask": ("float32", ["batch", "frames"], True)}
    return [
        NetworkSource(
            name="encoder",
            role="encoder",
            module=model.encoder,
            inputs={"tokens": ("int64", ["batch", "tokens", len(FEATURES)]), **token_mask},
            outputs={"encoded": ("float32", ["batch", "tokens", CHANNELS])},
            examples={"tokens": tokens.numpy()},
            description="Token features to an encoding of each token.",
        ),
        NetworkSource(
            name="durations",
            role="encoder",
            module=model.durations,
            inputs={"encoded": ("float32", ["batch", "tokens", CHANNELS]), **token_mask},
            outputs={"durations": ("float32", ["batch", "tokens"])},
            examples={"encoded": encoded.numpy()},
            description="Encoding to the frames that each token lasts, not rounded.",
        ),
        NetworkSource(
            name="prosody",
            role="encoder",
            module=model.prosody,
            inputs={"encoded": ("float32", ["batch", "tokens", CHANNELS]), **token_mask},
            outputs={name: ("float32", ["batch", "tokens"]) for name in CONTOURS},
            examples={"encoded": encoded.numpy()},
            description="Encoding to ln(f0 / 1 Hz) and level in dB of each token.",
        ),
        NetworkSource(
            name="decoder",
            role="decoder",
            module=model.decoder,
            inputs={
                "frames": ("float32", ["batch", "frames", CHANNELS + len(POSITION_CHANNELS) + len(CONTOURS)]),
                **frame_mask,
            },
            outputs={"mel": ("float32", ["batch", "frames", MELS])},
            examples={"frames": frames.astype(np.float32)},
            streaming="frames",
            stateful=True,
            description=DECODER,
        ),
    ]


def pronunciation_network(work: Path) -> NetworkSource:
    """Return the network for words outside the lexicon: the trained one, else the published one."""
    model = PronunciationNetwork()
    trained = work / "pronunciation.pt"
    model.load_state_dict(load_weights(trained if trained.exists() else work / "published_pronunciation.pt", "model"))
    return NetworkSource(
        name="pronunciation",
        role="pronunciation",
        module=model.eval(),
        inputs={"letters": ("int64", ["batch", "letters"]), "mask": ("float32", ["batch", "letters"], True)},
        outputs={"logits": ("float32", ["batch", "steps", len(SYMBOLS) + 1])},
        examples=example_inputs(),
        description="Letters a to z and ' to scores of phones, three steps a letter, blank first.",
    )


def export(work: Path, folder: Path = ADDON, prism: Path = PRISM) -> Path:
    """Package the voice, and return the folder of the addon; the addon of its vocoder must exist already.

    :param work: folder of the checkpoints and the speech.
    :param prism: folder of the addon that lends the vocoder.
    """
    model = Acoustic()
    model.load_state_dict(load_weights(work / "acoustic.pt", "model"))
    example = make_example(SpeechCorpus.load(work / "slt_validation.npz"), 0)
    return package(
        folder,
        name="amber",
        version=VERSION,
        license="Apache-2.0",
        languages=["en-US"],
        sample_rate=SAMPLE_RATE,
        hop_length=HOP,
        controls=CONTROLS,
        networks=[
            *acoustic_networks(model.eval(), example),
            pronunciation_network(work),
            Borrowed.of(prism, "vocoder"),
        ],
        contexts=CONTEXTS,
        stack=STACK,
        description="American English, female; parallel, with explicit durations.",
        golden_text=GOLDEN_TEXT,
        files={"TEACHER_LICENSE": HOME / "TEACHER_LICENSE"},
        replace=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoints and the speech")
    parser.add_argument("--to", type=Path, default=ADDON, help="folder of the addon")
    parser.add_argument("--prism", type=Path, default=PRISM, help="folder of the addon that lends the vocoder")
    options = parser.parse_args()
    export(options.work, options.to, options.prism)
