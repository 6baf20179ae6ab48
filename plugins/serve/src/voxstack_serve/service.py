"""The service that every protocol uses: voices by name, and streams of their speech."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, nullcontext
from typing import Any

from voxstack import Chunk, Registry, RequestError, Voice, Voices, VoxstackError, did_you_mean
from voxstack.streaming.tracing import Trace
from voxstack_addon_spec.wording import short_repr
from voxstack_serve.aliases import openai_alias
from voxstack_serve.backend import ServedVoices
from voxstack_serve.backlog import Pace
from voxstack_serve.catalogue import Catalogue, Offer, VoiceInfo
from voxstack_serve.contexts import attributed, checked_context
from voxstack_serve.limits import Limits, Place
from voxstack_serve.metrics import Metrics
from voxstack_serve.readiness import Readiness
from voxstack_serve.sampling import Sampler
from voxstack_serve.spans import Tracing
from voxstack_serve.stack_graph import stack_graph
from voxstack_serve.stream_record import StreamRecord, recorded
from voxstack_serve.voice_loading import VoiceManager

_LOG = logging.getLogger("voxstack.serve")

TEND = 5.0
"""Seconds after which a service looks again for voices to unload, and takes figures for the other processes' pages."""


class Service:
    """Voices for clients, which name them by id or alias.

    :param voices: what opens the voices.
    :param names: the voices on offer: installed ones by name, paths, or folders of voices.
    :param aliases: names of the clients' own for voices; they come after ids, and before OpenAI's names, which take the
        voices in turns.
    :param limits: of all clients together.
    :param registry: where installed voices are found; by default what is installed.
    :param tracing: a source of spans; by default OpenTelemetry, if it is installed.
    :param contexts: that requests may name instead of the context of the voices: names, or ``runtime:device``.
    """

    def __init__(
        self,
        voices: ServedVoices,
        names: Sequence[str],
        aliases: Mapping[str, str] = {},
        *,
        limits: Limits | None = None,
        registry: Registry | None = None,
        tracing: Tracing | None = None,
        contexts: Sequence[str] = (),
    ) -> None:
        self.contexts = tuple(dict.fromkeys(contexts))
        self.limits, self.metrics, self.tracing = limits or Limits(), Metrics(), tracing or Tracing()
        self._voices, self._aliases = voices, dict(aliases)
        self.readiness, self.manager = Readiness(), VoiceManager(voices, self._offer, self.contexts)
        self._sampler = Sampler(self.metrics, voices)
        self._catalogue = Catalogue(names, registry or Registry.installed())

    def voices(self) -> list[VoiceInfo]:
        """Return the voices on offer now, in the order of their names."""
        return [offer.info for offer in self._catalogue.offers().values()]

    def resolve(self, name: str) -> str:
        """Return the id of the voice that a client names by id or alias.

        :raises RequestError: with the closest name.
        """
        return self._offer(name).info.id

    def controls(self, voice: str) -> Mapping[str, Any]:
        """Return the JSON Schema of each control of a voice."""
        return self._offer(voice).controls

    async def sample_rate(self, voice: str) -> int:
        """Return the sample rate of a voice in Hz."""
        return self._offer(voice).info.sample_rate

    def info(self, voice: str) -> VoiceInfo:
        """Return a voice by id or alias."""
        return self._offer(voice).info

    async def loaded(self, voice: str, context: str | None = None) -> Voice | None:
        """Return a voice as it is now, after opening it if it is not loaded; None if it is on other machines.

        :raises VoxstackError: if it cannot be opened.
        """
        source, voices = self._offer(voice).source, self._voices
        if not isinstance(voices, Voices):
            return None
        with attributed(context):
            found = voices.loaded(source, context)
            return await asyncio.to_thread(_look, voices, source, context) if found is None else found

    def check_context(self, name: Any) -> str | None:
        """Return the context that a request names; None if it names none.

        :raises RequestError: if it is not on offer, with those that are.
        """
        return checked_context(name, self.contexts)

    def warm(self, voice: str) -> None:
        """Load a voice, as :meth:`VoiceManager.warm` does."""
        self.manager.warm(voice)

    def stack(self, voice: str, context: str | None = None) -> dict[str, Any]:
        """Return the blocks and networks of a voice, which is loaded for it if it is not; see :func:`.stack_graph`."""
        offer, voices = self._offer(voice), self._voices
        if not isinstance(voices, Voices):
            raise RequestError(f"{offer.info.id}: its stack is on other machines, and is not shown here")
        with attributed(context), voices.use(offer.source, self.check_context(context)) as found:
            return {"voice": offer.info.id, "context": context, **stack_graph(found)}

    def check_capacity(self, voice: str, context: str | None = None) -> None:
        """Check whether there is capacity for a stream, before anything is prepared for it.

        In a burst of requests, those that are refused hold up the others, and each other.

        :raises CapacityError: if not; the stream counts as refused.
        """
        with self.preparing(voice):
            self.limits.check_capacity()
            self._voices.check_capacity(self._offer(voice).source, context)

    @contextmanager
    def preparing(self, voice: str) -> Iterator[None]:
        """Count a stream that an error in the block inside ends before it has begun."""
        try:
            yield
        except VoxstackError:
            with recorded(self.metrics, self.tracing, self.resolve(voice)):
                raise

    async def stream(
        self,
        voice: str,
        text: str | AsyncIterable[str],
        *,
        markup: str = "text",
        lexicon: Mapping[str, Any] | None = None,
        context: str | None = None,
        trace: Trace | None = None,
        pace: Pace | None = None,
        place: Place | None = None,
        **controls: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Yield speech in chunks, each computed when it is requested, at most one ahead.

        Close the generator, or cancel the task, to stop within a chunk.

        :param voice: an id or alias.
        :param text: the whole text, or its parts as they arrive.
        :param lexicon: pronunciations of words; no path, as it may come from a client.
        :param context: one of those on offer, in which the networks of the voice run.
        :param trace: records the time of each block.
        :param pace: of the client, whose limit no chunk exceeds; by default there is no limit.
        :param place: of a turn of several streams, which :meth:`Limits.place` provides.
        :raises RequestError: for a bad request, before the first chunk or for what is found in the text.
        :raises CapacityError: before the first chunk, if there is no capacity for the stream.
        """
        offer = self._offer(voice)
        _check_lexicon(lexicon)
        request: dict[str, Any] = {"context": self.check_context(context), "trace": trace, "markup": markup}
        request |= {"lexicon": lexicon, "horizon": _horizon(pace or Pace()), **controls}
        placed = self.limits.place() if place is None else nullcontext(place)
        with recorded(self.metrics, self.tracing, offer.info.id) as record, placed as kept, attributed(context):
            limited = self._limited(text, record)
            kept.take()
            request["admitted"] = kept.proven
            async with aclosing(self._voices.astream(offer.source, limited, **request)) as chunks:
                async for chunk in chunks:
                    kept.proven = True
                    record.receive(len(chunk.samples) / chunk.sample_rate)
                    yield chunk
                    record.want()

    def figures(self, accept: str = "") -> tuple[bytes, str]:
        """Return the figures in the format that a client of Prometheus accepts, and its media type."""
        self.take_figures()
        return self.metrics.page(accept)

    async def tend(self, idle: float | None = None) -> None:
        """Unload voices that have not been used for ``idle`` seconds, and take figures, until this is cancelled."""
        while True:
            try:
                if idle is not None:
                    await self.manager.unload_idle(idle)
                self.take_figures()
            except Exception:  # a folder of voices may be unreadable for some time
                _LOG.warning("the state of the voices cannot be read", exc_info=True)
            await asyncio.sleep(TEND if idle is None else min(TEND, idle / 4))

    def take_figures(self) -> None:
        """Take the figures of readiness, voices, scheduler and process as they are now."""
        self.metrics.ready.set(self.readiness.state == "ready")
        self._sampler.sample({offer.source: name for name, offer in self._catalogue.offers().items()})

    def _limited(self, text: str | AsyncIterable[str], record: StreamRecord) -> str | AsyncIterable[str]:
        if not isinstance(text, str):
            return record.read(self.limits.counted(text))
        self.limits.check_length(len(text))
        record.characters = len(text)
        return text

    def _offer(self, name: str) -> Offer:
        if (known := self._catalogue.unchanged(name)) is not None:
            return known
        offers = self._catalogue.offers()
        alias = self._aliases.get(name) or openai_alias(name, list(offers)) or ""
        found = offers.get(name) or offers.get(alias)
        if found is None:
            wanted = self._aliases.get(name, name)  # the voice of an alias is unknown, too
            names = [*offers, *(self._aliases if wanted == name else ())]
            advice = did_you_mean(wanted, names, f"there are {', '.join(offers) or 'no voices'}")
            raise RequestError(f"there is no voice named {short_repr(wanted)}{advice}")
        return found


def _look(voices: Voices, source: str, context: str | None) -> Voice:
    with voices.use(source, context) as voice:
        return voice


def _horizon(pace: Pace) -> Callable[[], float]:
    """Return what returns how far a stream may go that begins where its client's audio is now."""
    begin = pace.sent
    return lambda: pace.limit - begin


def _check_lexicon(lexicon: Any) -> None:
    if lexicon is not None and not isinstance(lexicon, Mapping):
        raise RequestError('a lexicon is an object of words and their pronunciations, such as {"Nguyen": "w ih1 n"}')
