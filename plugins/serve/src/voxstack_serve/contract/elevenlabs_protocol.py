"""Clauses about what surrounds turns on ElevenLabs' WebSockets: settings, keys, errors and ends."""

from __future__ import annotations

from websockets.exceptions import ConnectionClosed, InvalidStatus

from voxstack_serve.contract.clause import NotApplicable, clause
from voxstack_serve.contract.conversation import audio_of, conversation
from voxstack_serve.contract.elevenlabs_turns import LONG
from voxstack_serve.contract.sequences import (
    LIVEKIT,
    PIPECAT,
    livekit_turn,
    pipecat_close,
    pipecat_keepalive,
    pipecat_query,
    pipecat_turn,
)
from voxstack_serve.contract.visit import Visit

TURN = ["Hello there, my friend."]


@clause("elevenlabs", PIPECAT)
def one_final_message_ends_a_context(visit: Visit) -> None:
    """Send isFinal once for a context, after all of its audio, with its contextId."""
    with conversation(visit, pipecat_query()) as talk:
        talk.send(pipecat_turn("a", TURN))
        talk.until_final("a")
        talk.send(pipecat_turn("b", TURN))
        talk.until_final("b")
        assert set(talk.received) == {"a", "b"}, f"messages have the contextIds {list(talk.received)}"
        for name, messages in talk.received.items():
            finals = [bool(message.get("isFinal")) for message in messages]
            assert finals == [False] * (len(finals) - 1) + [True], f"messages follow isFinal of the context {name!r}"


@clause("elevenlabs", PIPECAT)
def keepalives_have_no_effect(visit: Visit) -> None:
    """Take an empty text, with and without a context, as a sign of life: without an error, and without an end."""
    with conversation(visit, pipecat_query()) as talk:
        first, *rest = pipecat_turn("a", TURN)
        talk.send([pipecat_keepalive(), first, pipecat_keepalive("a"), *rest, pipecat_keepalive()])
        assert audio_of(talk.until_final("a")), "there is no audio"


@clause("elevenlabs", PIPECAT)
def closing_what_has_ended_has_no_effect(visit: Visit) -> None:
    """Take no notice when a client closes a context that has ended, or that it never opened."""
    with conversation(visit, pipecat_query()) as talk:
        talk.send(pipecat_turn("a", TURN))
        talk.until_final("a")
        talk.send([pipecat_close("a"), pipecat_close("never"), *pipecat_turn("b", TURN)])
        assert audio_of(talk.until_final("b")), "there is no audio"


@clause("elevenlabs", PIPECAT, LIVEKIT)
def settings_are_accepted(visit: Visit) -> None:
    """Accept voice_settings in the first message of a context, and members that are not known."""
    settings = {"stability": 0.5, "similarity_boost": 0.75, "style": 0.0, "use_speaker_boost": True, "speed": 1.0}
    with conversation(visit, {**pipecat_query(), "language_code": "en", "no_such_parameter": "1"}) as talk:
        first, *rest = livekit_turn("a", TURN)
        talk.send([{**first, "voice_settings": settings, "no_such_member": 1}, *rest])
        assert audio_of(talk.until_final("a")), "there is no audio"


@clause("elevenlabs", PIPECAT)
def close_socket_closes_the_connection(visit: Visit) -> None:
    """Close the connection after {"close_socket": true}, within the 2 seconds that pipecat waits."""
    with conversation(visit, pipecat_query()) as talk:
        talk.send(pipecat_turn("a", TURN))
        talk.until_final("a")
        talk.send([{"close_socket": True}])
        code = talk.close_code()
        assert code in (1000, 1001), f"the connection is closed with code {code}"


@clause("elevenlabs", PIPECAT, LIVEKIT)
def an_unknown_voice_is_an_error(visit: Visit) -> None:
    """Refuse a voice that does not exist: the connection, or with a message that has an error."""
    try:
        with conversation(visit, pipecat_query(), voice="no-such-voice-0") as talk:
            talk.send(pipecat_turn("a", TURN)[:2])
            message = talk.receive()
            assert message.get("error") or message.get("message"), f"the server answers {message}"
    except InvalidStatus as error:
        visit.note("a connection", f"status {error.response.status_code}")
        assert error.response.status_code < 500, f"the status is {error.response.status_code}"
    except ConnectionClosed as closed:
        visit.note("a connection", str(closed))


@clause("elevenlabs", PIPECAT, LIVEKIT)
def a_wrong_key_is_refused(visit: Visit) -> None:
    """Refuse a wrong key before the connection is open, or close it at once."""
    if not visit.target.key:
        raise NotApplicable("no key is known; give --key")
    with conversation(visit, pipecat_query()):
        pass  # it exists
    try:
        with conversation(visit, pipecat_query(), key=f"{visit.target.key}-wrong") as talk:
            talk.send(pipecat_turn("a", TURN))
            message = talk.receive()
            assert message.get("error") or message.get("message"), "the server speaks for a wrong key"
    except InvalidStatus as error:
        visit.note("a connection with a wrong key", f"status {error.response.status_code}")
        assert error.response.status_code in (401, 403), f"the status is {error.response.status_code}"
    except ConnectionClosed as closed:
        visit.note("a connection with a wrong key", str(closed))


@clause("elevenlabs", PIPECAT, LIVEKIT, essential=False)
def nonsense_is_an_error(visit: Visit) -> None:
    """Answer a message that is no JSON with an error, or close the connection; the next one is served."""
    with conversation(visit, pipecat_query()) as talk:
        talk.socket.send("{no json")
        try:
            message = talk.receive()
            assert message.get("error") or message.get("message"), f"the server answers {message}"
        except AssertionError as error:
            assert "closed" in str(error), str(error)
    with conversation(visit, pipecat_query()) as talk:
        talk.send(pipecat_turn("a", TURN))
        assert audio_of(talk.until_final("a")), "there is no audio"


@clause("elevenlabs", PIPECAT, LIVEKIT)
def clients_that_leave_do_no_harm(visit: Visit) -> None:
    """Serve the next client when others have left in the middle of a turn."""
    for _ in range(4):
        with conversation(visit, pipecat_query()) as talk:
            talk.send([{"text": " ", "context_id": "a"}, *[{"text": LONG, "context_id": "a"}] * 8])
            talk.until_audio()
    with conversation(visit, pipecat_query()) as talk:
        talk.send(pipecat_turn("a", TURN))
        assert audio_of(talk.until_final("a")), "there is no audio"
