"""The export of the trained model as the addon ``cobalt``.

It borrows the vocoder of ``prism`` and the pronunciation network of ``amber``.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from attention_examples import Example, make_example
from attention_networks import CHANNELS, GROUP, HIDDEN, AttentionModel, Step
from features import HOP, MELS, SAMPLE_RATE
from speech_corpus import SpeechCorpus
from training_loop import load_weights

from voxstack.networks import Autoregressive, State
from voxstack_packager import Borrowed, NetworkSource, package
from voxstack_text.tokens import FEATURES

HOME = Path(__file__).resolve().parents[1]
ADDON = HOME / "src" / "voxstack_voice_cobalt" / "cobalt"
PRISM, AMBER = (HOME.parent / f"voice_{name}" / "src" / f"voxstack_voice_{name}" / name for name in ("prism", "amber"))
VERSION = "0.1.0"
STEP = "Keys, values and the four frames said last to the next four: 80 scaled bands and 48 channels for the refiner."

CONTROLS = {
    "volume": {
        "type": "number",
        "minimum": -60,
        "maximum": 6,
        "default": 0.0,
        "description": "Louder or softer, in dB.",
    },
}
STACK = [
    {
        "type": "Sentences",
        "block": {
            "type": "StreamablePipeline",
            "sequence_block": {"type": "SequenceBlockContainer", "blocks": [{"type": "Text"}, {"type": "Encoders"}]},
            "streamable_block": {
                "type": "StreamableStack",
                "stack": [
                    {
                        "type": "AttentionAlarms",
                        "block": {"type": "AutoregressiveDecoder", "back": 1, "ahead": 3, "longest": 16},
                    },
                    {"type": "Decoder", "network": "refiner"},
                    {"type": "Decoder", "network": "vocoder"},
                    {"type": "InverseSTFT", "n_fft": 800, "hop_length": HOP},
                    {"type": "Gain"},
                ],
            },
        },
    }
]
SHAPES = {"tokens": [64, 128, 320], "letters": [32], "frames": [64, 192, 448]}
CONTEXTS = {
    "default": {"runtime": "onnx", "device": "cpu", "threads": 1, "description": "Any length, in ONNX Runtime."},
    "server": {
        "runtime": "onnx",
        "device": "cpu",
        "batch": 16,
        "description": "The steps of up to 16 concurrent streams run as one.",
    },
    "fixed": {
        "runtime": "onnx",
        "device": "cpu",
        "shapes": SHAPES,
        "description": "Tensors of a few sizes, as accelerators want them.",
    },
    "openvino": {"runtime": "openvino", "device": "CPU", "description": "Any length, in OpenVINO."},
    "torch": {"runtime": "torch", "device": "cpu", "description": "Any length, in PyTorch."},
}
GOLDEN_TEXT = (
    "Did Professor Zorblat really pay 42 dollars for that old clock? Well, nobody in the village knew for sure."
)


def attention_networks(model: AttentionModel, example: Example) -> list[NetworkSource]:
    """Return the three networks.

    :param example: the utterance that they are exported and measured with.
    """
    tokens = torch.from_numpy(example.tokens)[None]
    frames = torch.from_numpy(example.frames)[None]
    with torch.no_grad():
        keys, values = model.memory(tokens, torch.ones(tokens.shape[:2]))
        attended = torch.from_numpy(example.attended)[None]
        decoded = model.decoder(keys, values, torch.ones(tokens.shape[:2]), frames.roll(1, 1), attended.roll(1, 1))[0]
    token_mask = {"mask": ("float32", ["batch", "tokens"], True)}
    memory = {name: ("float32", ["batch", "tokens", CHANNELS]) for name in ("keys", "values")}
    history = model.decoder.history

    def random_steps(random: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
        batch, count = sizes["batch"], sizes["tokens"]
        chosen = np.resize(np.arange(keys.shape[1]), count)
        steps = random.integers(1, len(example.frames), batch)
        return {
            "keys": np.repeat(keys.numpy()[:, chosen], batch, 0),
            "values": np.repeat(values.numpy()[:, chosen], batch, 0),
            "previous": example.frames[steps],
            "position": random.integers(0, count, (batch, 1)),
            "history": random.standard_normal((batch, history, CHANNELS)).astype(np.float32),
        }

    return [
        NetworkSource(
            name="encoder",
            role="encoder",
            module=model.memory,
            inputs={"tokens": ("int64", ["batch", "tokens", len(FEATURES)]), **token_mask},
            outputs=memory,
            examples={"tokens": tokens.numpy()},
            description="Token features to keys and values of each token.",
        ),
        NetworkSource(
            name="step",
            role="decoder",
            module=Step(model.decoder).eval(),
            inputs={
                **memory,
                **token_mask,
                "previous": ("float32", ["batch", GROUP, MELS]),
                "position": ("int64", ["batch", 1]),
                "history": ("float32", ["batch", history, CHANNELS]),
            },
            outputs={
                "frames": ("float32", ["batch", GROUP, MELS + HIDDEN]),
                "stop": ("float32", ["batch", 1]),
                "attention": ("float32", ["batch", "tokens"]),
                "previous_next": ("float32", ["batch", GROUP, MELS]),
                "position_next": ("int64", ["batch", 1]),
                "history_next": ("float32", ["batch", history, CHANNELS]),
            },
            examples=random_steps,
            autoregressive=Autoregressive(
                "frames",
                "stop",
                {name: State(f"{name}_next") for name in ("previous", "position", "history")},
                "attention",
            ),
            description=STEP,
        ),
        NetworkSource(
            name="refiner",
            role="decoder",
            module=model.refiner,
            inputs={
                "frames": ("float32", ["batch", "frames", MELS + HIDDEN]),
                "mask": ("float32", ["batch", "frames"], True),
            },
            outputs={"mel": ("float32", ["batch", "frames", MELS])},
            examples={"frames": decoded.flatten(1, 2).numpy()},
            streaming="frames",
            stateful=True,
            description="Frames of the steps to log-mel frames in nats.",
        ),
    ]


def export(work: Path, folder: Path = ADDON, prism: Path = PRISM, amber: Path = AMBER) -> Path:
    """Package the voice, and return the folder of the addon; the addons that it borrows from must exist already.

    :param work: folder of the checkpoint and the speech.
    :param prism: folder of the addon that lends the vocoder.
    :param amber: folder of the addon that lends the pronunciation network.
    """
    model = AttentionModel()
    model.load_state_dict(load_weights(work / "attention.pt", "model"))
    example = make_example(SpeechCorpus.load(work / "rms_validation.npz"), 0)
    return package(
        folder,
        name="cobalt",
        version=VERSION,
        license="Apache-2.0",
        languages=["en-US"],
        sample_rate=SAMPLE_RATE,
        hop_length=HOP,
        controls=CONTROLS,
        networks=[
            *attention_networks(model.eval(), example),
            Borrowed.of(amber, "pronunciation"),
            Borrowed.of(prism, "vocoder"),
        ],
        contexts=CONTEXTS,
        stack=STACK,
        description="American English, male; attention-based, step by step.",
        golden_text=GOLDEN_TEXT,
        files={"TEACHER_LICENSE": HOME / "TEACHER_LICENSE"},
        replace=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoint and the speech")
    parser.add_argument("--to", type=Path, default=ADDON, help="folder of the addon")
    parser.add_argument("--prism", type=Path, default=PRISM, help="folder of the addon that lends the vocoder")
    parser.add_argument(
        "--amber", type=Path, default=AMBER, help="folder of the addon that lends the pronunciation network"
    )
    options = parser.parse_args()
    export(options.work, options.to, options.prism, options.amber)
