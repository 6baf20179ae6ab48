"""The service that every protocol uses: voices by name, and streams of their speech."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Any

from voxstack import CapacityError, Chunk, Registry, RequestError, Voices, did_you_mean
from voxstack_addon_spec.wording import short_repr
from voxstack_serve.aliases import openai_alias
from voxstack_serve.catalogue import Catalogue, Offer, VoiceInfo
from voxstack_serve.limits import Limits
from voxstack_serve.metrics import Metrics


class Service:
    """Voices for clients, which name them by id or alias.

    :param voices: what opens the voices.
    :param names: the voices on offer: installed ones by name, paths, or folders of voices.
    :param aliases: names of the clients' own for voices; they come after ids, and before OpenAI's names, which take the
        voices in turns.
    :param limits: of all clients together.
    :param registry: where installed voices are found; by default what is installed.
    """

    def __init__(
        self,
        voices: Voices,
        names: Sequence[str],
        aliases: Mapping[str, str] = {},
        *,
        limits: Limits | None = None,
        registry: Registry | None = None,
    ) -> None:
        self.limits, self.metrics = limits or Limits(), Metrics()
        self._voices, self._aliases = voices, dict(aliases)
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

    def warm(self, voice: str) -> None:
        """Load a voice and synthesize a short text, so that nothing is left to prepare at the first request.

        :raises VoxstackError: if it cannot be opened.
        """
        self._voices.warm(self._offer(voice).source)

    async def stream(
        self,
        voice: str,
        text: str | AsyncIterable[str],
        *,
        markup: str = "text",
        lexicon: Mapping[str, Any] | None = None,
        **controls: Any,
    ) -> AsyncGenerator[Chunk, None]:
        """Yield speech in chunks, each computed when it is requested, at most one ahead.

        Close the generator, or cancel the task, to stop within a chunk.

        :param voice: an id or alias.
        :param text: the whole text, or its parts as they arrive.
        :param lexicon: pronunciations of words; no path, as it may come from a client.
        :raises RequestError: for a bad request, before the first chunk or for what is found in the text.
        :raises CapacityError: before the first chunk, if there is no capacity for the stream.
        """
        offer = self._offer(voice)
        _check_lexicon(lexicon)
        request = {"markup": markup, "lexicon": lexicon, **controls}
        with self._counted(offer.info.id), self.limits.admitted():
            began, first = time.perf_counter(), True
            async with aclosing(self._voices.astream(offer.source, self._limited(text), **request)) as chunks:
                async for chunk in chunks:
                    if first:
                        self.metrics.first.labels(offer.info.id).observe(time.perf_counter() - began)
                    first = False
                    self.metrics.audio.labels(offer.info.id).inc(len(chunk.samples) / offer.info.sample_rate)
                    yield chunk

    def _limited(self, text: str | AsyncIterable[str]) -> str | AsyncIterable[str]:
        if not isinstance(text, str):
            return self.limits.counted(text)
        self.limits.check_length(len(text))
        return text

    @contextmanager
    def _counted(self, voice: str) -> Iterator[None]:
        """Count a stream and how it ended."""
        self.metrics.running.inc()
        outcome = "cancelled"
        try:
            yield
            outcome = "complete"
        except CapacityError:
            outcome = "refused"
            raise
        except Exception as error:
            outcome = "invalid" if isinstance(error, RequestError) else "failed"
            raise
        finally:
            self.metrics.running.dec()
            self.metrics.streams.labels(voice, outcome).inc()

    def _offer(self, name: str) -> Offer:
        if (known := self._catalogue.unchanged(name)) is not None:
            return known
        offers = self._catalogue.offers()
        alias = self._aliases.get(name) or openai_alias(name, list(offers)) or ""
        found = offers.get(name) or offers.get(alias)
        if found is None:
            names = [*offers, *self._aliases]
            advice = did_you_mean(name, names, f"there are {', '.join(offers) or 'no voices'}")
            raise RequestError(f"there is no voice named {short_repr(name)}{advice}")
        return found


def _check_lexicon(lexicon: Any) -> None:
    if lexicon is not None and not isinstance(lexicon, Mapping):
        raise RequestError('a lexicon is an object of words and their pronunciations, such as {"Nguyen": "w ih1 n"}')
