"""Voices in several contexts, which requests name."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import voxstack


def test_a_voice_is_held_once_for_each_context() -> None:
    with voxstack.Voices() as voices:
        own = voices.synthesize("amber", "Hello there.").samples
        with voices.use("amber", "openvino:CPU") as voice:
            assert {row.runtime for row in voice.contexts()} == {"openvino"}
            assert [(row.name, row.context, row.users) for row in voices.status()] == [
                ("amber", "openvino:CPU", 1),
                ("amber", None, 0),
            ]
        other = np.concatenate([c.samples for c in voices.stream("amber", "Hello there.", context="openvino:CPU")])
        assert not np.array_equal(own, other)
        np.testing.assert_allclose(other, own, atol=0.02 * np.abs(own).max())
        np.testing.assert_array_equal(asyncio.run(spoken(voices, "openvino:CPU")), other)
        assert len(voices.status()) == 2
        assert voices.unload("amber")
        assert not voices.status()


def test_the_budget_counts_all_contexts() -> None:
    with voxstack.Voices(warm=["amber"]) as voices:
        (status,) = voices.status()
        voices.budget = round(1.5 * (status.own + status.shared))
        with voices.use("amber"), pytest.raises(voxstack.CapacityError, match="amber in openvino:CPU needs"):
            voices.warm("amber", context="openvino:CPU")
        voices.warm("amber", context="openvino:CPU")
        assert [(row.name, row.context) for row in voices.status()] == [("amber", "openvino:CPU")]


async def spoken(voices: voxstack.Voices, context: str) -> np.ndarray:
    chunks = [chunk.samples async for chunk in voices.astream("amber", "Hello there.", context=context)]
    return np.concatenate(chunks)
