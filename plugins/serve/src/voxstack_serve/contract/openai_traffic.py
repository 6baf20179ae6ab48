"""Clauses about many requests, long ones, and those that are broken off."""

from __future__ import annotations

import select
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from voxstack_serve.contract.clause import NotApplicable, clause
from voxstack_serve.contract.sequences import LIVEKIT, OPENAI, PIPECAT, livekit_speech, pipecat_speech
from voxstack_serve.contract.visit import SPEECH, Reply, Visit, as_bytes, exchange, expect_audio, speech_body, summary

SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps in the sun until the evening. "
LONG = SENTENCE * 6
EARLY = 0.5
"""Share of the time of a response in which its first audio has come, if it streams; a server that waits has 1."""
PARALLEL, LEAVING = 16, 6
IMPATIENCE = 0.2
"""Seconds after which a client leaves that has heard nothing."""


@clause("openai", PIPECAT, LIVEKIT, essential=False)
def audio_streams(visit: Visit) -> None:
    """Send the first audio of a long text long before the last."""
    _check_early(visit.speech(input=LONG, response_format="pcm"))


@clause("openai", LIVEKIT, essential=False)
def events_stream(visit: Visit) -> None:
    """Send the first event with audio long before the last."""
    reply = visit.request("POST", SPEECH, livekit_speech(LONG, visit.target.voice))
    if reply.media_type != "text/event-stream":
        raise NotApplicable("the server sends no events")
    _check_early(reply)


def _check_early(reply: Reply) -> None:
    first, last = reply.arrivals[0], reply.arrivals[-1]
    assert first <= EARLY * last, (
        f"the first bytes come after {first / last:.0%} of the time of the whole response ({last:.2f} s)"
    )


@clause("openai", OPENAI, PIPECAT, LIVEKIT)
def clients_that_leave_do_no_harm(visit: Visit) -> None:
    """Stop what is synthesized for clients that have left; the next one is served in no more time than theirs took."""
    begin = time.perf_counter()
    visit.speech(input=2 * LONG, response_format="pcm")
    whole = time.perf_counter() - begin
    for _ in range(LEAVING):
        _leave(visit)
    begin = time.perf_counter()
    visit.speech(response_format="pcm")
    waited = time.perf_counter() - begin
    assert waited <= max(whole, 1.0), (
        f"after {LEAVING} clients left long responses, a short one took {waited:.2f} s; a long one takes {whole:.2f} s"
    )


def _leave(visit: Visit) -> None:
    """Request a long text, and close the connection at the first bytes, or before they come."""
    body = as_bytes(speech_body(visit.target, input=2 * LONG, response_format="pcm"))
    with visit.connection() as connection:
        connection.request("POST", visit.path(SPEECH), body, visit.headers())
        if connection.sock is not None:
            select.select([connection.sock], [], [], IMPATIENCE)
    visit.note(f"POST {SPEECH} with a long text, closed at its first bytes", "")


@clause("openai", OPENAI, LIVEKIT, essential=False)
def connections_are_kept(visit: Visit) -> None:
    """Take several requests on one connection, also after an error."""
    with visit.connection() as connection:
        visit.request("POST", SPEECH, speech_body(visit.target, input=""), connection=connection)
        used = connection.sock
        for text in ("One.", "Two."):
            body = pipecat_speech(text, visit.target.voice)
            expect_audio(visit.request("POST", SPEECH, body, connection=connection))
            assert connection.sock is used is not None, "the connection was closed after a response"


@clause("openai", OPENAI, LIVEKIT)
def many_requests_complete(visit: Visit) -> None:
    """Answer 16 requests at once, each with its own audio; those without room are refused with 503 or 429."""
    texts = [SENTENCE, "Hello there, my friend."]
    expected = [len(visit.speech(input=text, response_format="pcm").body) for text in texts]
    with ThreadPoolExecutor(PARALLEL) as pool:
        replies = list(pool.map(partial(_ask, visit), [texts[number % 2] for number in range(PARALLEL)]))
    served = [(number % 2, reply) for number, reply in enumerate(replies) if reply.status not in (429, 503)]
    visit.note(f"{PARALLEL} requests at once", f"{len(served)} with audio")
    assert served, "all were refused"
    for kind, reply in served:
        found = len(expect_audio(reply).body)
        near = abs(found - expected[kind]) <= 0.25 * expected[kind]
        assert near, (
            f"one of {PARALLEL} responses has {found} bytes; alone it had {expected[kind]}: audio is lost or mixed"
        )


@clause("openai", OPENAI)
def refusals_state_when_to_retry(visit: Visit) -> None:
    """Refuse a request beyond capacity with 503 or 429, and state in retry-after when to try again."""
    if not visit.target.overload:
        raise NotApplicable("no overload is provoked; give --overload N")
    with ThreadPoolExecutor(visit.target.overload) as pool:
        replies = list(pool.map(partial(_ask, visit), [LONG] * visit.target.overload))
    refused = [reply for reply in replies if reply.status != 200]
    visit.note(f"{visit.target.overload} long requests at once", f"{len(refused)} refused")
    if not refused:
        raise NotApplicable(f"the server has capacity for {visit.target.overload} long requests")
    for reply in refused:
        assert reply.status in (429, 503), f"one is refused with status {reply.status}: {summary(reply)}"
        assert _is_number(reply.headers.get("retry-after")), f"retry-after is {reply.headers.get('retry-after')!r}"
        precise = reply.headers.get("retry-after-ms")
        assert precise is None or _is_number(precise), f"retry-after-ms is {precise!r}"


def _ask(visit: Visit, text: str) -> Reply:
    """Return the response to a request of its own thread, without a record."""
    body: dict[str, Any] = speech_body(visit.target, input=text, response_format="pcm")
    with visit.connection() as connection:
        return exchange(connection, "POST", visit.path(SPEECH), as_bytes(body), visit.headers())


def _is_number(value: str | None) -> bool:
    return value is not None and value.replace(".", "", 1).isdigit()
