"""The readiness of a service, for what distributes requests."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Literal

from voxstack_serve.errors import ApiError

State = Literal["loading", "ready", "stopping"]


class Readiness:
    """The state of a service: its voices are loaded, it is ready, or it stops."""

    def __init__(self) -> None:
        self.state: State = "ready"

    async def stop(self, seconds: float = 0.0) -> None:
        """Be ready no more, and wait for some seconds until those that send requests have noticed."""
        self.state = "stopping"
        await asyncio.sleep(seconds)

    def check(self, voices: Collection[str]) -> None:
        """Check that the service is ready.

        :raises ApiError: with the reason, if it is not.
        """
        if self.state == "loading":
            raise ApiError(503, "the voices are being loaded; requests are answered, but late", code="loading")
        if self.state == "stopping":
            raise ApiError(503, "the service stops; send requests to another one", code="stopping")
        if not voices:
            raise ApiError(503, "no voice can be read; the log states why", code="no_voices")
