"""A voice of recurrent networks, from text to speech: packaged, checked, and the same in every context."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from torch import nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # noqa: E402

import voxstack  # noqa: E402
from voxstack.networks import State  # noqa: E402
from voxstack_packager import NetworkSource, PackagingError, package, upgrade  # noqa: E402

CHANNELS, BANDS, HOP = 8, 6, 16
FRAME = CHANNELS + 4  # and the position of the frame in its token
TEXT = "Hello there, who are you?"
SYMBOLS = {letter: [number + 1] for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz ,.?")}
STACK = [
    {
        "type": "StreamablePipeline",
        "sequence_block": {
            "type": "SequenceBlockContainer",
            "blocks": [{"type": "Characters", "symbols": SYMBOLS, "lower": True}, {"type": "Encoders"}],
        },
        "streamable_block": {
            "type": "StreamableStack",
            "stack": [{"type": "Upsampler"}, {"type": "Decoder"}, {"type": "Decoder", "network": "vocoder"}],
        },
    }
]


class Encoder(nn.Module):
    """Tokens to encodings and durations by a bidirectional LSTM over a packed sequence."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(SYMBOLS) + 1, CHANNELS)
        self.rnn = nn.LSTM(CHANNELS, CHANNELS // 2, num_layers=2, bidirectional=True, batch_first=True)
        self.durations = nn.Linear(CHANNELS, 1)

    def forward(self, tokens, mask):
        lengths = mask.sum(1).to(torch.int64)
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        encoded = pad_packed_sequence(self.rnn(packed)[0], batch_first=True, total_length=tokens.shape[1])[0]
        return encoded, (2 + 6 * torch.sigmoid(self.durations(encoded))[..., 0]) * mask


class Decoder(nn.Module):
    """Frames to mels by a convolution that reads two frames ahead, and a GRU."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(FRAME, CHANNELS, 5, padding=2)
        self.rnn = nn.GRU(CHANNELS, BANDS, num_layers=2, batch_first=True)

    def forward(self, frames):
        return self.rnn(torch.relu(self.conv(frames.transpose(1, 2))).transpose(1, 2))[0]


class Vocoder(nn.Module):
    """Mels to samples by an LSTM with states of its own."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(BANDS, HOP, batch_first=True)

    def forward(self, mel, hidden, cell):
        samples, (hidden, cell) = self.rnn(mel, (hidden[None], cell[None]))
        return samples.flatten(1), hidden[0], cell[0]


def networks():
    torch.manual_seed(0)
    floats = lambda *shape: ("float32", list(shape))  # noqa: E731
    state = floats("batch", HOP)
    return [
        NetworkSource(
            name="encoder",
            role="encoder",
            module=Encoder().eval(),
            inputs={"tokens": ("int64", ["batch", "tokens"]), "mask": ("float32", ["batch", "tokens"], True)},
            outputs={"encoded": floats("batch", "tokens", CHANNELS), "durations": floats("batch", "tokens")},
            examples=lambda rng, sizes: {
                "tokens": rng.integers(1, len(SYMBOLS) + 1, (sizes["batch"], sizes["tokens"]))
            },
        ),
        NetworkSource(
            name="decoder",
            role="decoder",
            module=Decoder().eval(),
            inputs={"frames": floats("batch", "frames", FRAME)},
            outputs={"mel": floats("batch", "frames", BANDS)},
            examples=lambda rng, sizes: {
                "frames": rng.standard_normal((sizes["batch"], sizes["frames"], FRAME), np.float32)
            },
            streaming="frames",
            stateful=True,
        ),
        NetworkSource(
            name="vocoder",
            role="vocoder",
            module=Vocoder().eval(),
            inputs={"mel": floats("batch", "frames", BANDS), "hidden": state, "cell": state},
            outputs={"samples": floats("batch", "samples"), "hidden_next": state, "cell_next": state},
            examples=lambda rng, sizes: {
                "mel": rng.standard_normal((sizes["batch"], sizes["frames"], BANDS), np.float32)
            },
            streaming="frames",
            states={"hidden": State("hidden_next"), "cell": State("cell_next")},
            initial={"cell": np.full(HOP, 0.5, np.float32)},
        ),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    for name in ("text", "encoders", "upsampler", "decoder", "voice", "openvino_runtime", "fixed_shapes", "bench"):
        pytest.importorskip(f"voxstack_{name}")
    head = {"name": "lstm", "version": "0.1.0", "license": "CC0-1.0", "languages": ["en"]}
    return package(
        tmp_path_factory.mktemp("addons") / "lstm",
        networks=networks(),
        stack=STACK,
        contexts={"fixed": {"runtime": "onnx", "shapes": {"tokens": [16, 64]}}},
        sample_rate=16000,
        hop_length=HOP,
        golden_text=TEXT,
        progress=str,
        **head,
    )


def test_it_streams_with_states(folder):
    specs = json.loads((folder / "addon.json").read_text())["networks"]
    assert "streaming" not in specs["encoder"]
    streaming = specs["decoder"]["streaming"]
    assert (streaming["right"], streaming["hop"], len(streaming["states"])) == (2, 1, 3)
    assert specs["vocoder"]["streaming"]["hop"] == HOP


@pytest.mark.parametrize("context", ["onnx:cpu", "openvino:CPU", "fixed"])
def test_every_context_speaks_the_same(folder, context):
    expected = voxstack.load(folder, context="onnx:cpu").synthesize(TEXT).samples
    assert len(expected) > 1000
    voice = voxstack.load(folder, context=context)
    for schedule in ({"first": 1, "growth": 1.5, "largest": 9}, {"first": 40, "growth": 3, "largest": 200}):
        chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=voxstack.Schedule(**schedule))]
        assert len(chunks) > 1
        np.testing.assert_allclose(np.concatenate(chunks), expected, atol=2e-6)


def test_an_upgrade_leaves_what_streams_with_states(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "lstm")
    upgrade(tmp_path / "lstm", progress=str)
    before, after = (json.loads((path / "addon.json").read_text()) for path in (folder, tmp_path / "lstm"))
    assert after["networks"]["decoder"] == before["networks"]["decoder"]
    assert after["networks"]["vocoder"] == before["networks"]["vocoder"]
    with pytest.raises(PackagingError, match="is of a network that streams with states"):
        upgrade(tmp_path / "lstm", modules={"vocoder": Vocoder()}, progress=str)


def test_the_check_of_the_addon_passes(folder):
    from voxstack_bench import check

    report = check(folder, contexts=["onnx:cpu", "openvino:CPU", "fixed"])
    assert [context.state for context in report.contexts] == ["pass"] * 3
    rows = {row.subject for row in report.contexts[0].rows}
    assert {"encoder", "decoder", "vocoder"} <= rows
