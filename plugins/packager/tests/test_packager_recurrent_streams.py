"""Recurrences that stream: their states go from call to call, and every chunk is that of the whole."""

from __future__ import annotations

import json

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from torch import nn  # noqa: E402

import voxstack  # noqa: E402
from voxstack.networks.addon import Addon  # noqa: E402
from voxstack_packager import NetworkSource, OnnxSource, PackagingError, package  # noqa: E402

C, STYLE = 8, 4
HEAD = {
    "name": "tiny",
    "version": "0.1.0",
    "license": "CC0-1.0",
    "languages": ["en"],
    "sample_rate": 16000,
    "hop_length": 200,
}
FRAMES = {"frames": ("float32", ["batch", "frames", C])}
MEL = {"mel": ("float32", ["batch", "frames", C])}


class Decoder(nn.Module):
    """A recurrence with convolutions around it, each of which may read later frames."""

    def __init__(self, kind, layers=1, before=(0, 0), after=(0, 0), **options):
        super().__init__()
        self.padding = before, after
        self.first, self.last = (nn.Conv1d(C, C, 1 + sum(padding)) for padding in self.padding)
        self.rnn = getattr(nn, kind)(C, C, layers, batch_first=True, **options)

    def forward(self, frames):
        padded = nn.functional.pad(frames.transpose(1, 2), self.padding[0])
        x = self.rnn(torch.relu(self.first(padded)).transpose(1, 2))[0]
        return frames + self.last(nn.functional.pad(x.transpose(1, 2), self.padding[1])).transpose(1, 2)


class Styled(nn.Module):
    """An LSTM that begins with states which depend on a style."""

    def __init__(self):
        super().__init__()
        self.begin = nn.Linear(STYLE, C)
        self.rnn = nn.LSTM(C, C, batch_first=True)

    def forward(self, frames, style):
        hidden = self.begin(style)[None]
        return self.rnn(frames, (hidden, torch.tanh(hidden)))[0]


def frames(rng, sizes):
    return {"frames": rng.standard_normal((sizes["batch"], sizes["frames"], C), np.float32)}


def source(module, **changes):
    given = {"name": "decoder", "role": "decoder", "module": module.eval(), "inputs": FRAMES, "outputs": MEL}
    given |= {"examples": frames, "streaming": "frames", "stateful": True, "half": False}
    return NetworkSource(**{**given, **changes})


def entry(folder):
    return json.loads((folder / "addon.json").read_text())["networks"]["decoder"]


def check_streams(folder, expected, inputs, **utterance):
    """Check that every way to cut the frames gives what the module gives for all of them."""
    for runtime in ("onnx", "openvino"):
        pytest.importorskip(f"voxstack_{runtime}_runtime")
        addon = Addon.open(folder, voxstack.Registry.installed(), {"runtime": runtime})
        block = voxstack.build([{"type": "Decoder"}], addon, available=list(utterance))
        for size in (1, 2, 7, len(inputs)):
            chunks = [inputs[i : i + size] for i in range(0, len(inputs), size)]
            made = np.concatenate(list(block.stream(iter(chunks), utterance)))
            np.testing.assert_allclose(made, expected, atol=2e-6)


@pytest.mark.parametrize(
    ("kind", "options", "right"),
    [
        ("LSTM", {}, 0),
        ("LSTM", {"layers": 2, "before": (2, 2)}, 2),
        ("GRU", {"before": (2, 0), "after": (3, 1)}, 1),
        ("RNN", {"layers": 2, "before": (1, 1), "after": (2, 2), "nonlinearity": "relu"}, 3),
        ("GRU", {"before": (4, 0), "bias": False}, 0),
    ],
)
def test_a_recurrence_streams_with_its_states(tmp_path, kind, options, right):
    torch.manual_seed(0)
    network = source(Decoder(kind, **options))
    package(tmp_path / "tiny", networks=[network], stack=[{"type": "Decoder"}], progress=str, **HEAD)
    spec = entry(tmp_path / "tiny")
    assert spec["streaming"]["right"] == right
    assert [export["format"] for export in spec["exports"]] == ["onnx"]
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == ["addon.json", "decoder.onnx", "golden"]
    assert max(*spec["measured"]["chunk_error"].values(), spec["measured"]["source_error"]) < 2e-6
    inputs = frames(np.random.default_rng(1), {"batch": 1, "frames": 50})["frames"][0]
    for count in (1, 4, 50):
        with torch.no_grad():
            expected = network.module(torch.from_numpy(inputs[None, :count]))[0].numpy()
        check_streams(tmp_path / "tiny", expected, inputs[:count])


