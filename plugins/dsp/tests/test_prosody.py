from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from voxstack import NetworkError, RequestError
from voxstack_dsp.prosody import Prosody

F0 = np.array([150.0, 200.0, 160.0, 220.0], np.float32)
LEVEL = np.array([-60.0, -30.0, -35.0, -28.0], np.float32)


def changed(block: Prosody | None = None, **controls: Any) -> tuple[np.ndarray, np.ndarray]:
    output = (block or Prosody())({"lf0": np.log(F0), "level": LEVEL, **controls})
    assert set(output) == {"lf0", "level"}
    return np.exp(output["lf0"]), output["level"]


def test_unasked_nothing_changes() -> None:
    f0, level = changed()
    np.testing.assert_array_equal(f0, np.exp(np.log(F0)))
    np.testing.assert_array_equal(level, LEVEL)


def test_an_octave_is_twelve_semitones() -> None:
    f0, level = changed(Prosody(highest=1000.0), pitch=12.0)
    np.testing.assert_allclose(f0, 2 * F0, rtol=1e-6)
    np.testing.assert_array_equal(level, LEVEL)


@pytest.mark.parametrize("span", [0.0, 0.5, 2.0])
def test_a_range_keeps_the_mean_and_stretches_semitones(span: float) -> None:
    height, output = np.log(F0), np.log(changed(pitch_range=span)[0])
    assert output.mean() == pytest.approx(height.mean(), abs=1e-6)
    np.testing.assert_allclose(output - output.mean(), span * (height - height.mean()), atol=1e-6)


def test_silences_have_no_say_in_the_mean() -> None:
    f0, _ = changed(pitch_range=0.0, silences=np.array([True, False, False, False]))
    np.testing.assert_allclose(f0, np.exp(np.log(F0[1:]).mean()), rtol=1e-6)


def test_of_silences_alone_the_mean_is_taken_all_the_same() -> None:
    f0, _ = changed(pitch_range=0.0, silences=np.ones(4, bool))
    np.testing.assert_allclose(f0, np.exp(np.log(F0).mean()), rtol=1e-6)


def test_energy_is_in_decibels() -> None:
    np.testing.assert_allclose(changed(energy=-4.5)[1], LEVEL - 4.5)


def test_pitch_stays_within_what_the_voice_learned() -> None:
    assert changed(pitch=24.0)[0].max() == pytest.approx(420)
    assert changed(Prosody(lowest=100.0), pitch=-24.0)[0].min() == pytest.approx(100)


@pytest.mark.parametrize(("name", "value"), [("pitch", float("nan")), ("energy", float("inf")), ("pitch_range", -1.0)])
def test_senseless_controls_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"Prosody: {name} is {value:g}, and must be"):
        changed(**{name: value})


def test_a_pitch_of_zero_is_no_pitch() -> None:
    with pytest.raises(NetworkError, match="'lf0' has values that are not finite"):
        Prosody()({"lf0": np.array([-np.inf, 4.6]), "level": LEVEL[:2]})
