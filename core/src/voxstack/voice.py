"""A voice: an addon with a stack that turns text into samples."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from voxstack.addon import Addon
from voxstack.blocks import StreamableBlock, Utterance
from voxstack.contexts import Asked, Context, Effective
from voxstack.errors import AddonError, RequestError, StackError
from voxstack.registry import Registry
from voxstack.schedule import Playback, Schedule
from voxstack.scheduler import Scheduler
from voxstack.speaking import Speaking
from voxstack.speech import Chunk, Speech
from voxstack.stack import build
from voxstack.timeline import Events, Timeline
from voxstack_addon_spec.validation import strict_validator

Markup = Literal["text", "ssml"]

RESERVED = frozenset({"self", "text", "markup", "schedule", "live", "timeline"})
"""Names that no control may have."""


class Voice:
    """An addon whose stack is built: speaks any number of texts, also at the same time from several threads.

    :param schedule: how many frames to give at a time, for requests that don't say; the addon's or the context's own,
        unless given.
    :param scheduler: decides which of several streams computes next; that of the process, unless given.
    :raises StackError: if the addon has no stack, or one that does not end in samples.
    """

    def __init__(self, addon: Addon, schedule: Schedule | None = None, scheduler: Scheduler | None = None) -> None:
        self.addon = addon
        stack = addon.config.get("stack")
        if not stack:
            raise StackError(
                addon.name, "this addon has no stack: it lends its networks to others and cannot speak by itself"
            )
        block = build(stack, addon)
        if not isinstance(block, StreamableBlock) or not block.head:
            raise StackError(
                "stack[0]", "nothing here starts a stream; begin with a block that makes frames from the utterance"
            )
        if block.makes not in (None, "samples"):
            raise StackError("stack", f"a voice ends in 'samples', and this stack ends in {block.makes!r}")
        self.block: StreamableBlock = block
        self.name: str = addon.name
        self.sample_rate: int = addon.config["sample_rate"]
        self.scheduler = scheduler or Scheduler.shared()
        self.schedule = schedule or Schedule(**{**addon.config.get("schedule", {}), **addon.context.schedule})
        self.controls: Mapping[str, Any] = addon.config.get("controls", {})
        taken = self.controls.keys() & RESERVED
        if taken:
            raise AddonError(
                f"{addon.name}: controls",
                f"{sorted(taken)} mean something else in a request; call these controls otherwise",
            )

    def request(
        self,
        text: str | Iterable[str],
        *,
        markup: Markup = "text",
        schedule: Schedule | None = None,
        live: bool = True,
        **controls: Any,
    ) -> Utterance:
        """Return the utterance that a stack starts from: the text, and every control that the addon declares.

        :param text: the whole text, or its pieces as they come, cut anywhere.
        :param markup: ``"text"``, or ``"ssml"`` for an SSML document.
        :param schedule: how many frames to give at a time; the voice's own, unless given.
        :param live: whether somebody listens while it is made; else everything is made in the chunks that cost least.
        :raises RequestError: for an empty text, or a control that the voice has not or that is out of its bounds.
        """
        if isinstance(text, str) or not isinstance(text, Iterable):
            if not isinstance(text, str) or not text.strip():
                raise RequestError(f"{self.name}: the text is empty; give at least one word")
        else:
            text = iter(text)
        if markup not in ("text", "ssml"):
            raise RequestError(f"{self.name}: markup is 'text' or 'ssml', not {markup!r}")
        for name, value in controls.items():
            if name not in self.controls:
                raise RequestError(f"{self.name} has no control {name!r}; it has {', '.join(self.controls) or 'none'}")
            self._check(name, value)
        defaults = {name: schema["default"] for name, schema in self.controls.items() if "default" in schema}
        timed = replace(schedule or self.schedule, playback=Playback(self.sample_rate, live))
        return {
            "text": text,
            "markup": markup,
            "schedule": timed,
            "timeline": Timeline(self.sample_rate),
            **defaults,
            **controls,
        }

    def contexts(self) -> list[Effective]:
        """What each network of this voice runs in, as it was found when it was opened: device, provider, threads, precision, sizes."""
        return [network.effective for network in self.addon.opened]

    def stream(
        self, text: str | Iterable[str], *, markup: Markup = "text", schedule: Schedule | None = None, **controls: Any
    ) -> Iterator[Chunk]:
        """Speak, a chunk at a time, each made when it is asked for, on the calling thread.

        Close the iterator, or leave it alone, to stop: nothing is computed any more, and nothing stays behind.

        :param text: the whole text, or an iterable of pieces as they come, cut anywhere: audio starts with the first phrase.
        :raises RequestError: at once, before the first chunk is asked for; for what is found in the text, when it is read.
        :raises CapacityError: for the first chunk, if other streams leave no room for this one.
        :raises BlockError: if a block fails, with its path.
        """
        return self._speaking(self.request(text, markup=markup, schedule=schedule, **controls)).chunks()

    async def astream(
        self,
        text: str | Iterable[str] | AsyncIterable[str],
        *,
        markup: Markup = "text",
        schedule: Schedule | None = None,
        **controls: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """The same for asyncio: the event loop only waits, threads of the scheduler compute, one chunk ahead of the caller.

        Close the iterator (``contextlib.aclosing``) or cancel the task to stop; what is being made then is made to its end, at
        most one chunk.

        :param text: may be an asynchronous iterable of pieces, too.
        """
        if isinstance(text, AsyncIterable):
            from voxstack.pieces import Pieces  # asyncio takes as long to import as the core

            async with aclosing(Pieces(text)) as pieces:
                async for chunk in self.astream(pieces, markup=markup, schedule=schedule, **controls):
                    yield chunk
            return
        speaking = self._speaking(self.request(text, markup=markup, schedule=schedule, **controls))
        async with aclosing(speaking.chunks_ahead()) as chunks:
            async for chunk in chunks:
                yield chunk

    def synthesize(
        self, text: str | Iterable[str], *, markup: Markup = "text", schedule: Schedule | None = None, **controls: Any
    ) -> Speech:
        """Speak, and return the whole: the samples and events of :meth:`stream`, joined."""
        utterance = self.request(text, markup=markup, schedule=schedule, live=False, **controls)
        chunks = list(self._speaking(utterance).chunks())
        samples = np.concatenate([chunk.samples for chunk in chunks]) if chunks else np.zeros(0, np.float32)
        return Speech(samples, self.sample_rate, Events.joined(chunk.events for chunk in chunks))

    def _speaking(self, utterance: Utterance) -> Speaking:
        return Speaking(self.name, self.block, utterance, self.scheduler)

    def _check(self, name: str, value: Any) -> None:
        from jsonschema.exceptions import best_match

        error = best_match(strict_validator()(dict(self.controls[name])).iter_errors(value))
        if error is not None:
            raise RequestError(f"{self.name}: {name}: {error.message}")


def load(
    source: str | Path,
    *,
    context: Asked | Context | None = None,
    trust: bool = False,
    registry: Registry | None = None,
    schedule: Schedule | None = None,
    scheduler: Scheduler | None = None,
) -> Voice:
    """Load a voice: an installed one by name, or a folder or ``.zip`` of an addon.

    :param context: where its networks run: a name from the addon's ``contexts``, a shorthand ``runtime:device`` such as
        ``"openvino:NPU"``, or a mapping such as ``{"runtime": "onnx", "threads": 2, "networks": {"decoder": "onnx:cuda"}}``.
    :param trust: let code in the addon run, as in a ``.pt2``; what was installed with pip is trusted.
    :param registry: plugins to use; those installed, unless said otherwise.
    :param schedule: how many frames to give at a time, for requests that don't say.
    :param scheduler: decides which of several streams computes next; that of the process, unless given.
    :raises VoxstackError: saying what is missing or wrong, and where.
    """
    return Voice(Addon.open(source, registry or Registry.installed(), context, trust), schedule, scheduler)
