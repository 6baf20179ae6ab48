"""Networks with states of their own: convolutions, a window of attention, an LSTM, and values that they begin with."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from torch import nn  # noqa: E402

import voxstack  # noqa: E402
from voxstack.networks import Autoregressive, State  # noqa: E402
from voxstack.networks.addon import Addon  # noqa: E402
from voxstack_packager import NetworkSource, PackagingError, package  # noqa: E402
from voxstack_packager.measure.time_limit import TimeLimit  # noqa: E402

C, WINDOW, HOP = 8, 10, 4
HEAD = {
    "name": "tiny",
    "version": "0.1.0",
    "license": "CC0-1.0",
    "languages": ["en"],
    "sample_rate": 16000,
    "hop_length": HOP,
}
RUNTIMES = ("onnx", "openvino", "torch")
STATES = ("past", "cache", "hidden", "cell", "tail")


class Codec(nn.Module):
    """A causal convolution, attention to the last WINDOW steps, an LSTM, and a transposed convolution of hop 4."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(C, C, 5)
        self.project = nn.Linear(C, 3 * C)
        self.lstm = nn.LSTM(C, C, batch_first=True)
        self.up = nn.ConvTranspose1d(C, 2, 2 * HOP, stride=HOP)

    def forward(self, frames, past, cache, hidden, cell, tail):
        x = torch.cat([past, frames.transpose(1, 2)], 2)
        past = x[:, :, -4:]
        x = self.conv(x).transpose(1, 2)
        x, cache = self.attend(x, cache)
        x, (hidden, cell) = self.lstm(x, (hidden.transpose(0, 1), cell.transpose(0, 1)))
        y = self.up(x.transpose(1, 2))
        y = torch.cat([y[:, :, :HOP] + tail, y[:, :, HOP:]], 2)
        tail = y[:, :, -HOP:] - self.up.bias[:, None]
        return y[:, :, :-HOP].transpose(1, 2), past, cache, hidden.transpose(0, 1), cell.transpose(0, 1), tail

    def attend(self, x, cache):
        query, keys, values = self.project(x).chunk(3, -1)
        kept = torch.cat([cache, torch.cat([keys, values], -1)], 1)
        ages = torch.arange(kept.shape[1] - x.shape[1], kept.shape[1])[:, None] - torch.arange(kept.shape[1])[None]
        scores = query @ kept[..., :C].transpose(1, 2)
        weights = torch.softmax(scores.masked_fill((ages < 0) | (ages >= WINDOW), -1e9), -1)
        return x + weights @ kept[..., C:], kept[:, -(WINDOW - 1) :]


def floats(*shape):
    return "float32", list(shape)


def source(module=None, **changes):
    torch.manual_seed(0)
    inputs = {
        "frames": floats("batch", "frames", C),
        "past": floats("batch", C, 4),
        "cache": floats("batch", "kept", 2 * C),
        "hidden": floats("batch", 1, C),
        "cell": floats("batch", 1, C),
        "tail": floats("batch", 2, HOP),
    }
    outputs = {"samples": floats("batch", "samples", 2), **{f"{name}_next": inputs[name] for name in STATES}}
    outputs["cache_next"] = floats("batch", "kept_next", 2 * C)
    given = {
        "name": "codec",
        "role": "decoder",
        "module": (module or Codec()).eval(),
        "inputs": inputs,
        "outputs": outputs,
        "examples": lambda rng, sizes: {
            "frames": rng.standard_normal((sizes["batch"], sizes["frames"], C), np.float32)
        },
        "streaming": "frames",
        "states": {name: State(f"{name}_next") for name in STATES},
    }
    return NetworkSource(**{**given, **changes})


