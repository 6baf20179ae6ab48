"""The body of a request for speech, checked key by key."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jsonschema.exceptions import best_match

from voxstack import RequestError, did_you_mean
from voxstack_addon_spec.validation import strict_validator
from voxstack_addon_spec.wording import listing, problem, short_repr
from voxstack_serve.encoders import FORMATS
from voxstack_serve.errors import invalid
from voxstack_serve.service import Service

OWN = ("model", "input", "voice", "instructions", "response_format", "speed", "stream_format")
"""Keys of OpenAI. ``model`` and ``instructions`` have no effect: a voice is a model, and reads what is in the text."""

EXTRAS = ("markup", "lexicon", "sample_rate", "complete", "context", "words", "trace", "start_byte")
"""Keys of voxstack, besides the controls of a voice by their own names."""

SPEEDS = (0.25, 4.0)
SAMPLE_RATES = (8_000, 48_000)
LAST_START = 2**40


@dataclass(frozen=True)
class SpeechRequest:
    """A checked request.

    :param sample_rate: of the response in Hz; None: that of the voice, or of the format.
    :param events: whether the audio is sent in server-sent events.
    :param complete: whether the response is sent when it is complete, with true sizes in its header.
    :param context: where the networks of the voice run; None: in the context of all requests.
    :param words: whether events carry the words in their audio.
    :param trace: whether an event reports the time of each block.
    :param start_byte: bytes of the audio that the client already has, and that are left out.
    """

    text: str
    voice: str
    format: str = "mp3"
    events: bool = False
    complete: bool = False
    sample_rate: int | None = None
    markup: str = "text"
    lexicon: Mapping[str, Any] | None = None
    controls: Mapping[str, Any] = field(default_factory=dict)
    context: str | None = None
    words: bool = False
    trace: bool = False
    start_byte: int = 0


def read_request(body: bytes, service: Service) -> SpeechRequest:
    """Return the request of a body.

    :raises ApiError: with the key that is wrong.
    """
    keys = _object(body)
    _require(keys, "model", "input", "voice")
    voice = _voice(keys["voice"], service)
    controls = service.controls(voice)
    _check_names(keys, controls)
    return SpeechRequest(
        _text(keys["input"], service),
        voice,
        _choice(keys, "response_format", "mp3", tuple(FORMATS)),
        _choice(keys, "stream_format", "audio", ("audio", "sse")) == "sse",
        _typed(keys, "complete", bool, False),
        _sample_rate(keys),
        _choice(keys, "markup", "text", ("text", "markdown", "html", "ssml", "auto")),
        _typed(keys, "lexicon", dict, None),
        _controls(keys, voice, controls),
        requested_context(keys.get("context"), service),
        _in_events(keys, "words"),
        _in_events(keys, "trace"),
        _start_byte(keys),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise invalid(f"the body is no JSON: {error or 'too deep'}", code="invalid_json") from error
    if not isinstance(found, dict):
        raise invalid(f"the body is {short_repr(found)}; send a JSON object", code="invalid_json")
    return {name: value for name, value in found.items() if value is not None}  # clients send null for a default


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _require(keys: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if name not in keys:
            raise invalid(f"missing key {name!r}; add it", name, "missing_required_parameter")
    if not isinstance(keys["model"], str):
        raise invalid(f"model: {short_repr(keys['model'])} is no text; write any name", "model", "invalid_type")


def _check_names(keys: Mapping[str, Any], controls: Mapping[str, Any]) -> None:
    known = (*OWN, *EXTRAS, *controls)
    for name in keys:
        if name not in known:
            advice = did_you_mean(name, known, f"remove it, or use one of: {', '.join(known)}")
            raise invalid(f"unknown key {short_repr(name)}{advice}", name[:100], "unknown_parameter")


def _voice(value: Any, service: Service) -> str:
    name = value.get("id") if isinstance(value, dict) else value
    if not isinstance(name, str):
        message = f'voice: {short_repr(value)} names no voice; write its name, or {{"id": name}}'
        raise invalid(message, "voice", "invalid_type")
    try:
        return service.resolve(name)
    except RequestError as error:
        raise invalid(str(error), "voice", "voice_not_found") from error


def _text(value: Any, service: Service) -> str:
    if not isinstance(value, str):
        raise invalid(f"input: {short_repr(value)} is no text; write a text", "input", "invalid_type")
    if not value.strip():
        raise invalid("input: the text is empty; write a text", "input")
    try:
        service.limits.check_length(len(value))
    except RequestError as error:
        raise invalid(f"input: {error}", "input", "string_above_max_length") from error
    return value


def _choice(keys: Mapping[str, Any], name: str, default: str, choices: tuple[str, ...]) -> str:
    value: Any = keys.get(name, default)
    if value not in choices:
        advice = did_you_mean(value, choices, "use one of them")
        raise invalid(f"{name}: {short_repr(value)} is not one of {listing(choices)}{advice}", name)
    found: str = value
    return found


def _typed(keys: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = keys.get(name, default)
    if name in keys and not isinstance(value, kind):
        wanted = {bool: "true or false", dict: "an object of words and their pronunciations"}[kind]
        raise invalid(f"{name}: {short_repr(value)} is not valid; write {wanted}", name, "invalid_type")
    return value


def requested_context(name: Any, service: Service) -> str | None:
    """Return the context that a request names; None if it names none.

    :raises ApiError: if it is not on offer.
    """
    try:
        return service.check_context(name)
    except RequestError as error:
        raise invalid(f"context: {error}", "context", "context_not_found") from error


def _in_events(keys: Mapping[str, Any], name: str) -> bool:
    """Return an extra that only events have room for."""
    found: bool = _typed(keys, name, bool, False)
    if found and keys.get("stream_format") != "sse":
        raise invalid(f'{name}: only events have room for it; set "stream_format": "sse", or leave it out', name)
    return found


def _sample_rate(keys: Mapping[str, Any]) -> int | None:
    value = keys.get("sample_rate")
    low, high = SAMPLE_RATES
    if value is None or (type(value) is int and low <= value <= high):
        return value
    message = f"sample_rate: {short_repr(value)} is not valid; write a whole number of Hz from {low} to {high}"
    raise invalid(message, "sample_rate")


def _start_byte(keys: Mapping[str, Any]) -> int:
    value: Any = keys.get("start_byte", 0)
    if type(value) is not int or not 0 <= value <= LAST_START:
        message = f"start_byte: {short_repr(value)} is not valid; write the number of bytes that were received"
        raise invalid(message, "start_byte")
    found: int = value
    return found


def _controls(keys: Mapping[str, Any], voice: str, controls: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the voice's controls that a request sets, each checked by its schema.

    A control with the name of a key of a request, such as espeak's ``voice``, keeps its default.
    """
    speed = _speed(keys, voice, controls)
    found = {**speed, **{name: keys[name] for name in keys if name in controls and name not in (*OWN, *EXTRAS)}}
    for name, value in found.items():
        key = "speed" if name in speed else name
        error = best_match(strict_validator()(dict(controls[name])).iter_errors(value))
        if error is not None:
            raise invalid(f"{key}: {problem(error)}", key)
    return found


def _speed(keys: Mapping[str, Any], voice: str, controls: Mapping[str, Any]) -> dict[str, float]:
    """Return the control of the voice that a speed sets; none for the speed 1."""
    value = keys.get("speed", 1.0)
    low, high = SPEEDS
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise invalid(f"speed: {short_repr(value)} is not valid; write a number from {low} to {high:g}", "speed")
    if math.isclose(value, 1.0):
        return {}
    if "rate" not in controls:
        raise invalid(f"speed: {voice} has one speed only; leave the key out", "speed", "unsupported_value")
    if "rate" in keys:
        raise invalid("speed: rate is set, too; use one of them", "speed")
    return {"rate": float(value)}
