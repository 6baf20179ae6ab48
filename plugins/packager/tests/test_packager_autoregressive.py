"""Packaging of networks that compute frames step by step."""

from __future__ import annotations

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
from voxstack_addon_spec import open_addon  # noqa: E402
from voxstack_packager import NetworkSource, PackagingError, package  # noqa: E402

HEAD = {
    "name": "tiny",
    "version": "0.1.0",
    "license": "CC0-1.0",
    "languages": ["en"],
    "sample_rate": 16000,
    "hop_length": 200,
}
GROUP, BANDS, SIZE = 2, 8, 16


class Step(nn.Module):
    """Attends by dot products to keys, reads its last frames and a cache of all before, and stops by a logit."""

    def __init__(self):
        super().__init__()
        self.hear, self.say, self.end = (
            nn.Linear(GROUP * BANDS, SIZE),
            nn.Linear(3 * SIZE, GROUP * BANDS),
            nn.Linear(3 * SIZE, 1),
        )

    def forward(self, keys, mask, heard, cache, dropout):
        query = torch.tanh(self.hear(heard.flatten(1))) * (dropout > 0.5)
        past = torch.cat([cache, query[:, None]], 1)
        attention = torch.softmax((keys @ query[..., None])[..., 0].masked_fill(mask == 0, -1e4), -1)
        x = torch.cat([query, (attention[:, None] @ keys)[:, 0], past.mean(1)], -1)
        said = self.say(x).unflatten(1, (GROUP, BANDS))
        return said, self.end(x), attention, said + 0.0, past


def source(**changes):
    torch.manual_seed(0)
    shapes = {
        "keys": ["batch", "tokens", SIZE],
        "heard": ["batch", GROUP, BANDS],
        "cache": ["batch", "past", SIZE],
        "dropout": ["batch", SIZE],
    }
    outputs = {
        "said": ["batch", GROUP, BANDS],
        "end": ["batch", 1],
        "attention": ["batch", "tokens"],
        "heard_next": ["batch", GROUP, BANDS],
    }
    outputs["cache_next"] = ["batch", "longer", SIZE]

    def examples(rng, sizes):
        size = lambda axis: sizes[axis] if isinstance(axis, str) else axis  # noqa: E731
        return {name: rng.random([size(axis) for axis in shape], np.float32) for name, shape in shapes.items()}

    states = {"heard": State("heard_next"), "cache": State("cache_next", 0)}
    given = {
        "name": "step",
        "role": "decoder",
        "module": Step().eval(),
        "inputs": {
            "keys": ("float32", shapes["keys"]),
            "mask": ("float32", ["batch", "tokens"], True),
            **{name: ("float32", shapes[name]) for name in ("heard", "cache", "dropout")},
        },
        "outputs": {name: ("float32", shape) for name, shape in outputs.items()},
        "examples": examples,
        "autoregressive": Autoregressive("said", "end", states, "attention", {"dropout": "uniform"}),
    }
    return NetworkSource(**{**given, **changes})


def test_a_step_is_packaged_measured_and_run(tmp_path):
    network = source()
    folder = package(
        tmp_path / "tiny", networks=[network], stack=[{"type": "AutoregressiveDecoder"}], progress=str, **HEAD
    )
    with open_addon(folder) as files:
        files.verify()
        spec = files.config["networks"]["step"]
    assert spec["autoregressive"] == {
        "frames": "said",
        "stop": "end",
        "states": {"heard": {"next": "heard_next"}, "cache": {"next": "cache_next", "steps": 0}},
        "attention": "attention",
        "noise": {"dropout": "uniform"},
    }
    assert spec["measured"]["batch_error"] < 1e-6
    assert spec["measured"]["mask_error"]["tokens"] < 1e-6
    addon = Addon.open(folder, voxstack.Registry.installed())
    block = voxstack.build([{"type": "AutoregressiveDecoder", "spare_steps": 5}], addon, available=["keys"])
    keys = np.random.default_rng(0).random((4, SIZE), np.float32)
    made = np.concatenate(list(block.stream(iter(()), {"keys": keys, "seed": 3})))
    assert made.shape[1] == BANDS
    assert len(made) % GROUP == 0
    assert 0 < len(made) <= GROUP * (4 * 4 + 5)
    again = np.concatenate(list(block.stream(iter(()), {"keys": keys, "seed": 3})))
    np.testing.assert_array_equal(made, again)


def test_states_begin_with_given_values(tmp_path):
    heard = np.full((GROUP, BANDS), 0.25, np.float32)
    cache = np.random.default_rng(1).random((3, SIZE), np.float32)
    states = {"heard": State("heard_next"), "cache": State("cache_next", provided=True)}
    steps = Autoregressive("said", "end", states, "attention", {"dropout": "uniform"})
    network = source(autoregressive=steps, initial={"heard": heard}, half=False, formats=("onnx",))
    folder = package(
        tmp_path / "tiny", networks=[network], stack=[{"type": "AutoregressiveDecoder"}], progress=str, **HEAD
    )
    with open_addon(folder) as files:
        declared = files.config["networks"]["step"]["autoregressive"]["states"]
    assert declared["heard"] == {"next": "heard_next", "initial": "step.heard.npy"}
    assert declared["cache"] == {"next": "cache_next", "provided": True}
    addon = Addon.open(folder, voxstack.Registry.installed())
    block = voxstack.build([{"type": "AutoregressiveDecoder"}], addon, available=["keys", "cache"])
    keys = np.random.default_rng(0).random((4, SIZE), np.float32)
    first = next(block.stream(iter(()), {"keys": keys, "cache": cache, "seed": 3}))
    opened = addon.network("step")
    states = opened.first_states({"cache": cache})
    noise = np.random.default_rng(0).random(SIZE, np.float32)
    with torch.no_grad():
        expected = network.module(
            *map(torch.from_numpy, (keys[None], np.ones((1, 4), np.float32), heard[None], cache[None], noise[None]))
        )
    outputs, following = opened.step(states, False, keys=keys, dropout=noise)
    np.testing.assert_allclose(outputs["said"], expected[0][0].numpy(), atol=1e-6)
    assert following["cache"].shape == (1, 4, SIZE)
    assert first.shape[1] == BANDS


def test_refusals(tmp_path):
    with pytest.raises(PackagingError, match="an autoregressive network computes its own frames and reads no stream"):
        package(tmp_path / "both", networks=[source(streaming="tokens")], progress=str, **HEAD)
    wrong = Autoregressive("said", "attention", {"heard": State("heard_next"), "cache": State("cache_next")})
    with pytest.raises(
        voxstack.AddonError, match=r"autoregressive.stop: 'attention' is float32 \['batch', 'tokens'\]; make it float32"
    ):
        package(tmp_path / "wrong", networks=[source(autoregressive=wrong)], progress=str, **HEAD)
    assert not list(tmp_path.iterdir())
