"""Torch modules that were measured before: kept one by one, and measured again whenever anything is different."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from torch import nn  # noqa: E402

from voxstack_packager import NetworkSource, PackagingError, package  # noqa: E402
from voxstack_packager.known import known_networks  # noqa: E402
from voxstack_packager.known.module_digest import module_digest  # noqa: E402

HEAD = {"name": "tiny", "version": "1", "license": "CC0-1.0", "languages": ["en"], "contexts_measured": False}


class Scale(nn.Module):
    """A gain, and above 50 steps another one: a way that a trace with few steps does not see."""

    def __init__(self, factor=2.0, long=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([factor]))
        self.long = long

    def forward(self, frames):
        return frames * self.weight * (self.long if isinstance(frames.shape[1], int) else 1.0)


class Random(nn.Module):
    def forward(self, frames):
        return frames + torch.randn_like(frames)


def source(module, name="one", **changes):
    axes = ("float32", ["batch", "frames", 4])
    examples = {"frames": np.random.default_rng(0).standard_normal((1, 30, 4)).astype(np.float32)}
    options = {"inputs": {"frames": axes}, "outputs": {"scaled": axes}, "examples": examples, "formats": ("onnx",)}
    return NetworkSource(name=name, role="decoder", module=module.eval(), **{**options, **changes})


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Package networks, and return the names of those that were measured."""
    monkeypatch.setenv("VOXSTACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(known_networks, "module_digest", module_digest)
    measured = []
    real = known_networks.package_network
    monkeypatch.setattr(known_networks, "package_network", lambda s, *args: measured.append(s.name) or real(s, *args))

    def run(*networks):
        measured.clear()
        package(
            tmp_path / "tiny", **HEAD, sample_rate=8000, hop_length=1, networks=networks, progress=str, replace=True
        )
        return measured

    return run


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(4, 4, batch_first=True)

    def forward(self, frames):
        return self.rnn(frames)[0]


def test_a_recurrence_is_known_without_a_trace_of_each_step(monkeypatch):
    def loop(*_):
        raise AssertionError("torch infers the shapes of each step")

    monkeypatch.setattr("torch._decomp.decompositions.one_layer_lstm", loop)
    module = Recurrent()
    digests = {
        module_digest(source(module, examples={"frames": np.zeros((1, steps, 4), np.float32)})) for steps in (30, 50)
    }
    assert len(digests) == 1
    assert None not in digests
    assert module_digest(source(Recurrent())) not in digests, "its weights count"


def test_what_was_made_is_kept_when_a_later_network_fails(make):
    with pytest.raises(PackagingError, match="two: two runs with the same inputs differ"):
        make(source(Scale()), source(Random(), "two"))
    assert make(source(Scale())) == []
    assert make(source(Scale(3.0))) == ["one"]
    with pytest.raises(PackagingError, match="produces another output than its module"):  # the program is the same
        make(source(Scale(long=2.0)))
