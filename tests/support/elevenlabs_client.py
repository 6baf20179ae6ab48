"""A client of ElevenLabs' WebSockets, which sends what pipecat and LiveKit send, and reads times as they do."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

Messages = list[dict[str, Any]]


class Client:
    """A connection of a client, and what it has received for each context."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.received: dict[str | None, Messages] = {}

    async def send(self, **members: Any) -> None:
        await self.socket.send(json.dumps(members))

    async def next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 20))
        self.received.setdefault(message.get("contextId"), []).append(message)
        return message

    async def until_final(self, *contexts: str | None) -> Messages:
        """Return the messages of the last context when each has ended."""
        while not all(self.received.get(name, [{}])[-1].get("isFinal") for name in contexts):
            await self.next()
        return self.received[contexts[-1]]

    async def close_code(self) -> int | None:
        """Return the code with which the server closes the connection."""
        await asyncio.wait_for(self.socket.wait_closed(), 20)
        return self.socket.close_code

    async def pipecat_turn(self, name: str, texts: list[str]) -> None:
        """Send a turn as pipecat does."""
        await self.send(text=" ", context_id=name, voice_settings={"stability": 0.5, "speed": 1.0})
        for text in texts:
            await self.send(text=text, context_id=name)
        await self.send(context_id=name, flush=True)
        await self.send(context_id=name, close_context=True)

    async def livekit_turn(self, name: str, texts: list[str]) -> None:
        """Send a turn as LiveKit does."""
        await self.send(text=" ", voice_settings={}, context_id=name)
        for text in texts:
            await self.send(text=f"{text} ", context_id=name, flush=True)
        await self.send(text="", context_id=name, flush=True)
        await self.send(context_id=name, close_context=True)


def talk(address: str, say: Callable[[Client], Awaitable[Any]], **query: str) -> Any:
    """Return what a conversation over one connection returns."""

    async def conversation() -> Any:
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        async with connect(f"{address}?{parameters}", max_size=2**24) as socket:
            return await say(Client(socket))

    return asyncio.run(conversation())


def audio(messages: Messages) -> bytes:
    return b"".join(base64.b64decode(message.get("audio") or "") for message in messages)


def alignments(messages: Messages) -> list[dict[str, Any]]:
    return [message["alignment"] for message in messages if message.get("alignment")]


def characters(messages: Messages) -> str:
    return "".join(itertools.chain.from_iterable(found["chars"] for found in alignments(messages)))


def word_times(messages: Messages, relative: bool) -> list[tuple[str, int]]:
    """Return the words between spaces with their starts in ms; relative times add up by the spans of messages."""
    words: list[tuple[str, int]] = []
    clock, word, begin = 0, "", 0
    for found in alignments(messages):
        starts, durations = found["charStartTimesMs"], found["charDurationsMs"]
        for character, start in zip(found["chars"], starts, strict=True):
            if character != " ":
                begin, word = begin if word else clock + start, word + character
            elif word:
                words.append((word, begin))
                word = ""
        clock += starts[-1] + durations[-1] if relative else 0
    return words
