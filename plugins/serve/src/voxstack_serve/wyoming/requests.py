"""Requests for speech, as events of a client make them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from dataclasses import dataclass
from typing import Self

from wyoming.event import Event

from voxstack import RequestError
from voxstack_addon_spec.wording import short_repr

TEXT_TIMEOUT = 300.0
"""Seconds in which a client that streams text sends more of it, or its end."""

MAX_WAITING = 2**16
"""Characters of streamed text that wait to be read; a client that sends more waits."""

_FORMATS = ("text", "ssml")


class TextParts:
    """The text of a stream, in parts as they arrive."""

    def __init__(self) -> None:
        self._parts: asyncio.Queue[str | RequestError | None] = asyncio.Queue()
        self._waiting = 0
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False

    async def put(self, part: str) -> None:
        """Add a part; wait while too much text is unread."""
        await self._room.wait()
        if not self._closed:
            self._waiting += len(part)
            self._update()
            self._parts.put_nowait(part)

    def end(self, error: RequestError | None = None) -> None:
        """End the text, or break it off with an error."""
        self._parts.put_nowait(error)

    def close(self) -> None:
        """Drop what is unread, and whatever comes."""
        self._closed, self._waiting = True, 0
        self._update()

    async def read(self) -> AsyncGenerator[str, None]:
        """Yield the parts.

        :raises RequestError: if nothing comes for :data:`TEXT_TIMEOUT` seconds, and for text that breaks off.
        """
        while (part := await self._next()) is not None:
            if isinstance(part, RequestError):
                raise part
            self._waiting -= len(part)
            self._update()
            yield part

    async def _next(self) -> str | RequestError | None:
        try:
            async with asyncio.timeout(TEXT_TIMEOUT):
                return await self._parts.get()
        except TimeoutError:
            return RequestError(f"no text came for {TEXT_TIMEOUT:g} s; end it with synthesize-stop")

    def _update(self) -> None:
        if self._waiting < MAX_WAITING:
            self._room.set()
        else:
            self._room.clear()


@dataclass(frozen=True)
class SpeechRequest:
    """A text, and the voice that a client wants for it.

    :param name: of the voice; ``language`` counts where it is missing, and ``speaker`` is one of the voice.
    """

    text: str | TextParts
    name: str | None
    language: str | None
    speaker: str | None
    markup: str

    @classmethod
    def of(cls, event: Event, text: str | TextParts) -> Self:
        """Return the request of a ``synthesize`` or ``synthesize-start``.

        :raises RequestError: for values of the wrong kind.
        """
        voice = event.data.get("voice") or {}
        if not isinstance(voice, dict):
            raise RequestError(f'{event.type}: voice is an object such as {{"name": "..."}}, not {short_repr(voice)}')
        name, language, speaker = (optional_string(voice, key, f"{event.type}: voice") for key in _VOICE)
        markup = optional_string(event.data, "text_format", event.type) or "text"
        if markup not in _FORMATS:
            raise RequestError(f"{event.type}: text_format is one of {', '.join(_FORMATS)}, not {short_repr(markup)}")
        return cls(text, name, language, speaker, markup)

    @property
    def streams(self) -> bool:
        """True if the text arrives in parts."""
        return isinstance(self.text, TextParts)

    def source(self) -> str | AsyncIterable[str]:
        """Return the text as a voice takes it."""
        return self.text if isinstance(self.text, str) else self.text.read()

    def close(self) -> None:
        """Drop the text that is unread."""
        if isinstance(self.text, TextParts):
            self.text.close()


_VOICE = ("name", "language", "speaker")


def text_of(event: Event) -> str:
    """Return the text of an event.

    :raises RequestError: if it has none.
    """
    text = optional_string(event.data, "text", event.type)
    if text is None:
        raise RequestError(f"{event.type}: text is missing")
    return text


def optional_string(data: Mapping[str, object], key: str, where: str) -> str | None:
    """Return a string that UTF-8 can encode, or None where it is missing: JSON may escape halves of characters.

    :raises RequestError: for anything else.
    """
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise RequestError(f"{where}: {key} is a string, not {short_repr(value)}")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
