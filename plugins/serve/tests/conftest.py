from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import serving

import voxstack
from voxstack_serve import Service
from voxstack_serve.limits import Limits


@pytest.fixture(scope="session")
def voices() -> Iterator[voxstack.Voices]:
    with voxstack.Voices(warm=["amber"]) as found:
        yield found


@pytest.fixture(scope="session")
def service(voices: voxstack.Voices) -> Service:
    return Service(voices, ["amber", "cobalt"], {"anna": "amber"}, limits=Limits(characters=20_000))


@pytest.fixture(scope="session")
def address(service: Service) -> Iterator[str]:
    with serving(service) as found:
        yield found


@pytest.fixture(scope="session")
def amber(voices: voxstack.Voices) -> voxstack.Voice:
    with voices.use("amber") as found:  # and no longer: tests count the users of voices
        return found
