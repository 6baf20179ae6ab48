"""The clauses of ElevenLabs' protocol hold for this server, and find each defect of servers that have one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from defects import Broken, Changed, Defect, Response, State, failures, neighbours
from serving import hosting

import voxstack
from voxstack_serve import Service
from voxstack_serve.command import make_app
from voxstack_serve.contract import Clause, Target, clauses, parametrize_with_clauses
from voxstack_serve.encoders.wav import wav_header

KEY = "secret"


@pytest.fixture(scope="module")
def app(voices: voxstack.Voices) -> Any:
    return make_app(Service(voices, ["amber"]), [KEY])


@pytest.fixture(scope="module")
def target(app: Any) -> Iterator[Target]:
    with hosting(app) as address:
        yield Target(address, KEY)


@parametrize_with_clauses("elevenlabs")
def test_this_server_meets_the_clause(target: Target, clause: Clause) -> None:
    result = clause.try_at(target)
    assert result.outcome == "pass", result.explanation()


def error(message: Any) -> dict[str, Any]:
    return {"message": "refused", "error": "refused", "code": 1008, "contextId": message.get("context_id")}


def no_spaces(message: Any, state: State) -> list[Any]:
    if found := message.get("alignment"):
        found["chars"] = ["" if character == " " else character for character in found["chars"]]
        message["normalizedAlignment"] = None
    return [message]


def half_the_audio(message: Any, state: State) -> list[Any]:
    state.flushed = not state.flushed
    return [{**message, "audio": None} if state.flushed and "multi" in state.path else message]


def no_audio(message: Any, state: State) -> list[Any]:
    return [{**message, "audio": None} if message.get("contextId") == "turn-1" else message]


def swapped_contexts(message: Any, state: State) -> list[Any]:
    other = {"a": "b", "b": "a"}
    swap = len(state.open) > 1 and message.get("alignment")
    return [{**message, "contextId": other[message["contextId"]]} if swap else message]


def held_back(message: Any, state: State) -> list[Any]:
    state.held.append(message)
    if not message.get("isFinal"):
        return []
    found, state.held = state.held, []
    return found


def two_finals(message: Any, state: State) -> list[Any]:
    return [message, message] if message.get("isFinal") else [message]


def keepalive_is_an_error(message: Any, state: State) -> list[Any]:
    if isinstance(message, dict) and message.get("text") == "" and "flush" not in message:
        state.answers.append(error(message))
    return [message]


def no_flush(message: Any, state: State) -> list[Any]:
    waits = b"auto_mode=false" in state.query and isinstance(message, dict)
    return [] if waits and message.get("flush") else [message]


def closing_speaks_all(message: Any, state: State) -> list[Any]:
    if isinstance(message, dict) and message.get("close_context"):
        return [{"context_id": message["context_id"], "flush": True}, message]
    return [message]


def closing_twice_is_an_error(message: Any, state: State) -> list[Any]:
    if isinstance(message, dict) and message.get("close_context") and message["context_id"] not in state.open:
        state.answers.append(error(message))
    return [message]


def settings_are_an_error(message: Any, state: State) -> list[Any]:
    if isinstance(message, dict) and (message.get("voice_settings") or {}).get("style") is not None:
        state.answers.append(error(message))
    return [message]


def no_close(message: Any, state: State) -> list[Any]:
    return [] if isinstance(message, dict) and message.get("close_socket") else [message]


def no_nonsense(message: Any, state: State) -> list[Any]:
    return [message] if isinstance(message, dict) else []


def any_voice(scope: Any) -> None:
    scope["path"] = scope["raw_path"] = scope["path"].replace("no-such-voice-0", "amber")


def any_key(scope: Any) -> None:
    scope["headers"] = [*[row for row in scope["headers"] if row[0] != b"xi-api-key"], (b"xi-api-key", KEY.encode())]


SOCKETS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "no audio": (
        {"sent": no_audio},
        {
            "a-turn-of-pipecat-is-spoken",
            "a-turn-of-livekit-is-spoken",
            "times-add-up",
            "synchronized-times-are-absolute",
        },
    ),
    "half the audio": (
        {"sent": half_the_audio},
        {"a-turn-of-livekit-is-spoken", "times-add-up", "synchronized-times-are-absolute"},
    ),
    "another rate": (
        {"query": lambda query: query.replace("mp3_22050_32", "mp3_44100_64")},
        {"a-turn-of-livekit-is-spoken"},
    ),
    "no spaces at joins": (
        {"sent": no_spaces},
        {"words-of-pipecat-do-not-merge", "words-of-livekit-do-not-merge", "contexts-do-not-mix"},
    ),
    "absolute times for all": ({"query": lambda query: f"{query}&sync_alignment=true"}, {"times-add-up"}),
    "relative times for all": (
        {"query": lambda query: query.replace("sync_alignment", "other")},
        {"synchronized-times-are-absolute"},
    ),
    "contexts are mixed": ({"sent": swapped_contexts}, {"contexts-do-not-mix"}),
    "no flush": ({"came": no_flush}, {"a-flush-speaks-what-is-no-sentence"}),
    "no interruption": ({"came": closing_speaks_all}, {"an-interruption-stops-the-speech"}),
    "whole turns": (
        {"sent": held_back},
        {"audio-streams", "a-flush-speaks-what-is-no-sentence", "an-interruption-stops-the-speech"},
    ),
    "an end that looks like a fault": ({"code": lambda state: 1011}, {"a-single-context-is-spoken"}),
    "two final messages": ({"sent": two_finals}, {"one-final-message-ends-a-context"}),
    "keepalives are errors": ({"came": keepalive_is_an_error}, {"keepalives-have-no-effect"}),
    "closing twice is an error": ({"came": closing_twice_is_an_error}, {"closing-what-has-ended-has-no-effect"}),
    "settings are errors": ({"came": settings_are_an_error}, {"settings-are-accepted"}),
    "the connection stays": ({"came": no_close}, {"close-socket-closes-the-connection"}),
    "any voice": ({"scope": any_voice}, {"an-unknown-voice-is-an-error"}),
    "any key": ({"scope": any_key}, {"a-wrong-key-is-refused"}),
    "nonsense is ignored": ({"came": no_nonsense}, {"nonsense-is-an-error"}),
}


@pytest.mark.parametrize("defect", SOCKETS)
def test_a_defect_of_a_socket_fails_its_clause_and_no_other(app: Any, defect: str) -> None:
    changes, expected = SOCKETS[defect]
    names = {f"elevenlabs.{name}" for name in expected}
    with hosting(Changed(app, **changes)) as address:
        found = failures(neighbours(clauses("elevenlabs"), names), Target(address, KEY, timeout=4))
    assert set(found) == names, "\n".join(found.values())


def test_a_server_that_fails_after_clients_have_left_is_found(app: Any) -> None:
    left = 0

    async def fragile(scope: Any, receive: Any, send: Any) -> None:
        nonlocal left
        if scope["type"] == "websocket" and left == 4:
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 1013})
            return
        await app(scope, receive, send)
        left += scope["type"] == "websocket"

    chosen = [clause for clause in clauses("elevenlabs") if "clients-that-leave" in clause.name]
    with hosting(fragile) as address:
        assert len(failures(chosen, Target(address, KEY))) == 1


def as_wav(response: Response) -> bytes | None:
    plain = response.path.endswith("/alloy") and response.status == 200
    return wav_header(16_000, 8000) + bytes(16_000) if plain else None


def no_type(response: Response) -> None:
    if response.headers.get("content-type") == "audio/pcm":
        response.headers["content-type"] = "application/octet-stream"


def wide_samples(response: Response) -> bytes | None:
    return response.body * 2 if response.headers.get("content-type") == "audio/basic" else None


def one_line(response: Response) -> bytes | None:
    if response.headers.get("content-type") != "application/x-ndjson":
        return None
    return b" " * 2**17 + response.body


def milliseconds(response: Response) -> bytes | None:
    if not response.path.endswith("alloy/with-timestamps"):
        return None
    content = response.json()
    for name in ("character_start_times_seconds", "character_end_times_seconds"):
        content["alignment"][name] = [1000 * time for time in content["alignment"][name]]
    return json.dumps(content).encode()


def no_category(response: Response) -> bytes | None:
    return response.body.replace(b"category", b"kind") if response.path == "/v1/voices" else None


def no_more(response: Response) -> bytes | None:
    return response.body.replace(b"has_more", b"more") if response.path == "/v2/voices" else None


def openai_errors(response: Response) -> bytes | None:
    return response.body.replace(b"detail", b"error") if response.status in (400, 404) else None


def forbidden(response: Response) -> None:
    response.status = 403 if response.status == 401 else response.status


REQUESTS: dict[str, tuple[Defect, str]] = {
    "a WAV instead of mp3": (as_wav, "convert-sends-mp3"),
    "pcm without its type": (no_type, "stream-sends-pcm"),
    "wide samples": (wide_samples, "telephones-have-a-format"),
    "a long line": (one_line, "timed-lines-are-as-clients-read-them"),
    "times in milliseconds": (milliseconds, "timed-objects-are-as-clients-read-them"),
    "voices without a category": (no_category, "voices-are-listed"),
    "no word of more voices": (no_more, "voices-are-searched"),
    "errors of OpenAI": (openai_errors, "errors-have-a-detail"),
    "a wrong key is forbidden": (forbidden, "requests-with-a-wrong-key-are-refused"),
}


@pytest.mark.parametrize("defect", REQUESTS)
def test_a_defect_of_a_request_fails_its_clause_and_no_other(app: Any, defect: str) -> None:
    change, expected = REQUESTS[defect]
    names = {f"elevenlabs.{expected}"}
    with hosting(Broken(app, change)) as address:
        found = failures(neighbours(clauses("elevenlabs"), names), Target(address, KEY))
    assert set(found) == names, "\n".join(found.values())
