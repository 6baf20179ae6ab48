"""Receptive fields and the other measurements, on networks whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

from torch import nn  # noqa: E402

from voxstack.networks import Tensor  # noqa: E402
from voxstack_packager import (  # noqa: E402
    PackagingError,
    batch_invariance,
    chunk_exactness,
    is_deterministic,
    mask_exactness,
    receptive_field,
    relative_error,
)
from voxstack_packager.runners import module_runner, ordered_module  # noqa: E402
from voxstack_packager.signature import Signature, complete_inputs  # noqa: E402

CHANNELS = 6
BTC = ("batch", "frames", CHANNELS)
PLAIN = Signature({"frames": Tensor("float32", BTC)}, {"made": Tensor("float32", BTC)})
LONGER = Signature(PLAIN.inputs, {"made": Tensor("float32", ("batch", "samples", CHANNELS))})
MASKED = Signature({**PLAIN.inputs, "mask": Tensor("float32", ("batch", "frames"), True)}, PLAIN.outputs)


def examples(signature):
    def make(sizes, seed):
        shape = (sizes["batch"], sizes["frames"], CHANNELS)
        frames = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        return complete_inputs({"frames": frames}, signature, sizes, "examples")

    return make


class Channels(nn.Module):
    """Layers that take (batch, channels, time), for (batch, time, channels)."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, frames):
        return self.layers(frames.transpose(1, 2)).transpose(1, 2)


def conv(left, right, **options):
    return nn.Sequential(
        nn.ConstantPad1d((left, right), 0.0), nn.Conv1d(CHANNELS, CHANNELS, left + right + 1, **options)
    )


class Repeat(nn.Module):
    def forward(self, x):
        return x.repeat_interleave(2, dim=2)


def runner(module, signature=PLAIN):
    torch.manual_seed(0)
    return module_runner(ordered_module(module.eval(), list(signature.inputs), list(signature.outputs)), signature)


@pytest.mark.parametrize(
    ("layers", "signature", "field"),
    [
        ([conv(0, 0)], PLAIN, (0, 0, 1)),
        ([conv(3, 3), conv(2, 2)], PLAIN, (5, 5, 1)),
        ([conv(7, 0), conv(1, 2)], PLAIN, (8, 2, 1)),
        ([conv(0, 9)], PLAIN, (0, 9, 1)),
        ([conv(3, 3), nn.ReLU(), conv(4, 4), nn.ReLU(), conv(5, 5)], PLAIN, (12, 12, 1)),
        ([conv(20, 20), nn.Tanh(), conv(40, 30)], PLAIN, (60, 50, 1)),
        ([nn.ConvTranspose1d(CHANNELS, CHANNELS, 4, 2, 1)], LONGER, (1, 1, 2)),
        ([conv(2, 2), nn.LeakyReLU(), Repeat(), conv(2, 2)], LONGER, (3, 3, 2)),
    ],
)
def test_receptive_field_is_found_to_the_step(layers, signature, field):
    torch.manual_seed(0)
    run = runner(Channels(*layers), signature)
    assert receptive_field(run, signature, examples(signature), "frames") == field
    assert max(chunk_exactness(run, signature, examples(signature), "frames", *field).values()) < 1e-5


def test_too_small_a_field_shows_in_chunks():
    torch.manual_seed(0)
    run = runner(Channels(conv(3, 3)))
    assert min(chunk_exactness(run, PLAIN, examples(PLAIN), "frames", 2, 3, 1).values()) > 1e-2
    assert min(chunk_exactness(run, PLAIN, examples(PLAIN), "frames", 3, 2, 1).values()) > 1e-2


def test_norm_over_time_is_infinite():
    run = runner(Channels(conv(1, 1), nn.GroupNorm(1, CHANNELS)))
    with pytest.raises(PackagingError, match="infinite"):
        receptive_field(run, PLAIN, examples(PLAIN), "frames", longest=256)


def test_output_that_is_not_a_multiple_is_refused():
    run = runner(Channels(nn.Conv1d(CHANNELS, CHANNELS, 3)))
    with pytest.raises(PackagingError, match="one whole number"):
        receptive_field(run, PLAIN, examples(PLAIN), "frames")


def test_integers_are_changed_too():
    signature = Signature({"frames": Tensor("int64", ("batch", "frames"))}, PLAIN.outputs)

    class Embedded(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.rest = nn.Embedding(50, CHANNELS), Channels(conv(4, 1))

        def forward(self, frames):
            return self.rest(self.embedding(frames))

    def make(sizes, seed):
        return {"frames": np.random.default_rng(seed).integers(0, 50, (sizes["batch"], sizes["frames"]))}

    assert receptive_field(runner(Embedded(), signature), signature, make, "frames") == (4, 1, 1)


def test_only_steps_of_the_axis_count_where_another_input_has_none():
    inputs = {**PLAIN.inputs, "speaker": Tensor("float32", ("batch", CHANNELS))}
    signature = Signature(inputs, PLAIN.outputs)

    class Spoken(nn.Module):
        def __init__(self):
            super().__init__()
            self.rest = Channels(conv(2, 2))

        def forward(self, frames, speaker):
            return self.rest(frames + speaker[:, None])

    def make(sizes, seed):
        made = examples(PLAIN)(sizes, seed)
        return {**made, "speaker": np.ones((sizes["batch"], CHANNELS), np.float32)}

    run = runner(Spoken(), signature)
    assert receptive_field(run, signature, make, "frames") == (2, 2, 1)
    assert max(chunk_exactness(run, signature, make, "frames", 2, 2, 1).values()) < 1e-5
    assert batch_invariance(run, signature, make) < 1e-5


class Masked(nn.Module):
    def __init__(self, heeded):
        super().__init__()
        self.heeded, self.first, self.second = heeded, Channels(conv(3, 3)), Channels(conv(3, 3))

    def forward(self, frames, mask):
        x = self.first(frames)
        return self.second(x * mask[..., None] if self.heeded else x)


def test_mask_that_is_heeded_is_exact_and_one_that_is_not_is_seen():
    heeded, ignored = (mask_exactness(runner(Masked(heed), MASKED), MASKED, examples(MASKED)) for heed in (True, False))
    assert heeded["frames"] < 1e-5
    assert ignored["frames"] > 1e-2


def test_noise_is_seen():
    class Noisy(nn.Module):
        def forward(self, frames):
            return frames + torch.randn_like(frames)

    assert not is_deterministic(runner(Noisy()), PLAIN, examples(PLAIN))
    assert is_deterministic(runner(Channels(conv(1, 1))), PLAIN, examples(PLAIN))


def test_batch_that_mixes_rows_is_seen():
    class Mixing(nn.Module):
        def forward(self, frames):
            return frames - frames.mean(0, keepdim=True)

    assert batch_invariance(runner(Mixing()), PLAIN, examples(PLAIN)) > 0.1


def test_relative_error_is_infinite_for_other_shapes_and_for_not_a_number():
    one = {"x": np.ones(3, np.float32)}
    assert relative_error({"x": np.ones(4, np.float32)}, one) == float("inf")
    assert relative_error({"x": np.array([1, np.nan, 1], np.float32)}, one) == float("inf")
    assert relative_error({"x": np.array([1, 1.5, 1], np.float32)}, one) == pytest.approx(0.5)
    assert relative_error(one, one) == 0.0
