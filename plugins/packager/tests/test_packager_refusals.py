"""Networks and addons that the packager refuses, and its error messages."""

from __future__ import annotations

import json

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from torch import nn  # noqa: E402

from voxstack_addon_spec import AddonError  # noqa: E402
from voxstack_packager import NetworkSource, PackagingError, package  # noqa: E402

C = 6
FRAMES = {"frames": ("float32", ["batch", "frames", C]), "mask": ("float32", ["batch", "frames"], True)}
MEL = {"mel": ("float32", ["batch", "frames", C])}
HEAD = {
    "name": "tiny",
    "version": "0.1.0",
    "license": "CC0-1.0",
    "languages": ["en"],
    "sample_rate": 16000,
    "hop_length": 200,
}


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(C, C, 5, padding=2)

    def forward(self, frames, mask):
        return {"mel": self.conv(frames.transpose(1, 2) * mask[:, None]).transpose(1, 2)}


def frames(rng, sizes):
    return {"frames": rng.standard_normal((sizes["batch"], sizes["frames"], C)).astype(np.float32)}


def source(module=None, **changes):
    torch.manual_seed(0)
    given = {
        "name": "decoder",
        "role": "decoder",
        "module": (module or Decoder()).eval(),
        "inputs": FRAMES,
        "outputs": MEL,
    }
    return NetworkSource(**{**given, "examples": frames, "streaming": "frames", **changes})


def test_there_is_nothing_where_packaging_failed(tmp_path):
    class Noisy(Decoder):
        def forward(self, frames, mask):
            return super().forward(frames + torch.randn_like(frames), mask)

    with pytest.raises(PackagingError, match="decoder: two runs with the same inputs differ"):
        package(tmp_path / "tiny", networks=[source(Noisy())], progress=str, **HEAD)
    assert list(tmp_path.iterdir()) == []


def test_mask_that_is_ignored_is_refused(tmp_path):
    class Ignoring(Decoder):
        def forward(self, frames, mask):
            return super().forward(frames + 1, torch.ones_like(mask))  # so that padding is no longer zero

    with pytest.raises(PackagingError, match="decoder: an input padded along 'frames'"):
        package(tmp_path / "tiny", networks=[source(Ignoring())], progress=str, **HEAD)


def test_norm_over_time_may_be_packaged_but_not_streamed(tmp_path):
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.GroupNorm(1, C)

        def forward(self, frames):
            return self.norm(frames.transpose(1, 2)).transpose(1, 2)

    whole = {"frames": FRAMES["frames"]}
    with pytest.raises(PackagingError, match=r"decoder: .*infinite"):
        package(tmp_path / "tiny", networks=[source(Normed(), inputs=whole)], progress=str, **HEAD)
    package(tmp_path / "tiny", networks=[source(Normed(), inputs=whole, streaming=None)], progress=str, **HEAD)
    assert "streaming" not in json.loads((tmp_path / "tiny" / "addon.json").read_text())["networks"]["decoder"]


def test_axis_that_the_module_fixes_is_named(tmp_path):
    class Fixed(Decoder):
        def forward(self, frames, mask):
            return {
                "mel": super().forward(frames, mask)["mel"] * torch.arange(int(frames.shape[1]))[:, None]
                + torch.ones(29, 1)
            }

    with pytest.raises(PackagingError, match="and with 'frames' of 13 it fails, as its module does"):
        package(tmp_path / "tiny", networks=[source(Fixed())], progress=str, **HEAD)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"formats": ("pt2",)}, "must hold 'onnx'"),
        ({"streaming": "tokens"}, "cannot stream"),
        ({"module": Decoder()}, "training mode"),
        ({"examples": {"frames": np.zeros((1, 5, 3), np.float32)}}, "should be float32"),
        ({"examples": {"other": np.zeros((1, 5, 3), np.float32)}}, "not an input"),
    ],
)
def test_mistakes_are_named_before_anything_is_made(tmp_path, changes, message):
    network = source()
    for key, value in changes.items():
        setattr(network, key, value)
    with pytest.raises(PackagingError, match=message):
        package(tmp_path / "tiny", networks=[network], progress=str, **HEAD)
    assert list(tmp_path.iterdir()) == []


def test_wrong_head_is_refused_at_once(tmp_path):
    with pytest.raises(AddonError, match="version"):
        package(tmp_path / "tiny", networks=[source()], progress=str, **{**HEAD, "version": "first"})


def test_rows_of_a_batch_that_mix_are_refused(tmp_path):
    class Mixing(Decoder):
        def forward(self, frames, mask):
            return super().forward(frames - frames.mean(0, keepdim=True), mask)

    with pytest.raises(PackagingError, match="decoder: a row of a batch produces another output than alone"):
        package(tmp_path / "tiny", networks=[source(Mixing())], progress=str, **HEAD)


def test_golden_speech_needs_a_stack_and_its_name(tmp_path):
    with pytest.raises(PackagingError, match="golden_text: needs a stack that synthesizes it"):
        package(tmp_path / "tiny", networks=[], golden_text="Hello.", progress=str, **HEAD)
    network = NetworkSource(
        "speech", "decoder", Decoder().eval(), FRAMES, MEL, {"frames": np.zeros((1, 9, C), np.float32)}
    )
    with pytest.raises(PackagingError, match="two are named 'speech'; rename one"):
        package(
            tmp_path / "tiny",
            networks=[network],
            stack=[{"type": "Decoder"}],
            golden_text="Hello.",
            progress=str,
            **HEAD,
        )
