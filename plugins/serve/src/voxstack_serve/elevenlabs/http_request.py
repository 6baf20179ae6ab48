"""Requests for speech over HTTP: the address, its parameters and the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voxstack import RequestError
from voxstack_serve.elevenlabs.messages import ClientMessage, ProtocolError, read_message
from voxstack_serve.elevenlabs.options import Options, read_http_options
from voxstack_serve.service import Service


@dataclass(frozen=True)
class HttpRequest:
    """A checked request."""

    text: str
    voice: str
    options: Options
    controls: Mapping[str, Any]


def read_http_request(body: bytes, query: Mapping[str, str], name: str, service: Service) -> HttpRequest:
    """Return a request; members that are not known have no effect, as those of other models.

    :param name: of a voice.
    :raises ProtocolError: with the member or parameter that is wrong.
    """
    options, message, voice = read_http_options(query), read_message(body), resolve(service, name)
    text = message.text or ""
    if not text.strip():
        raise ProtocolError("invalid_text", "text is empty; send a text")
    try:
        service.limits.check_length(len(text))
    except RequestError as error:
        raise ProtocolError("max_character_limit_exceeded", str(error)) from error
    return HttpRequest(text, voice, options, controls_of(message, service.controls(voice)))


def resolve(service: Service, name: str) -> str:
    """Return the id of the voice that a client names by id or alias.

    :raises ProtocolError: if there is no such voice.
    """
    try:
        return service.resolve(name)
    except RequestError as error:
        raise ProtocolError("voice_not_found", str(error)) from error


def controls_of(message: ClientMessage, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the controls that a request sets; a seed only for a voice that has one, as clients send it to any."""
    speed = {} if message.speed in (None, 1) else {"rate": message.speed}
    seed = {"seed": message.seed} if message.seed is not None and "seed" in known else {}
    return {**speed, **seed}
