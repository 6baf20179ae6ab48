"""The service that every protocol uses: voices by name, and streams of their speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from voxstack import Chunk, Registry, RequestError, Voices, did_you_mean
from voxstack_serve.catalogue import Catalogue, Offer, VoiceInfo


class Service:
    """Voices for clients, which name them by id or alias.

    :param voices: what opens the voices.
    :param names: the voices on offer: installed ones by name, paths, or folders of voices.
    :param aliases: names of the clients' own for voices; they come after ids.
    :param registry: where installed voices are found; by default what is installed.
    """

    def __init__(
        self,
        voices: Voices,
        names: Sequence[str],
        aliases: Mapping[str, str] = {},
        *,
        registry: Registry | None = None,
    ) -> None:
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
        async with aclosing(self._voices.astream(offer.source, text, **request)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _offer(self, name: str) -> Offer:
        offers = self._catalogue.offers()
        found = offers.get(name) or offers.get(self._aliases.get(name, ""))
        if found is None:
            known = [*offers, *self._aliases]
            advice = did_you_mean(name, known, f"there are {', '.join(offers) or 'no voices'}")
            raise RequestError(f"there is no voice named {name!r}{advice}")
        return found


def _check_lexicon(lexicon: Any) -> None:
    if lexicon is not None and not isinstance(lexicon, Mapping):
        raise RequestError('a lexicon is an object of words and their pronunciations, such as {"Nguyen": "w ih1 n"}')
