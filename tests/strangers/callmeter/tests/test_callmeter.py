from __future__ import annotations

import callmeter
import numpy as np
import pytest

import voxstack


@pytest.mark.parametrize("context", ["onnx:cpu", "fixed"])
def test_calls_are_counted_and_nothing_else_changes(context):
    registry = voxstack.Registry.installed()
    voice = voxstack.load("amber", context=context, registry=registry)
    callmeter.CALLS.clear()
    samples = voice.synthesize("Hello there.").samples
    assert callmeter.CALLS["encoder"] == 1
    assert callmeter.CALLS["vocoder"] >= 1
    assert np.isfinite(samples).all()
    assert len(samples) > 8000
