"""Speech that is read from one server after another until it is complete."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, NoReturn

from voxstack_serve.client.attempt import Attempt
from voxstack_serve.client.errors import Interrupted, SpeechError

PAUSES = (0.05, 2.0)
"""Seconds of the first and the longest pause after all servers have failed; each is twice the one before."""


def resumable_speech(
    urls: str | Sequence[str],
    text: str,
    *,
    voice: str,
    response_format: str = "wav",
    api_key: str | None = None,
    timeout: float = 10.0,
    patience: float = 30.0,
    **keys: Any,
) -> Generator[bytes, None, None]:
    """Yield speech as it arrives, from another server where one is broken off: the same bytes as without that.

    Servers are tried in turns, at once; when all have failed, after pauses that grow, or those that they ask for.

    :param urls: of one or more servers, ``http://host:8000``; one may be a port whose processes come and go.
    :param response_format: of ``wav`` and ``pcm`` little has to be computed again; of others, all that was heard.
    :param api_key: for servers that require one.
    :param timeout: seconds in which a server connects, and sends something while it is read; with ``complete``, all.
    :param patience: seconds without any audio after which no server is tried any more.
    :param keys: other keys of the request, as in the documentation of the service: ``speed``, ``markup``, ``seed``, ...
    :raises SpeechError: if a request is wrong, the servers that answer have another version of the voice or the
        software, no server continues, or a response was broken off that cannot be continued.
    """
    options = {"model": "voxstack", "input": text, "voice": voice, "response_format": response_format, **keys}
    return Speech(urls, options, api_key, timeout, patience).parts()


async def aresumable_speech(
    urls: str | Sequence[str],
    text: str,
    *,
    voice: str,
    response_format: str = "wav",
    api_key: str | None = None,
    timeout: float = 10.0,
    patience: float = 30.0,
    **keys: Any,
) -> AsyncGenerator[bytes, None]:
    """Yield speech for asyncio, as :func:`resumable_speech` does; a thread waits for the servers.

    Close the generator (``contextlib.aclosing``) or cancel the task to stop.
    """
    import asyncio

    options = {"model": "voxstack", "input": text, "voice": voice, "response_format": response_format, **keys}
    speech = Speech(urls, options, api_key, timeout, patience)
    parts = speech.parts()
    try:
        while (part := await asyncio.to_thread(next, parts, None)) is not None:
            yield part
    finally:
        speech.stop()
        with suppress(ValueError):  # it is running on the thread, where it stops by itself
            parts.close()


class Speech:
    """One speech, wherever its parts come from.

    :param keys: of the request.
    """

    def __init__(
        self, urls: str | Sequence[str], keys: Mapping[str, Any], api_key: str | None, timeout: float, patience: float
    ) -> None:
        self._urls = [urls] if isinstance(urls, str) else list(urls)
        if not self._urls:
            raise SpeechError("there is no server to request the speech of; give the address of one")
        self._keys, self._timeout, self._patience = dict(keys), timeout, patience
        self._headers = {"content-type": "application/json"}
        if api_key is not None:
            self._headers["authorization"] = f"Bearer {api_key}"
        self._received, self._tag = 0, ""
        self._failures: list[Interrupted] = []
        """Those since the last part."""
        self._since = 0.0
        self._turn = 0
        self._attempt: Attempt | None = None
        self._stopped = threading.Event()

    def parts(self) -> Generator[bytes, None, None]:
        """Yield the parts, from one server after another.

        :raises SpeechError: if no server can continue.
        """
        while not self._stopped.is_set():
            try:
                yield from self._parts_of(Attempt(self._urls[self._turn % len(self._urls)], self._timeout))
                return
            except Interrupted as error:
                if not self._stopped.is_set():
                    self._prepare_another(error)
            except SpeechError as error:
                error.received = self._received
                raise

    def stop(self) -> None:
        """Let :meth:`parts`, on whichever thread, end soon."""
        self._stopped.set()
        if self._attempt is not None:
            self._attempt.interrupt()

    def _parts_of(self, attempt: Attempt) -> Iterator[bytes]:
        """Yield what one server sends after the bytes that were received."""
        keys, headers, before = self._keys, self._headers, self._received
        if before:
            keys, headers = {**keys, "start_byte": before}, {**headers, "if-match": self._tag}
        self._attempt = attempt
        with closing(attempt):
            tag = attempt.open(json.dumps(keys).encode(), headers)
            if before and tag != self._tag:
                raise Interrupted(f"{attempt.url}: the audio is not the one that was broken off", differs=True)
            self._tag = tag or ""
            for part in attempt.parts():
                self._received, self._failures = self._received + len(part), []
                yield part
        if not attempt.certain and self._tag and self._received > before:
            raise Interrupted(f"{attempt.url}: the response does not show that it is complete")

    def _prepare_another(self, error: Interrupted) -> None:
        """Choose the next server, after a pause if all have failed.

        :raises SpeechError: if none is to be tried any more.
        """
        now = time.monotonic()
        if not self._failures:
            self._since = now
        self._failures.append(error)
        self._turn += 1
        if self._received and not self._tag:
            self._give_up(f"{error}; it cannot be continued, as the server sent no ETag")
        count, last = len(self._failures), self._failures[-len(self._urls) :]
        everyone = count % len(self._urls) == 0
        if len(last) == len(self._urls) and all(failure.differs for failure in last):
            self._give_up(str(error), 412)
        pause = self._pause(count // len(self._urls), last) if everyone else 0.0
        if now + pause - self._since > self._patience:
            shown = next((failure for failure in last if failure.differs), error)
            message = f"no server went on within {self._patience:g} s; one of the last errors was: {shown}"
            self._give_up(message, 412 if shown.differs else None)
        self._stopped.wait(pause)

    def _pause(self, rounds: int, last: Sequence[Interrupted]) -> float:
        first, longest = PAUSES
        pause = min(longest, first * 2.0 ** min(rounds - 1, 30)) * random.uniform(0.5, 1.0)
        return max(pause, min(failure.wait for failure in last))

    def _give_up(self, message: str, status: int | None = None) -> NoReturn:
        raise SpeechError(f"{message} (after {self._received} bytes)", self._received, status)
