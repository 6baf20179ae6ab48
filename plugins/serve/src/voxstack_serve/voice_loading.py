"""Loading and unloading of the voices on offer, and their state."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from voxstack_serve.backend import ServedVoices
from voxstack_serve.catalogue import Offer

_LOG = logging.getLogger("voxstack.serve")


class VoiceState(NamedTuple):
    """The state of a voice in this process.

    :param bytes: that unloading it would free, and ``shared_bytes`` those of networks that other voices have, too.
    :param streams: that run on it.
    :param last_used: in seconds of Unix time; None if it is not loaded.
    :param problem: why the addon on disk, which has changed, is not used; empty if there is no problem.
    """

    loaded: bool
    bytes: int = 0
    shared_bytes: int = 0
    streams: int = 0
    last_used: int | None = None
    problem: str = ""


class VoiceManager:
    """Loads and unloads voices, which clients name as they do for speech.

    :param find: returns the voice on offer that a client names.
    :param contexts: in which voices are loaded, besides their own.
    """

    def __init__(self, voices: ServedVoices, find: Callable[[str], Offer], contexts: Sequence[str] = ()) -> None:
        self._voices, self._find, self._contexts = voices, find, contexts
        self.announce: Callable[[str, str], None] = lambda action, voice: None
        """Is called with ``load`` or ``unload`` and a voice when a client has required that."""
        self._loading = asyncio.Lock()  # others need threads, too

    def state(self, voice: str) -> VoiceState:
        """Return the state of a voice in all contexts together.

        :raises RequestError: if there is no such voice.
        """
        source = self._find(voice).source
        rows = [row for row in self._voices.status() if row.name == source]
        if not rows:
            return VoiceState(False)
        return VoiceState(
            True,
            sum(row.own for row in rows),
            max(row.shared for row in rows),
            sum(row.users for row in rows),
            round(time.time() - min(row.idle for row in rows)),
            next((row.problem for row in rows if row.problem), ""),
        )

    def warm(self, voice: str) -> None:
        """Load a voice in all contexts, and synthesize a short text, so that nothing is left to prepare.

        :raises VoxstackError: if it cannot be opened.
        """
        for context in (None, *self._contexts):
            self._voices.warm(self._find(voice).source, context=context)

    async def load(self, voice: str) -> VoiceState:
        """Load a voice as :meth:`warm` does, by a thread, one voice at a time; return its state.

        :raises CapacityError: if it does not fit into the budget beside the voices that are in use.
        """
        async with self._loading:
            await asyncio.to_thread(self.warm, voice)
        return self.state(voice)

    async def unload(self, voice: str) -> VoiceState:
        """Unload a voice; streams that run on it go on. Return its state."""
        await asyncio.to_thread(self._voices.unload, self._find(voice).source)
        return self.state(voice)

    async def follow(self, action: str, voice: str) -> None:
        """Load or unload a voice as another process did; what fails is logged."""
        try:
            await (self.load(voice) if action == "load" else self.unload(voice))
        except Exception as error:
            _LOG.warning("%s: %s failed, as another process did it: %s", voice, action, error)

    async def unload_idle(self, seconds: float) -> None:
        """Unload the voices that have not been used for some seconds."""
        await asyncio.to_thread(self._voices.unload_idle, seconds)
