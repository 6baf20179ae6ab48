"""Visits of a Home Assistant, with a record of its events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from wyoming.audio import AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.tts import SynthesizeStopped

from voxstack_serve.contract.clause import Clause, NotApplicable, clause
from voxstack_serve.contract.home_assistant import HomeAssistant, SpeechError, received
from voxstack_serve.contract.visit import Visit


class Home(HomeAssistant):
    """A Home Assistant whose events are recorded in a visit, with the voice that a user chose in its list.

    That is the voice of the target, if the server has one of that name, and otherwise the server's own choice.
    """

    def __init__(self, visit: Visit, voice: str | None = None, speaker: str | None = None) -> None:
        host, port = visit.target.wyoming_address()
        super().__init__(port, voice, speaker, host)
        self._visit = visit

    def of(self, voice: str, speaker: str | None = None) -> Home:
        """Return one with another voice."""
        return Home(self._visit, voice, speaker)

    def client(self) -> AsyncTcpClient:
        return _RecordingClient(self.host, self.port, self._visit)

    def require(self, condition: object, reason: str) -> None:
        """Go on if a clause applies.

        :raises NotApplicable: with the reason, if it does not.
        """
        if not condition:
            raise NotApplicable(reason)

    async def require_streaming(self) -> None:
        """Go on if the server takes texts in parts.

        :raises NotApplicable: if it does not.
        """
        self.require((await self.program()).supports_synthesize_streaming, "the server takes no texts in parts")

    async def until(self, client: AsyncTcpClient, kind: type[Eventable], when: str) -> None:
        """Read events up to one of a kind.

        :raises AssertionError: if it does not come.
        """
        try:
            async with asyncio.timeout(self._visit.target.timeout / 2):
                while not kind.is_type((await received(client)).type):
                    pass
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__} comes {when}") from None

    async def end(self, client: AsyncTcpClient) -> None:
        """Read events up to the end of an answer, also by an error or the end of the connection."""
        ends = (AudioStop, SynthesizeStopped, Error)
        while (event := await client.read_event()) is not None and not any(end.is_type(event.type) for end in ends):
            pass


class _RecordingClient(AsyncTcpClient):
    def __init__(self, host: str, port: int, visit: Visit) -> None:
        super().__init__(host, port)
        self._visit, self._sent, self._came = visit, list[str](), list[str]()

    async def write_event(self, event: Event) -> None:
        self._sent.append(_brief(event))
        await super().write_event(event)

    async def read_event(self) -> Event | None:
        event = await super().read_event()
        self._came.append("the end of the connection" if event is None else _brief(event))
        return event

    async def disconnect(self) -> None:
        self._visit.note(", ".join(self._sent), ", ".join(_folded(self._came)) or "nothing")
        await super().disconnect()


def wyoming(*clients: str, essential: bool = True) -> Callable[[Callable[[Home], Awaitable[None]]], Clause]:
    """Return a decorator that makes a clause of a function that a Home Assistant runs."""

    def decorate(trial: Callable[[Home], Awaitable[None]]) -> Clause:
        def run(visit: Visit) -> None:
            try:
                asyncio.run(_limited(trial, visit))
            except TimeoutError:
                raise AssertionError(f"the answer has not ended after {visit.target.timeout:g} s") from None
            except SpeechError as error:
                raise AssertionError(f"the user reads an error: {error}") from None

        run.__name__, run.__doc__, run.__module__ = getattr(trial, "__name__", ""), trial.__doc__, trial.__module__
        return clause("wyoming", *clients, essential=essential)(run)

    return decorate


async def _limited(trial: Callable[[Home], Awaitable[None]], visit: Visit) -> None:
    async with asyncio.timeout(visit.target.timeout):
        known = visit.target.voice in await Home(visit).voices()
        await trial(Home(visit, visit.target.voice if known else None))


def _brief(event: Event) -> str:
    data: dict[str, Any] = {key: value for key, value in event.data.items() if key in ("text", "voice", "rate", "code")}
    return f"{event.type}{f' {data}' if data and event.type != 'audio-chunk' else ''}"


def _folded(names: list[str]) -> list[str]:
    """Return names without those that are equal to the one before."""
    return [name for name, before in zip(names, ["", *names], strict=False) if name != before]
