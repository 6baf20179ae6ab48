"""A stream of a replica, which goes on from another one when its replica is lost."""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from voxstack import CapacityError, Chunk
from voxstack_serve_ray.attempts import Attempts
from voxstack_serve_ray.errors import AbandonedError, BrokenTextError, ReplicaLostError, VoiceReplacedError
from voxstack_serve_ray.feed_channels import FeedChannels
from voxstack_serve_ray.feeding import Feeding
from voxstack_serve_ray.messages import Audio, End, Failure, Message, Opened
from voxstack_serve_ray.text_relay import TextRelay

_LOG = logging.getLogger("voxstack.serve_ray")

AVOIDED = 4
"""Replicas that a stream has left and does not return to, while there are others."""


class RemoteStream:
    """One stream, wherever it runs.

    :param handle: of the deployment of replicas.
    :param channels: to the replicas, for feeds.
    :param source: of the voice.
    :param text: the whole text, or its parts as they arrive.
    :param request: further arguments of ``Voice.astream``.
    :param horizon: returns the seconds of audio, from the start of the stream, that the client can take now.
    """

    def __init__(
        self,
        handle: Any,
        channels: FeedChannels,
        source: str,
        text: str | AsyncIterable[str],
        request: Mapping[str, Any],
        horizon: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._source, self._request = source, dict(request)
        self._calls = handle.options(stream=True)
        self._text = text if isinstance(text, str) else None
        relay = None if isinstance(text, str) else TextRelay(text, lambda: self._feeding.feed())
        self._feeding, self._relay = Feeding(channels, relay, horizon), relay
        self._start: int = self._request.pop("start", 0)  # samples that the client has
        self._taken, self._rate, self._version = self._start, 0, ""
        self._replica = ""
        self._avoid: list[str] = []

    async def chunks(self) -> AsyncGenerator[Chunk, None]:
        """Yield the chunks, from a replica that has capacity; if it is lost, the rest comes from others.

        :raises CapacityError: before the first chunk, if two replicas have no capacity, or none answers.
        :raises ReplicaLostError: if no replica goes on with the stream.
        :raises VoiceReplacedError: if no replica has its voice in the version that it began with.
        """
        attempts = Attempts()
        try:
            while True:
                try:
                    async with aclosing(self._attempt(attempts.patience)) as chunks:
                        async for chunk in chunks:
                            attempts.progress()
                            yield chunk
                    return
                except CapacityError as error:
                    await attempts.refused(error)
                except VoiceReplacedError as error:
                    attempts.replaced(error)
                except ReplicaLostError as error:
                    _LOG.warning("a stream of %s lost its replica %s: %s", self._source, self._replica, error)
                    attempts.lost(error, ran=bool(self._feeding.replica))
                self._avoid = [*self._avoid, self._replica][-AVOIDED:]
        finally:
            await self._feeding.aclose()

    async def _attempt(self, patience: float) -> AsyncGenerator[Chunk, None]:
        """Yield the chunks that one replica computes, from the first that has not been taken.

        :raises ReplicaLostError: if it ends, or is silent for longer than a time in seconds.
        """
        messages, version = self._open(), ""
        try:
            while not isinstance(message := await _received(messages, patience), End):
                if isinstance(message, Audio):
                    self._version = version
                    yield Chunk(message.samples, message.start, message.events, self._rate)
                    self._taken = message.start + len(message.samples)
                    self._feeding.take(self._taken / self._rate)
                elif isinstance(message, Failure):
                    self._replica = message.replica
                    raise self._error(message.error)
                elif isinstance(message, Opened):
                    self._replica, self._rate, version = message.replica, message.rate, message.version
                    self._feeding.opened(message)
                else:
                    self._feeding.heard(message)
                self._feeding.feed()
        finally:
            messages.cancel()

    def _open(self) -> Any:
        """Return the messages of a new stream on some replica."""
        request = dict(self._request)
        if self._taken:
            request["start"] = self._taken
        if self._taken > self._start:
            request["admitted"] = True
        stream = uuid.uuid4().hex
        return self._calls.synthesize.remote(
            stream=stream, source=self._source, text=self._text, request=request, feed=self._feeding.begin(stream),
            version=self._version, avoid=self._avoid,
        )  # fmt: skip

    def _error(self, error: Exception) -> Exception:
        """Return the error that this stream raises for one of its replica."""
        if isinstance(error, AbandonedError):  # the client took nothing for long
            return ReplicaLostError(str(error))
        if isinstance(error, BrokenTextError) and self._relay is not None and self._relay.error is not None:
            return self._relay.error
        return error


async def _received(messages: Any, patience: float) -> Message:
    """Return the next message.

    :raises ReplicaLostError: if no message comes, for whatever reason that the cluster gives.
    """
    task = asyncio.current_task()
    cancelled = task.cancelling() if task is not None else 0
    try:
        async with asyncio.timeout(patience):
            message: Message = await anext(messages)
            return message
    except TimeoutError as error:
        raise ReplicaLostError(f"it sent nothing for {patience:g} s") from error
    except asyncio.CancelledError as error:  # Ray raises it for some losses, too
        if task is not None and task.cancelling() > cancelled:
            raise
        raise ReplicaLostError("its call was cancelled") from error
    except StopAsyncIteration as error:
        raise ReplicaLostError("its messages ended before the stream") from error
    except Exception as error:
        raise ReplicaLostError(f"{type(error).__name__}: {error}") from error