HIDDEN = np.linspace(-0.9, 0.9, C, dtype=np.float32)[None]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return an addon with a codec that begins with given values, its module, and the lines of progress."""
    folder, lines = tmp_path_factory.mktemp("addons") / "tiny", []
    network = source(initial={"hidden": HIDDEN}, half=False)
    package(folder, networks=[network], stack=[{"type": "Decoder"}], progress=lines.append, **HEAD)
    return folder, network.module, lines


def entry(folder):
    return json.loads((folder / "addon.json").read_text())["networks"]["codec"]


def test_the_entry_states_what_was_measured(made):
    folder, _, lines = made
    spec = entry(folder)
    states = spec["streaming"].pop("states")
    assert spec["streaming"] == {"axis": "frames", "right": 0, "hop": HOP}
    assert states["cache"] == {"next": "cache_next", "steps": 0}
    assert states["hidden"] == {"next": "hidden_next", "initial": "codec.hidden.npy"}
    measured = spec["measured"]
    assert set(measured["chunk_error"]) == {"1", "7", "16", "64", "ramp"}
    errors = [measured[name] for name in ("source_error", "pt2_error", "batch_error", "stream_error")]
    assert max(*measured["chunk_error"].values(), *errors) < 2e-6
    assert any(f"codec: {HOP} steps for each of 'frames'; measuring" in line for line in lines)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("size", [1, 7, 60])
def test_chunks_are_what_the_module_produces_at_once(made, runtime, size):
    folder, module, _ = made
    pytest.importorskip(f"voxstack_{runtime}_runtime")
    frames = np.random.default_rng(3).standard_normal((60, C), np.float32)
    zeros = [torch.zeros(1, C, 4), torch.zeros(1, 0, 2 * C), torch.from_numpy(HIDDEN)[None], torch.zeros(1, 1, C)]
    with torch.no_grad():
        expected = module(torch.from_numpy(frames)[None], *zeros, torch.zeros(1, 2, HOP))[0][0].numpy()
    addon = Addon.open(folder, voxstack.Registry.installed(), {"runtime": runtime}, trust=True)
    block = voxstack.build([{"type": "Decoder"}], addon)
    chunks = block.stream((frames[i : i + size] for i in range(0, 60, size)), {})
    np.testing.assert_allclose(np.concatenate(list(chunks)), expected, atol=2e-6)


def test_the_utterance_provides_the_first_value(tmp_path):
    states = {name: State(f"{name}_next", provided=name in ("hidden", "cache")) for name in STATES}

    def examples(rng, sizes):
        shapes = {"frames": (sizes["batch"], sizes["frames"], C), "hidden": (sizes["batch"], 1, C)}
        shapes["cache"] = (sizes["batch"], sizes["kept"], 2 * C)
        return {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}

    network = source(states=states, examples=examples, half=False, formats=("onnx",))
    package(tmp_path / "tiny", networks=[network], stack=[{"type": "Decoder"}], progress=str, **HEAD)
    addon = Addon.open(tmp_path / "tiny", voxstack.Registry.installed())
    block = voxstack.build([{"type": "Decoder"}], addon, available=["hidden", "cache"])
    with pytest.raises(voxstack.StackError, match="cache"):
        voxstack.build([{"type": "Decoder"}], addon, available=["hidden"])
    frames = np.random.default_rng(3).standard_normal((30, C), np.float32)
    cache = np.random.default_rng(4).standard_normal((6, 2 * C), np.float32)
    with torch.no_grad():
        expected = network.module(
            *map(torch.from_numpy, (frames[None], np.zeros((1, C, 4), np.float32), cache[None], HIDDEN[None])),
            torch.zeros(1, 1, C),
            torch.zeros(1, 2, HOP),
        )[0][0].numpy()
    made = np.concatenate(list(block.stream(iter([frames[:7], frames[7:]]), {"hidden": HIDDEN, "cache": cache})))
    np.testing.assert_allclose(made, expected, atol=2e-6)
    wrong = block.stream(iter([frames]), {"hidden": HIDDEN[0], "cache": cache})
    with pytest.raises(
        voxstack.NetworkError, match=r"state 'hidden': the utterance has float32 \[8\]; it takes .*1, 8"
    ):
        next(wrong)


class Late(nn.Module):
    """A convolution that reads two frames ahead: its output is late, and the last call receives the frames that lack.

    It begins with two frames of zeros before the first.
    """

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(C, C, 5, padding=0)

    def forward(self, frames, past, end):
        count = end.item()
        torch._check(count >= 0)
        torch._check(count <= 1)
        padding = frames.new_zeros((frames.shape[0], 2, C))[:, : 2 * count]
        x = torch.cat([past, frames, padding], 1)
        return self.conv(x.transpose(1, 2)).transpose(1, 2), x[:, -4:]


def test_a_module_with_an_end_may_be_late(tmp_path):
    network = source(
        Late(),
        inputs={
            "frames": floats("batch", "frames", C),
            "past": floats("batch", "kept", C),
            "end": ("int64", [1]),
        },
        outputs={"mel": floats("batch", "mel_frames", C), "past_next": floats("batch", "kept_next", C)},
        states={"past": State("past_next", 2)},
        end="end",
        half=False,
        formats=("onnx",),
    )
    package(tmp_path / "tiny", networks=[network], stack=[{"type": "Decoder"}], progress=str, **HEAD)
    streaming = entry(tmp_path / "tiny")["streaming"]
    assert (streaming["right"], streaming["hop"], streaming["end"]) == (2, 1, "end")
    frames = np.random.default_rng(3).standard_normal((40, C), np.float32)
    conv = nn.functional.pad(torch.from_numpy(frames).T[None], (2, 2))
    with torch.no_grad():
        expected = network.module.conv(conv)[0].T.numpy()
    block = voxstack.build([{"type": "Decoder"}], Addon.open(tmp_path / "tiny", voxstack.Registry.installed()))
    for size in (1, 9, 40):
        made = np.concatenate(list(block.stream((frames[i : i + size] for i in range(0, 40, size)), {})))
        np.testing.assert_allclose(made, expected, atol=2e-6)


def test_a_gru_with_an_end_is_refused_as_it_would_end_the_process(tmp_path):
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(C, C, batch_first=True)

        def forward(self, frames, hidden, end):
            y, following = self.gru(frames, hidden.transpose(0, 1).contiguous())
            return y + end.to(y.dtype), following.transpose(0, 1)

    shape = floats("batch", 1, C)
    network = source(
        Gated(),
        inputs={"frames": floats("batch", "frames", C), "hidden": shape, "end": ("int64", [1])},
        outputs={"mel": floats("batch", "frames", C), "hidden_next": shape},
        states={"hidden": State("hidden_next")},
        end="end",
    )
    with pytest.raises(PackagingError, match="codec: has a GRU and an 'end', whose last call may have no steps"):
        package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)


def test_a_module_without_an_end_that_is_late_is_refused(tmp_path):
    class Shorter(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(C, C, 3)

        def forward(self, frames, past):
            x = torch.cat([past, frames], 1)
            return self.conv(x.transpose(1, 2)).transpose(1, 2), x[:, -2:]

    network = source(
        Shorter(),
        inputs={"frames": floats("batch", "frames", C), "past": floats("batch", "kept", C)},
        outputs={"mel": floats("batch", "mel_frames", C), "past_next": floats("batch", "kept_next", C)},
        states={"past": State("past_next")},
    )
    with pytest.raises(PackagingError, match="codec: its first call returns 2 steps less than it receives"):
        package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)


def test_states_that_do_not_carry_enough_are_refused(tmp_path):
    class Forgetful(Codec):
        def attend(self, x, cache):
            attended, cache = super().attend(x, cache)
            return attended, cache[:, -5:]

    with pytest.raises(PackagingError, match="codec: in chunks of 1 steps it produces another output than in one call"):
        package(tmp_path / "tiny", networks=[source(Forgetful(), formats=("onnx",))], progress=str, **HEAD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"streaming": None}, "set 'streaming' to the axis"),
        ({"states": {"pst": State("past_next")}}, "'states' names the input 'pst'; it has"),
        ({"states": {"past": State("past_nxt")}}, "'states' names the output 'past_nxt'; it has"),
        ({"end": "frames"}, "must name an input of int64"),
        ({"stateful": True}, "has states of its own"),
        ({"autoregressive": Autoregressive("samples", "tail", {})}, "leave"),
        ({"initial": {"hiden": HIDDEN}}, r"'initial' has \['hiden'\], which are no states"),
        ({"initial": {"hidden": HIDDEN[0]}}, r"value of 'hidden' is float32 \[8\] and should be float32 \[1, 8\]"),
    ],
)
def test_mistakes_are_named(tmp_path, changes, problem):
    with pytest.raises(PackagingError, match=problem):
        package(tmp_path / "tiny", networks=[source(**changes)], progress=str, **HEAD)
    assert list(tmp_path.iterdir()) == []


def test_the_time_of_measuring_is_bounded(tmp_path):
    with pytest.raises(PackagingError, match=r"codec: measuring takes more than 0 s; it came to .*'time_limit'"):
        package(tmp_path / "tiny", networks=[source(formats=("onnx",))], progress=str, time_limit=0, **HEAD)


def test_progress_is_reported_and_large_calls_are_not_begun():
    lines, calls = [], []

    def run(x):
        calls.append(len(x))
        time.sleep(0.002 * len(x))
        return {"y": x}

    limit = TimeLimit("codec", lines.append, seconds=1.0)
    limit.stage = "its receptive field"
    watched = limit.watch(run)
    watched(x=np.zeros(100))
    with pytest.raises(PackagingError, match=r"it came to its receptive field, and the next call is expected to take"):
        watched(x=np.zeros(10_000))
    assert calls == [100]
    limit._reported -= 60
    watched(x=np.zeros(10))
    assert lines == ["codec: measuring for 0 s, now its receptive field"]
