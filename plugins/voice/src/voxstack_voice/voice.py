"""A voice: an addon with a stack that turns text into samples."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from voxstack.blocks import Block
from voxstack.networks.addon import Addon
from voxstack.streaming.schedule import Schedule
from voxstack.streaming.tracing import Trace
from voxstack.utterance import Utterance
from voxstack_voice.chunk import Chunk
from voxstack_voice.delivery import Delivery, readable, unlimited
from voxstack_voice.display.graphed import Graphed
from voxstack_voice.playback import Playback
from voxstack_voice.requests import LexiconLike, Markup, Requests, check_kind
from voxstack_voice.scheduler import Scheduler
from voxstack_voice.speech import Speech
from voxstack_voice.stack_variants import StackVariants
from voxstack_voice.stream import VoiceStream
from voxstack_voice.watchdog import UNTRUSTED_TIMEOUT, timeout_of

if TYPE_CHECKING:
    from voxstack_voice.reading import Reading


class Voice(StackVariants, Graphed):
    """An addon with its stack built: synthesizes any number of texts, also concurrently from several threads.

    :param schedule: chunk sizes of requests that set none; by default those of the addon or the context.
    :param scheduler: orders concurrent streams; by default the scheduler of the process.
    :param timeout: seconds in which each chunk of a stream must be computed; by default there is no limit for trusted
        addons, and :data:`.watchdog.UNTRUSTED_TIMEOUT` for others. ``math.inf``: no limit.
    :param lexicon: pronunciations for all requests, as in :meth:`stream`.
    :param stack: instead of the addon's; see :meth:`with_stack`.
    :raises StackError: if the addon has no stack, or one that does not end in samples.
    """

    def __init__(
        self,
        addon: Addon,
        schedule: Schedule | None = None,
        scheduler: Scheduler | None = None,
        timeout: float | None = None,
        lexicon: LexiconLike | None = None,
        stack: Any = None,
        known: Mapping[str, type[Block]] = MappingProxyType({}),
    ) -> None:
        check_kind("Voice", addon, Addon, 'load("amber")')
        super().__init__(addon, stack, known)
        self.name: str = addon.name
        check_kind(self.name, schedule, Schedule, "Schedule(first=16)")
        check_kind(self.name, scheduler, Scheduler, "Scheduler()")
        self.scheduler = scheduler or Scheduler.shared()
        self.timeout = timeout_of(addon.name, timeout, None if addon.trust else UNTRUSTED_TIMEOUT)
        self.schedule = schedule or Schedule(**{**addon.config.get("schedule", {}), **addon.context.schedule})
        self._requests = Requests(addon, self.block, self.schedule, lexicon)

    def __repr__(self) -> str:
        languages = ", ".join(self.addon.config["languages"])
        return f"Voice({self.name!r}, {self.sample_rate} Hz, {languages}, {len(self.controls)} controls)"

    @property
    def controls(self) -> Mapping[str, Any]:
        """The JSON Schema of each control."""
        return self._requests.controls

    @property
    def lexicon(self) -> Any:
        """The lexicon of all requests, or None."""
        return self._requests.lexicon

    def request(
        self,
        text: str | Iterable[str],
        *,
        markup: Markup = "text",
        lexicon: LexiconLike | None = None,
        schedule: Schedule | None = None,
        live: bool = True,
        **controls: Any,
    ) -> Utterance:
        """Return the utterance that a stack starts from: the text, and every control that the addon declares.

        :param text: the whole text, or an iterable of parts as they arrive, cut anywhere.
        :param markup: ``"text"``; ``"markdown"``, ``"html"`` or ``"ssml"`` for a document of these; or ``"auto"``: the
            beginning of the text decides.
        :param lexicon: pronunciations of words, as in :meth:`stream`.
        :param schedule: chunk sizes; by default the voice's own.
        :param live: whether somebody listens while the audio is produced; otherwise the chunks are as long as is
            cheapest.
        :raises RequestError: for an empty text, or a control that is unknown or out of its bounds.
        """
        playback = Playback(self.sample_rate, live)
        return self._requests.utterance(text, markup, lexicon, schedule, playback, controls)

    def read_lexicon(self, lexicon: LexiconLike) -> Any:
        """Return a lexicon, read once for many requests.

        :raises RequestError: with the file, the line and what is wrong, or if nothing in this voice reads by lexicons.
        :raises PluginError: if no installed plugin reads lexicons.
        """
        return self._requests.read_lexicon(lexicon)

    def stream(
        self,
        text: str | Iterable[str],
        *,
        markup: Markup = "text",
        lexicon: LexiconLike | None = None,
        schedule: Schedule | None = None,
        timeout: float | None = None,
        start: int = 0,
        trace: Trace | None = None,
        **controls: Any,
    ) -> Iterator[Chunk]:
        """Yield the speech in chunks, each computed on the calling thread on demand.

        Close or drop the iterator to stop: nothing more is computed, and nothing stays behind.

        :param text: the whole text, or an iterable of parts as they arrive, cut anywhere: audio starts with the first
            phrase. What the iterable raises comes through unchanged, once the complete sentences before it are spoken.
        :param lexicon: pronunciations that come before all others: ``{"Nguyen": "w ih1 n", "GIF": "/dʒɪf/", "SQL":
            {"alias": "sequel"}}``, the path of a file (W3C PLS; or lines of a word, a tab and its pronunciation), a
            list of these, of which the last one that has a word counts, or what :meth:`read_lexicon` returned.
        :param timeout: seconds in which each chunk must be computed, once a worker is free for it and its text has
            arrived; by default the voice's own limit.
        :param start: the sample from which to yield the stream, bit for bit as it is without ``start``, to go on where
            another process stopped. Of what is before it, as little is computed as the stack allows; events that begin
            there are left out.
        :param trace: records the time that each block takes; see :mod:`voxstack.streaming.tracing`.
        :raises RequestError: at the call for bad arguments; while the stream runs for what is found in the text, and
            at its end if the voice could pronounce nothing of it.
        :raises CapacityError: for the first chunk, if other streams leave no capacity for this one.
        :raises BlockError: if a block fails, with its path.
        :raises DeadlineError: if a chunk is not ready in time, with the path of the block that was at work.
        """
        delivery = Delivery(timeout=timeout, start=start, trace=trace)
        return self._start(text, markup, lexicon, schedule, controls, delivery).chunks()

    async def astream(
        self,
        text: str | Iterable[str] | AsyncIterable[str],
        *,
        markup: Markup = "text",
        lexicon: LexiconLike | None = None,
        schedule: Schedule | None = None,
        timeout: float | None = None,
        start: int = 0,
        trace: Trace | None = None,
        horizon: Callable[[], float] = unlimited,
        admitted: bool = False,
        live: bool = True,
        **controls: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Yield the speech in chunks for asyncio: threads of the scheduler compute, one chunk ahead of the caller.

        Close the iterator (``contextlib.aclosing``) or cancel the task to stop; at most the current chunk is still
        computed.

        :param text: as for :meth:`stream`, or an asynchronous iterable of parts.
        :param horizon: returns the seconds of audio, from the start of the stream, that the listener can take now;
            called on any thread. Chunks end there, or are the shortest of the schedule.
        :param admitted: whether this goes on for a stream that was admitted, such as the next sentence of a turn: it is
            not refused then.
        :param live: whether somebody listens while the audio is produced.
        """
        delivery = Delivery(live, timeout, start, trace, horizon, admitted)
        async with readable(text) as source:
            stream = self._start(source, markup, lexicon, schedule, controls, delivery)
            async with aclosing(stream.chunks_ahead()) as chunks:
                async for chunk in chunks:
                    yield chunk

    def synthesize(
        self,
        text: str | Iterable[str],
        *,
        markup: Markup = "text",
        lexicon: LexiconLike | None = None,
        schedule: Schedule | None = None,
        timeout: float | None = None,
        trace: Trace | None = None,
        **controls: Any,
    ) -> Speech:
        """Return the whole speech, with its trace: the samples and events of :meth:`stream`, joined."""
        delivery = Delivery(live=False, timeout=timeout, trace=trace)
        stream = self._start(text, markup, lexicon, schedule, controls, delivery)
        return Speech.joined(stream.chunks(), self.sample_rate, trace)

    async def asynthesize(self, text: str | Iterable[str] | AsyncIterable[str], **request: Any) -> Speech:
        """Return the whole speech, for asyncio and notebooks; ``request`` is what :meth:`astream` takes."""
        async with aclosing(self.astream(text, live=False, **request)) as chunks:
            return Speech.joined([chunk async for chunk in chunks], self.sample_rate)

    def read(
        self, text: str | Iterable[str], *, markup: Markup = "text", lexicon: LexiconLike | None = None, **controls: Any
    ) -> Iterator[Reading]:
        """Yield how the text is read, sentence by sentence: words, phonemes and pauses, without synthesizing them.

        Only the blocks that read text are run, on the calling thread. A synthesizer that reads the text by itself, such
        as espeak-ng, is run as a whole. Sentences are cut where those of :meth:`stream` are, except that a limit of
        tokens cuts none that another block than ``Text`` reads.

        :raises RequestError: at the call for bad arguments; while it runs for what is found in the text.
        :raises BlockError: if a block fails, with its path.
        """
        from voxstack_voice.reading_stack import read_all  # most requests are spoken

        playback = Playback(self.sample_rate, live=False)
        utterance = self._requests.utterance(text, markup, lexicon, None, playback, controls)
        return read_all(self.block, utterance, self.name, self._requests.languages)

    def _start(
        self,
        text: str | Iterable[str],
        markup: Markup,
        lexicon: LexiconLike | None,
        schedule: Schedule | None,
        controls: Mapping[str, Any],
        delivery: Delivery,
    ) -> VoiceStream:
        delivery.check(self.name)
        limit, meter = timeout_of(self.name, delivery.timeout, self.timeout), self.scheduler.meter(self.name)
        playback = Playback(
            self.sample_rate,
            delivery.live,
            speed=meter.speed,
            lengths=meter.lengths,
            horizon=delivery.horizon,
            skip=delivery.start,
        )
        utterance = self._requests.utterance(text, markup, lexicon, schedule, playback, controls, delivery.trace)
        if delivery.start and self.block.lookback is not None:
            utterance = {**utterance, "skip": delivery.start}
        languages, admitted = self._requests.languages, delivery.admitted
        return VoiceStream(
            self.name, self.block, utterance, playback, self.scheduler, meter, limit, languages, admitted
        )

    def _with(self, stack: list[Any]) -> Voice:
        timeout = math.inf if self.timeout is None else self.timeout
        return Voice(self.addon, self.schedule, self.scheduler, timeout, self.lexicon, stack, self._known)
