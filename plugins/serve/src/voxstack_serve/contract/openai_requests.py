"""Clauses about requests of OpenAI's speech API: names and keys that are accepted, and pages that are read."""

from __future__ import annotations

from typing import Any

from voxstack_serve.contract.clause import NotApplicable, clause
from voxstack_serve.contract.sequences import LIVEKIT, OPEN_WEBUI, OPENAI, OPENAI_VOICES, PIPECAT, pipecat_speech
from voxstack_serve.contract.visit import SPEECH, Visit, expect_audio


@clause("openai", PIPECAT)
def accepts_the_voices_of_openai(visit: Visit) -> None:
    """Accept each of OpenAI's 13 names of voices: pipecat requests no others."""
    refused = []
    for name in OPENAI_VOICES:
        reply = visit.request("POST", SPEECH, pipecat_speech("Hello.", name))
        refused += [f"{name} ({reply.status})"] if reply.status != 200 or not reply.body else []
    assert not refused, f"there is no audio for {', '.join(refused)}"


@clause("openai", OPENAI, essential=False)
def accepts_a_voice_as_an_object(visit: Visit) -> None:
    """Accept a voice as {"id": NAME}, as for custom voices."""
    visit.speech(voice={"id": visit.target.voice})


@clause("openai", OPENAI, LIVEKIT, PIPECAT)
def accepts_the_models_of_openai(visit: Visit) -> None:
    """Accept the models that clients have as defaults."""
    for model in ("tts-1", "tts-1-hd", "gpt-4o-mini-tts"):
        visit.speech(model=model)


@clause("openai", LIVEKIT, PIPECAT)
def accepts_instructions(visit: Visit) -> None:
    """Accept instructions, also without an effect."""
    visit.speech(instructions="Speak calmly.")


@clause("openai", OPENAI, essential=False)
def accepts_or_refuses_every_speed(visit: Visit) -> None:
    """Accept the speeds from 0.25 to 4, or refuse with status 400 those that the voice does not have."""
    for speed in (0.25, 4.0):
        reply = visit.post(speed=speed)
        assert reply.status == 200 or 400 <= reply.status < 500, f"speed {speed} has the status {reply.status}"
        assert reply.status != 200 or reply.body, f"speed {speed} has no audio"


@clause("openai", OPEN_WEBUI, OPENAI, essential=False)
def ignores_or_names_unknown_keys(visit: Visit) -> None:
    """Ignore a key that is not known, or refuse it with an error that names it."""
    reply = visit.post(no_such_key=1)
    if reply.status != 200:
        assert 400 <= reply.status < 500, f"the status is {reply.status}"
        assert b"no_such_key" in reply.body, "the error does not name the key"


@clause("openai", OPEN_WEBUI, essential=False)
def lists_models(visit: Visit) -> None:
    """List models at GET /v1/models as {"object": "list", "data": [{"id": NAME}]}."""
    found = _page(visit, "/v1/models").get("data")
    assert isinstance(found, list), "there is no list 'data'"
    assert found, "the list is empty"
    assert all(isinstance(model, dict) and isinstance(model.get("id"), str) for model in found), "a model has no id"


@clause("openai", OPEN_WEBUI, essential=False)
def lists_voices(visit: Visit) -> None:
    """List voices at GET /v1/audio/voices as {"voices": [{"id": ID, "name": NAME}]}, each of which can be requested."""
    voices = _page(visit, "/v1/audio/voices").get("voices")
    assert isinstance(voices, list), "there is no list 'voices'"
    assert voices, "the list is empty"
    for voice in voices:
        assert isinstance(voice, dict), f"a voice is {voice!r:.60}, and clients read an object"
        for name in ("id", "name"):
            assert isinstance(voice.get(name), str), f"a voice has no {name}: {voice!r:.60}"
    visit.speech(voice=voices[0]["id"])


def _page(visit: Visit, path: str) -> dict[str, Any]:
    reply = visit.request("GET", path)
    if reply.status in (404, 405) or reply.media_type == "text/html":  # an application answers what it does not know
        raise NotApplicable(f"the server has no {path}")
    assert reply.status == 200, f"the status is {reply.status}"
    content = reply.json()
    assert isinstance(content, dict), f"the page is no object: {content!r:.60}"
    return content


@clause("openai", LIVEKIT, OPENAI, essential=False)
def responses_have_an_id(visit: Visit) -> None:
    """Send x-request-id with each response, audio and error, another one each time."""
    replies = [visit.post(), visit.post(), visit.post(input="")]
    found = [reply.headers.get("x-request-id") for reply in replies]
    assert all(found), "there is no header x-request-id"
    assert len(set(found)) == 3, f"three responses have the ids {found}"


@clause("openai", LIVEKIT, essential=False)
def prewarming_opens_a_connection(visit: Visit) -> None:
    """Answer GET /v1/ in any way but a fault, and take a request for speech on the same connection."""
    with visit.connection() as connection:
        first = visit.request("GET", "/v1/", connection=connection)
        assert first.status < 500, f"the status is {first.status}"
        used = connection.sock
        expect_audio(visit.request("POST", SPEECH, pipecat_speech("Hello.", visit.target.voice), connection=connection))
        assert connection.sock is used is not None, "the connection was closed"


@clause("openai", "browsers", "monitors", essential=False)
def other_methods_are_no_faults(visit: Visit) -> None:
    """Answer OPTIONS and HEAD in any way but a fault; a response to HEAD has no body."""
    for method in ("OPTIONS", "HEAD"):
        reply = visit.request(method, SPEECH)
        assert reply.status < 500, f"{method} has the status {reply.status}"
