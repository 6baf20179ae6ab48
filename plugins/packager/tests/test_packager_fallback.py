"""Networks without a stateful form stream in windows, and those that cannot stream run on whole utterances."""

from __future__ import annotations

import json

import numpy as np
import pytest

REASON = "packaging needs torch, onnx, onnxscript and onnxruntime: pip install 'voxstack-packager[export]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("onnxscript", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from torch import nn  # noqa: E402

import voxstack  # noqa: E402
from voxstack_cli.streamability import network_streamability  # noqa: E402
from voxstack_packager import VoiceSource, pack  # noqa: E402
from voxstack_packager.known import known_networks  # noqa: E402
from voxstack_packager.known.module_digest import module_digest  # noqa: E402


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(99, 4)

    def forward(self, tokens):
        encoded = self.embed(tokens[..., 0])
        return encoded, 3 + 0 * encoded[..., 0]


class Centred(nn.Module):
    """Takes the mean over all frames off, so that it cannot stream."""

    def forward(self, frames):
        return frames - frames.mean(1, keepdim=True)


class Continued(nn.Module):
    """Is padded with its first and last frame, which no stream knows before it ends; 40 samples a frame."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 40, 3, padding=1, padding_mode="replicate")

    def forward(self, mel):
        return torch.tanh(self.conv(mel.transpose(1, 2))).transpose(1, 2).flatten(1)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Return a function that packs the voice, with one cache for all calls."""
    folder = tmp_path_factory.mktemp("fallback")
    torch.manual_seed(0)
    networks = [Encoder(), Centred(), Continued()]

    def run(name, **options):
        lines = []
        voice = VoiceSource("mine", networks=networks, sample_rate=8000, texts=["A longer text.", "Short."], **options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VOXSTACK_CACHE", str(folder / "cache"))
            patch.setattr(known_networks, "module_digest", module_digest)
            return pack(voice, folder / name, contexts_measured=False, progress=lines.append), lines

    return run


def test_the_simpler_form_is_taken_and_the_reason_is_kept(packed):
    folder, lines = packed("mine")
    config = json.loads((folder / "addon.json").read_text("utf-8"))
    centred, continued = (config["networks"][name] for name in ("centred", "continued"))
    assert "streaming" not in centred
    reason = centred["measured"]["fallback"]["streaming"]
    assert "the receptive field is infinite" in reason
    assert f"centred: runs on whole utterances: {reason}" in lines
    assert network_streamability(centred) == ("whole", reason)
    assert continued["streaming"] == {"axis": "frames", "left": 1, "right": 1, "hop": 40}
    assert "stateful" not in continued
    assert "Pad" in continued["measured"]["fallback"]["stateful"]
    assert "in windows only: Pad" in network_streamability(continued)[1]
    assert config["hop_length"] == 40


def test_it_speaks_in_chunks_of_any_size(packed):
    folder, lines = packed("again")
    assert sum("measured before" in line for line in lines) == 3  # what is as it was is taken from the cache
    voice = voxstack.load(folder)
    whole = voice.synthesize("Once more.").samples
    small = [chunk.samples for chunk in voice.stream("Once more.", schedule=voxstack.Schedule(first=1, largest=3))]
    assert len(small) > 3
    np.testing.assert_allclose(np.concatenate(small), whole, atol=1e-6)