def test_a_state_may_begin_with_what_depends_on_an_input(tmp_path):
    def examples(rng, sizes):
        return {**frames(rng, sizes), "style": rng.standard_normal((sizes["batch"], STYLE), np.float32)}

    torch.manual_seed(0)
    network = source(Styled(), inputs={**FRAMES, "style": ("float32", ["batch", STYLE])}, examples=examples)
    package(tmp_path / "tiny", networks=[network], stack=[{"type": "Decoder"}], progress=str, **HEAD)
    inputs = frames(np.random.default_rng(1), {"batch": 1, "frames": 30})["frames"][0]
    style = np.random.default_rng(2).standard_normal(STYLE, np.float32)
    with torch.no_grad():
        expected = network.module(torch.from_numpy(inputs)[None], torch.from_numpy(style)[None])[0].numpy()
    check_streams(tmp_path / "tiny", expected, inputs, style=style)


def test_masks_drop_out(tmp_path):
    class Masked(Decoder):
        def forward(self, frames, mask):
            return super().forward(frames * mask[..., None]) * mask[..., None]

    torch.manual_seed(0)
    network = source(Masked("LSTM"), inputs={**FRAMES, "mask": ("float32", ["batch", "frames"], True)})
    package(tmp_path / "tiny", networks=[network], stack=[{"type": "Decoder"}], progress=str, **HEAD)
    assert "mask" not in entry(tmp_path / "tiny")["inputs"]
    inputs = frames(np.random.default_rng(1), {"batch": 1, "frames": 30})["frames"]
    with torch.no_grad():
        expected = network.module(torch.from_numpy(inputs), torch.ones(1, 30))[0].numpy()
    check_streams(tmp_path / "tiny", expected, inputs[0])


def test_an_existing_graph_streams_so_too(tmp_path):
    torch.manual_seed(0)
    network = source(Decoder("GRU", before=(2, 0)), stateful=False, streaming=None, formats=("onnx",))
    package(tmp_path / "plain", networks=[network], progress=str, **HEAD)
    graph = OnnxSource(
        "decoder", "decoder", tmp_path / "plain" / "decoder.onnx", FRAMES, MEL, frames, streaming="frames"
    )
    package(tmp_path / "tiny", networks=[graph], stack=[{"type": "Decoder"}], progress=str, **HEAD)
    inputs = frames(np.random.default_rng(1), {"batch": 1, "frames": 30})["frames"]
    with torch.no_grad():
        expected = network.module(torch.from_numpy(inputs))[0].numpy()
    check_streams(tmp_path / "tiny", expected, inputs[0])


class Backwards(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(C, C // 2, batch_first=True, bidirectional=True)

    def forward(self, frames):
        return self.rnn(frames)[0]


class Summed(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(C, C, batch_first=True)

    def forward(self, frames):
        outputs, (hidden, _) = self.rnn(frames)
        return outputs + hidden.transpose(0, 1)


@pytest.mark.parametrize(
    ("module", "stateful", "problem"),
    [
        (Backwards, True, r"decoder: .*infinite.*has no stateful form either: LSTM .* reads the stream backwards"),
        (Summed, True, r"decoder: .*has no stateful form either: LSTM .* gives its last state to other operators"),
        (Summed, False, r"decoder: .*the receptive field is infinite.*set 'stateful' if it is a recurrence that reads"),
    ],
)
def test_what_needs_the_end_is_refused(tmp_path, module, stateful, problem):
    with pytest.raises(PackagingError, match=problem):
        package(tmp_path / "tiny", networks=[source(module(), stateful=stateful)], progress=str, **HEAD)
    assert list(tmp_path.iterdir()) == []
