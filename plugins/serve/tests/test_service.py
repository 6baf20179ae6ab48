"""The service that every protocol uses."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxstack
from voxstack import CapacityError, RequestError
from voxstack_serve import Service
from voxstack_serve.limits import Limits


async def joined(service: Service, voice: str, text: Any, **request: Any) -> np.ndarray:
    async with aclosing(service.stream(voice, text, **request)) as chunks:
        return np.concatenate([chunk.samples async for chunk in chunks])


async def parts(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


def test_a_text_that_arrives_in_parts_is_the_same_speech(service: Service, voices: voxstack.Voices) -> None:
    expected = voices.synthesize("amber", "Hello there. My friend.").samples
    np.testing.assert_array_equal(asyncio.run(joined(service, "anna", parts("Hello the", "re. My friend."))), expected)
    assert asyncio.run(service.sample_rate("anna")) == 16_000


def test_voices_come_change_and_go(voices: voxstack.Voices, tmp_path: Path) -> None:
    service = Service(voices, [str(tmp_path), "amber"])
    assert [voice.id for voice in service.voices()] == ["amber"]
    installed = voxstack.Registry.installed().addon("cobalt")
    shutil.copytree(installed, tmp_path / "copy")
    assert [voice.id for voice in service.voices()] == ["cobalt", "amber"]
    assert service.resolve("alloy") == "cobalt"
    assert service.voices()[0].languages == ("en-US",)
    (tmp_path / "copy" / "addon.json").write_text("{")
    assert [voice.id for voice in service.voices()] == ["amber"]
    shutil.rmtree(tmp_path / "copy")
    with pytest.raises(RequestError, match="'cobalt'; there are amber"):
        service.resolve("cobalt")


def test_addons_that_only_lend_networks_are_no_voices(voices: voxstack.Voices) -> None:
    assert Service(voices, ["prism"]).voices() == []


def test_a_path_is_no_name_and_a_file_no_lexicon(service: Service) -> None:
    path = str(voxstack.Registry.installed().addon("amber"))
    with pytest.raises(RequestError, match="there is no voice named"):
        service.resolve(path)
    with pytest.raises(RequestError, match="a lexicon is an object"):
        asyncio.run(joined(service, "amber", "Hi.", lexicon="/etc/hostname"))


def test_limits_hold_for_all_protocols(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"], limits=Limits(characters=20, streams=1))
    with pytest.raises(RequestError, match="21 characters; send at most 20"):
        asyncio.run(joined(service, "amber", "x" * 21))
    with pytest.raises(RequestError, match="24 characters"):
        asyncio.run(joined(service, "amber", parts("Hello there.", "Hello there.")))

    async def two() -> None:
        async with aclosing(service.stream("amber", "Hi.")) as first:
            await anext(first)
            with pytest.raises(CapacityError, match="as many as this service admits"):
                await joined(service, "amber", "Hi.")
        await joined(service, "amber", "Hi.")

    asyncio.run(two())
    for outcome, count in {"invalid": 2, "refused": 1, "cancelled": 1, "complete": 1}.items():
        assert service.metrics.value("voxstack_streams_total", {"voice": "amber", "outcome": outcome}) == count
    assert service.metrics.value("voxstack_streams_refused_total", {"reason": "streams"}) == 1
    assert service.limits.running == 0


def test_capacity_can_be_checked_before_a_stream(voices: voxstack.Voices) -> None:
    service = Service(voices, ["amber"], limits=Limits(streams=1))

    async def two() -> None:
        service.check_capacity("amber")
        async with aclosing(service.stream("amber", "Hi.")) as first:
            await anext(first)
            with pytest.raises(CapacityError, match="as many as this service admits"):
                service.check_capacity("amber")
        service.check_capacity("amber")

    asyncio.run(two())
    for outcome in ("refused", "cancelled"):
        assert service.metrics.value("voxstack_streams_total", {"voice": "amber", "outcome": outcome}) == 1
