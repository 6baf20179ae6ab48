"""Clauses about errors of OpenAI's API: statuses that end retries, and the envelope that fills clients' exceptions."""

from __future__ import annotations

import json
from typing import Any

from voxstack_serve.contract.clause import Clause, NotApplicable, clause
from voxstack_serve.contract.sequences import LIVEKIT, OPEN_WEBUI, OPENAI, PIPECAT
from voxstack_serve.contract.visit import SPEECH, Reply, Visit, speech_body

REPEATED = (408, 409, 429)
"""Statuses below 500 after which clients try again."""

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an_empty_text": ({"input": ""}, "input"),
    "a_missing_text": ({"input": None}, "input"),
    "a_missing_voice": ({"voice": None}, "voice"),
    "an_unknown_format": ({"response_format": "midi"}, "response_format"),
    "a_text_of_another_type": ({"input": 7}, "input"),
    "a_speed_too_high": ({"speed": 9}, "speed"),
}
"""Requests that cannot succeed, by name, each with the key that is wrong."""


def _refusal(name: str, keys: dict[str, Any]) -> Clause:
    def trial(visit: Visit) -> None:
        _check_refused(visit.post(**keys))

    trial.__name__ = f"refuses_{name}"
    trial.__doc__ = (
        f"Refuse a request with {name.replace('_', ' ')} with a status by which clients do not try again: 400."
    )
    lenient = name in ("a_missing_voice", "a_speed_too_high", "an_unknown_format")  # others use a default
    return clause("openai", OPENAI, PIPECAT, LIVEKIT, essential=not lenient)(trial)


REFUSALS = tuple(_refusal(name, keys) for name, (keys, _) in BAD.items())


@clause("openai", OPENAI, OPEN_WEBUI, essential=False)
def refuses_an_unknown_voice(visit: Visit) -> None:
    """Refuse a voice that does not exist, instead of speaking with another one."""
    _check_refused(visit.post(voice="no-such-voice-0"))


@clause("openai", OPENAI)
def refuses_what_is_no_json(visit: Visit) -> None:
    """Refuse a body that is no JSON, or no object."""
    for body in (b"{", b"[]", b"\xff\xfe"):
        _check_refused(visit.request("POST", SPEECH, body))


@clause("openai", OPENAI, LIVEKIT, PIPECAT)
def refuses_a_wrong_key(visit: Visit) -> None:
    """Refuse a wrong key with status 401, before anything is synthesized."""
    if not visit.target.key:
        raise NotApplicable("no key is known; give --key")
    reply = _with_wrong_key(visit)
    assert reply.status == 401, f"the status is {reply.status}"


def _with_wrong_key(visit: Visit) -> Reply:
    headers = visit.headers(f"{visit.target.key}-wrong")
    return visit.request("POST", SPEECH, speech_body(visit.target), headers)


@clause("openai", OPENAI)
def an_unknown_address_is_not_found(visit: Visit) -> None:
    """Answer an address that does not exist with status 404."""
    reply = visit.request("POST", "/v1/audio/no-such-thing", b"{}")
    assert reply.status in (404, 405), f"the status is {reply.status}"


def _check_refused(reply: Reply) -> None:
    assert reply.status != 200, "the server answers with status 200"
    again = reply.status >= 500 or reply.status in REPEATED
    assert not again, f"the status is {reply.status}, after which clients try twice more: the request cannot succeed"
    assert reply.status >= 400, f"the status is {reply.status}"


@clause("openai", OPENAI)
def errors_have_the_envelope(visit: Visit) -> None:
    """Describe an error as {"error": {"message", "type", "param", "code"}}, from which clients fill exceptions."""
    errors = [reply for keys, _ in BAD.values() if (reply := visit.post(**keys)).status >= 400]
    errors += [_with_wrong_key(visit)] if visit.target.key else []
    if not errors:
        raise NotApplicable("the server refuses nothing")
    for reply in errors:
        check_envelope(reply)


@clause("openai", OPENAI, essential=False)
def errors_name_the_key(visit: Visit) -> None:
    """Name the key that is wrong in .error.param."""
    for keys, name in BAD.values():
        reply = visit.post(**keys)
        if reply.status >= 400 and isinstance(content := _error_of(reply), dict):
            assert content.get("param") == name, f"for {keys}, .error.param is {content.get('param')!r}, not {name!r}"


@clause("openai", OPENAI, essential=False)
def an_unknown_address_has_the_envelope(visit: Visit) -> None:
    """Describe the error of an address that does not exist in the same envelope."""
    check_envelope(visit.request("GET", "/v1/no-such-thing"))


def check_envelope(reply: Reply) -> None:
    """Check the body of an error.

    :raises AssertionError: if it does not fill the exceptions of clients.
    """
    content = _error_of(reply)
    assert isinstance(content, dict), f"the body has no object 'error': {reply.body[:120].decode(errors='replace')}"
    missing = [name for name in ("message", "type", "param", "code") if name not in content]
    assert not missing, f"the error has no {', '.join(missing)}: {content}"
    for name in ("message", "type"):
        value = content[name]
        assert value, f".error.{name} is {value!r}; clients show it"
        assert isinstance(value, str), f".error.{name} is {value!r}; clients show a text"
    for name in ("param", "code"):
        value = content[name]
        assert value is None or isinstance(value, str), f".error.{name} is {value!r}; clients read a text or null"


def _error_of(reply: Reply) -> Any:
    try:
        content = json.loads(reply.body)
    except ValueError:
        return None
    return content.get("error") if isinstance(content, dict) else None
