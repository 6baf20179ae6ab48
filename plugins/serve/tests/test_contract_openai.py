"""The clauses of OpenAI's protocol hold for this server, and find each defect of servers that have one."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Iterator
from typing import Any

import pytest
from defects import Broken, Defect, Response, failures, neighbours
from serving import hosting, serving

import voxstack
from voxstack_serve import Service
from voxstack_serve.app import build_app
from voxstack_serve.contract import Clause, NotApplicable, Target, clauses, parametrize_with_clauses
from voxstack_serve.encoders.wav import wav_header
from voxstack_serve.limits import Limits

KEY = "secret"
SLOW = {
    f"openai.{name}"
    for name in (
        "audio-streams",
        "events-stream",
        "clients-that-leave-do-no-harm",
        "many-requests-complete",
        "refusals-state-when-to-retry",
    )
}
"""Clauses with long texts, which are tried only at servers whose defect is about them: no defect lets audio stream."""


@pytest.fixture(scope="module")
def limited(voices: voxstack.Voices) -> Service:
    return Service(voices, ["amber", "cobalt"], limits=Limits(streams=16))


@pytest.fixture(scope="module")
def quick_service(voices: voxstack.Voices) -> Service:
    """Return a service whose first voice costs little, for tests in which only what surrounds the speech counts."""
    quick = "espeak" if "espeak" in voxstack.Registry.installed().addons() else "amber"
    return Service(voices, [quick, "cobalt"], limits=Limits(streams=16))


@pytest.fixture(scope="module")
def target(limited: Service) -> Iterator[Target]:
    with serving(limited, keys=[KEY]) as address:
        yield Target(address, KEY, overload=24)


@parametrize_with_clauses("openai")
def test_this_server_meets_the_clause(target: Target, clause: Clause) -> None:
    if clause.name == "openai.aac-is-aac" and importlib.util.find_spec("av") is None:
        with pytest.raises(NotApplicable, match="refuses aac"):
            clause.require(target)
        return
    clause.require(target)


def cut_wav(response: Response) -> None:
    if (
        response.speaks
        and response.request.get("response_format") == "wav"
        and "content-length" not in response.headers
    ):
        response.body = wav_header(16_000, 800) + response.body[44:]


def unknown_sizes(response: Response) -> None:
    if response.speaks and response.request.get("complete"):
        response.body = wav_header(16_000, None) + response.body[44:]


def as_wav(name: str) -> Defect:
    """Return a defect: a format is answered with the WAV of some samples."""

    def change(response: Response) -> None:
        if response.speaks and response.request.get("response_format", "none") == name and not response.events:
            response.body = wav_header(16_000, 40_000) + bytes(80_000)

    return change


def relabelled(name: str, kind: str) -> Defect:
    def change(response: Response) -> None:
        if response.speaks and response.request.get("response_format") == name and not response.events:
            response.headers["content-type"] = kind

    return change


def raw_rate(response: Response) -> bytes | None:
    """Leave out each third sample: 16 kHz."""
    if not (response.speaks and response.request.get("response_format") == "pcm"):
        return None
    pairs = [response.body[place : place + 4] for place in range(0, len(response.body) - 6, 6)]
    return b"".join(pairs)


def event_lines(response: Response) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in response.body.decode().splitlines() if line]


def as_events(events: list[dict[str, Any]]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def no_done(response: Response) -> bytes | None:
    return as_events(event_lines(response)[:-1]) if response.events else None


def no_usage(response: Response) -> bytes | None:
    if not response.events:
        return None
    return as_events([{key: event[key] for key in event if key != "usage"} for event in event_lines(response)])


def half_the_events(response: Response) -> bytes | None:
    if not response.events:
        return None
    events = event_lines(response)
    return as_events([*events[: len(events) // 2], events[-1]])


def plain_type_of_events(response: Response) -> None:
    if response.events:
        response.headers["content-type"] = "audio/mpeg"


def status(now: int, when: Any) -> Defect:
    def change(response: Response) -> None:
        if when(response):
            response.status = now

    return change


def key_is(name: str, *values: Any) -> Any:
    return lambda response: response.request.get(name) in values and response.path.endswith("speech")


def without_member(name: str) -> Defect:
    def change(response: Response) -> bytes | None:
        if response.status < 400 or response.path == "/v1/no-such-thing" or response.method == "HEAD":
            return None
        error = response.json()["error"]
        error.pop(name)
        return json.dumps({"error": error}).encode()

    return change


def detail_only(response: Response) -> bytes | None:
    return b'{"detail": "Not Found"}' if response.path == "/v1/no-such-thing" else None


def other_param(response: Response) -> bytes | None:
    found = response.status >= 400 and response.method == "POST" and response.request.get("speed") == 9
    return response.body.replace(b'"param":"speed"', b'"param":null') if found else None


def header(name: str, value: str | None) -> Defect:
    def change(response: Response) -> None:
        response.headers.pop(name, None)
        response.headers |= {} if value is None else {name: value}

    return change


def no_names(response: Response) -> bytes | None:
    if response.path != "/v1/audio/voices":
        return None
    return json.dumps({"voices": [voice["id"] for voice in response.json()["voices"]]}).encode()


def no_data(response: Response) -> bytes | None:
    return b'["tts-1"]' if response.path == "/v1/models" else None


def same_duration(response: Response) -> bytes | None:
    if response.speaks and response.request.get("speed") == 1.5:
        return wav_header(16_000, None) + bytes(2 * 16_000 * 6)
    return None


DEFECTS: dict[str, tuple[Defect, str]] = {
    "mp3 in a WAV": (as_wav("mp3"), "mp3-is-mp3"),
    "opus of the type of mp3": (relabelled("opus", "audio/mpeg"), "opus-is-opus"),
    "flac in a WAV": (as_wav("flac"), "flac-is-flac"),
    "wav without a type": (relabelled("wav", "application/json"), "wav-is-wav"),
    "pcm of the type of wav": (relabelled("pcm", "audio/wav"), "pcm-is-pcm"),
    "a type of its own": (relabelled("pcm", "audio/pcm_s16le"), "media-types-are-those-of-formats"),
    "wav by default": (as_wav("none"), "default-format-is-mp3"),
    "pcm at 16 kHz": (raw_rate, "pcm-is-24-khz"),
    "the size of the first chunk": (cut_wav, "sizes-of-streamed-wav-are-unknown-or-true"),
    "no size in a whole file": (unknown_sizes, "sizes-of-whole-wav-are-true"),
    "events as mp3": (plain_type_of_events, "content-type-decides"),
    "no last event": (no_done, "events-are-deltas-and-a-done"),
    "no usage": (no_usage, "events-are-deltas-and-a-done"),
    "events are lost": (half_the_events, "events-carry-the-whole-audio"),
    "speed has no effect": (same_duration, "speed-changes-the-duration"),
    "a voice is unknown": (status(400, key_is("voice", "cedar")), "accepts-the-voices-of-openai"),
    "an object is no voice": (
        status(422, lambda response: isinstance(response.request.get("voice"), dict)),
        "accepts-a-voice-as-an-object",
    ),
    "a model is unknown": (status(404, key_is("model", "tts-1-hd")), "accepts-the-models-of-openai"),
    "instructions are unknown": (
        status(400, lambda response: "instructions" in response.request),
        "accepts-instructions",
    ),
    "a slow speed is a fault": (status(500, key_is("speed", 0.25)), "accepts-or-refuses-every-speed"),
    "an unknown key is a fault": (
        status(500, lambda response: "no_such_key" in response.request),
        "ignores-or-names-unknown-keys",
    ),
    "models are a list": (no_data, "lists-models"),
    "voices are names": (no_names, "lists-voices"),
    "no id of requests": (header("x-request-id", None), "responses-have-an-id"),
    "one id for all requests": (header("x-request-id", "1"), "responses-have-an-id"),
    "prewarming is a fault": (status(500, lambda response: response.path == "/v1/"), "prewarming-opens-a-connection"),
    "options are a fault": (status(500, lambda response: response.method == "OPTIONS"), "other-methods-are-no-faults"),
    "a wrong key is forbidden": (status(403, lambda response: response.status == 401), "refuses-a-wrong-key"),
    "no text is a fault": (status(500, key_is("input", "")), "refuses-an-empty-text"),
    "a number is a fault": (status(500, key_is("input", 7)), "refuses-a-text-of-another-type"),
    "a format is spoken": (status(200, key_is("response_format", "midi")), "refuses-an-unknown-format"),
    "a speed is too many requests": (status(429, key_is("speed", 9)), "refuses-a-speed-too-high"),
    "any voice is spoken": (status(200, key_is("voice", "no-such-voice-0")), "refuses-an-unknown-voice"),
    "nothing is found": (status(501, lambda response: "thing" in response.path), "an-unknown-address-is-not-found"),
    "no code": (without_member("code"), "errors-have-the-envelope"),
    "the key is not named": (other_param, "errors-name-the-key"),
    "the framework's own 404": (detail_only, "an-unknown-address-has-the-envelope"),
    "connections are closed": (header("connection", "close"), "connections-are-kept"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_fails_its_clause_and_no_other(limited: Service, quick_service: Service, defect: str) -> None:
    change, expected = DEFECTS[defect]
    names = {f"openai.{expected}"}
    also = {"openai.media-types-are-those-of-formats"} if "type" in defect else set[str]()
    chosen = [
        clause for clause in neighbours(clauses("openai"), names) if clause.name not in SLOW or clause.name in names
    ]
    service = limited if change is cut_wav else quick_service  # which gives a short text as one chunk
    with hosting(Broken(build_app(service, [KEY]), change)) as address:
        found = failures(chosen, Target(address, KEY))
    assert set(found) | also == names | also, "\n".join(found.values())


class Mixing:
    """A defect: what is requested while another response is computed has the audio of that."""

    def __init__(self) -> None:
        self.last = b""

    def __call__(self, response: Response) -> bytes | None:
        if not response.speaks:
            return None
        mixed, self.last = self.last, response.body
        return mixed if len(mixed) > len(response.body) else None


def unchanged(response: Response) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (unchanged, ["audio-streams", "events-stream"]),
        (Mixing(), ["many-requests-complete"]),
        (header("retry-after", None), ["refusals-state-when-to-retry"]),
        (header("retry-after", "soon"), ["refusals-state-when-to-retry"]),
    ],
    ids=["whole responses", "mixed audio", "no time to retry", "a word for the time"],
)
def test_a_defect_with_long_texts_fails_its_clause(quick_service: Service, change: Defect, expected: list[str]) -> None:
    chosen = [clause for clause in clauses("openai") if clause.name.removeprefix("openai.") in expected]
    with hosting(Broken(build_app(quick_service, [KEY]), change)) as address:
        found = failures(chosen, Target(address, KEY, overload=24))
    assert set(found) == {f"openai.{name}" for name in expected}


def test_work_for_clients_that_have_left_is_found(limited: Service) -> None:
    (clause,) = (clause for clause in clauses("openai") if "clients-that-leave" in clause.name)
    with hosting(Broken(build_app(limited), unchanged, asyncio.Lock())) as address:
        result = clause.try_at(Target(address))
    assert (result.outcome, "after 6 clients left" in result.problem) == ("fail", True)
