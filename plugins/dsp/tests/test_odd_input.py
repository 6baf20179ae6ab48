"""Chunks, tensors and controls that are none: typed errors, or results that make sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from voxstack import NetworkError, RequestError, SequenceBlock, StreamableBlock, VoxstackError
from voxstack_dsp.fade import Fade
from voxstack_dsp.gain import Gain
from voxstack_dsp.gaussian_sample import GaussianSample
from voxstack_dsp.inverse_stft import InverseSTFT
from voxstack_dsp.limiter import Limiter
from voxstack_dsp.noise import Noise
from voxstack_dsp.pace import Pace
from voxstack_dsp.pitch_shift import PitchShift
from voxstack_dsp.prosody import Prosody
from voxstack_dsp.resample import Resample
from voxstack_dsp.time_stretch import TimeStretch

pytestmark = pytest.mark.filterwarnings("error")

BLOCKS: list[StreamableBlock] = [
    Fade(16000),
    Gain(3.0),
    GaussianSample(),
    InverseSTFT(8, 2),
    Limiter(16000),
    Resample(16000, 8000),
    Resample(16000, 16000),
    PitchShift(3, sample_rate=16000),
    TimeStretch(1.5, 16000),
]
SHAPES: list[tuple[int, ...]] = [(), (20,), (0,), (20, 10), (0, 10), (20, 9), (20, 0), (4, 10, 2)]


def chunks(shape: tuple[int, ...]) -> list[Any]:
    numbers = np.random.default_rng(0).standard_normal(shape)
    numbers = np.asarray(numbers)
    return [
        (1000 * numbers).astype(np.int16),
        (10 * numbers).astype(np.int64),
        (numbers + 1j).astype(np.complex64),
        np.full(shape, np.nan, np.float32),
        np.full(shape, np.inf, np.float32),
        numbers,
        numbers.astype(np.float16),
        np.ones(shape, bool),
        np.full(shape, "a"),
        np.full(shape, None, object),
        numbers.tolist(),
        None,
    ]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_odd_chunks_are_typed_errors_or_numbers(block: StreamableBlock, shape: tuple[int, ...]) -> None:
    for chunk in chunks(shape):
        try:
            outputs = list(block.stream(iter([chunk, chunk]), {}))
        except NetworkError as error:
            assert type(block).__name__ in str(error)
            continue
        assert all(output.dtype.kind in "fc" for output in outputs)
        if chunk.dtype == np.float64:
            assert all(np.isfinite(output).all() for output in outputs)


def test_the_error_of_a_chunk_says_what_is_right() -> None:
    with pytest.raises(NetworkError, match=r"Fade: takes samples, \(samples,\), float32; .* gave float32 \(2, 3\)"):
        list(Fade(16000).stream(iter([np.ones((2, 3), np.float32)]), {}))
    with pytest.raises(NetworkError, match=r"Gain: takes arrays of numbers; the block before gave list"):
        list(Gain(1.0).stream(iter([[1.0]]), {}))  # type: ignore[list-item]


@pytest.mark.parametrize("volumes", [[1.0, np.nan], [1, 2, 3], "x", [1e6, 0], [[1, 2]], [1j, 2]], ids=repr)
@pytest.mark.parametrize("durations", [None, [2.0, np.inf], [np.nan, 1], [-1, 2], ["a", 1], [1.5, 1]], ids=repr)
def test_volumes_that_cannot_be_placed_are_typed_errors(volumes: Any, durations: Any) -> None:
    utterance = {"volumes": volumes, "durations": durations}
    with pytest.raises(VoxstackError, match="Gain: "):
        list(Gain(hop_length=2).stream(iter([np.ones(10, np.float32)]), utterance))


ODD = [np.array(3.0), np.zeros((2, 2)), np.array(["a"]), np.array([1j, 2]), None, "x", [[1], [2, 3]][0:1] * 3]


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize(
    ("block", "name"),
    [
        (Pace(), "durations"),
        (Pace(), "rates"),
        (Pace(), "silences"),
        (Prosody(), "lf0"),
        (Prosody(), "level"),
        (Prosody(), "silences"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_odd_tensors_are_typed_errors(block: SequenceBlock, name: str, value: Any) -> None:
    numbers = {key: np.array([2.0, 3.0]) for key in ("durations", "lf0", "level")}
    if value is None and name in ("rates", "silences"):
        return  # there are none
    with pytest.raises(NetworkError, match=f"{type(block).__name__}: '(level|{name})' is"):
        block({**numbers, "pause": 2.0, "pitch_range": 2.0, name: value})


@pytest.mark.parametrize("durations", [[np.nan, 1], [np.inf, 1]], ids=repr)
def test_durations_and_rates_that_are_not_finite_are_typed_errors(durations: Any) -> None:
    with pytest.raises(NetworkError, match="Pace: 'durations' has values that are not finite"):
        Pace()({"durations": durations})
    for rates in ([0.0, 1.0], [-1.0, 1.0], [np.nan, 1.0], durations):
        with pytest.raises(NetworkError, match="Pace: 'rates' has values that are not finite or not above 0"):
            Pace()({"durations": [1.0, 2.0], "rates": rates})


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "x", None, 10**400, [1, 2]], ids=lambda value: str(value)[:9]
)
def test_odd_controls_are_errors_of_the_request(value: Any) -> None:
    numbers = {key: np.array([2.0, 3.0]) for key in ("durations", "lf0", "level")}
    for name in ("rate", "pause"):
        with pytest.raises(RequestError, match=f"Pace: {name} is"):
            Pace()({**numbers, name: value})
    for name in ("pitch", "energy", "pitch_range"):
        with pytest.raises(RequestError, match=f"Prosody: {name} is"):
            Prosody()({**numbers, name: value})
    for block, name in ((Gain(), "volume"), (GaussianSample(), "noise_scale")):
        with pytest.raises(RequestError, match=f"{type(block).__name__}: {name} is"):
            list(block.stream(iter([np.ones((2, 2), np.float32)]), {name: value}))
    with pytest.raises(RequestError, match="Gain: the volume is above 400 dB"):
        list(Gain().stream(iter(()), {"volume": 1e6}))


def test_noise_like_something_without_a_length_is_a_typed_error() -> None:
    for value in (5.5, np.array(3.0), None):
        with pytest.raises(NetworkError, match="Noise: 'x' has no length"):
            Noise("noise", "x", 3)({"x": value})
