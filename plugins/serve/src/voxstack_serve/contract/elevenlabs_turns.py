"""Clauses about turns of speech over ElevenLabs' WebSockets, as pipecat and LiveKit send them."""

from __future__ import annotations

from voxstack_serve.contract.clause import clause
from voxstack_serve.contract.conversation import (
    Conversation,
    alignments_of,
    audio_of,
    check_order,
    conversation,
    text_of,
)
from voxstack_serve.contract.sequences import (
    ELEVENLABS,
    LIVEKIT,
    PIPECAT,
    Message,
    elevenlabs_turn,
    livekit_query,
    livekit_turn,
    pipecat_close,
    pipecat_query,
    pipecat_turn,
)
from voxstack_serve.contract.sounds import decode
from voxstack_serve.contract.visit import Visit

SENTENCES = ["Hello there, my friend.", "The quick brown fox is home.", "It is late, and the sun has set."]
WORDS = " ".join(SENTENCES).split()
LONG = "A very long story that goes on and on, and never comes to its end, however long one listens to it. "
NEAR, SLACK = 0.05, 120.0
"""Share and milliseconds by which the end of the times may differ from that of the audio."""


def turn_of_pipecat(visit: Visit) -> list[Message]:
    """Return the messages for a turn of pipecat, in pcm at 24 kHz."""
    with conversation(visit, pipecat_query()) as talk:
        talk.send(pipecat_turn("turn-1", SENTENCES))
        return talk.until_final("turn-1")


def turn_of_livekit(visit: Visit, encoding: str) -> list[Message]:
    """Return the messages for a turn of LiveKit."""
    with conversation(visit, livekit_query(encoding)) as talk:
        talk.send(livekit_turn("turn-1", SENTENCES))
        return talk.until_final("turn-1")


def milliseconds(messages: list[Message]) -> float:
    """Return the duration of pcm at 24 kHz."""
    content = audio_of(messages)
    assert len(content) % 2 == 0, f"{len(content)} bytes are no whole number of 16-bit samples"
    assert not content.startswith((b"RIFF", b"ID3", b"OggS")), f"pcm begins with a header: {content[:4]!r}"
    return len(content) / 48


@clause("elevenlabs", PIPECAT)
def a_turn_of_pipecat_is_spoken(visit: Visit) -> None:
    """Speak a turn of pipecat as pcm_24000, and end it with isFinal; each message has the contextId."""
    messages = turn_of_pipecat(visit)
    duration = milliseconds(messages)
    assert duration > 2000, f"three sentences last {duration:.0f} ms"


@clause("elevenlabs", LIVEKIT)
def a_turn_of_livekit_is_spoken(visit: Visit) -> None:
    """Speak a turn of LiveKit as mp3_22050_32, its default, as one file of MP3 at 22.05 kHz."""
    found = decode(audio_of(turn_of_livekit(visit, "mp3_22050_32")), "mp3")
    assert found.rate == 22_050, f"the sample rate is {found.rate} Hz"
    assert found.seconds > 2, f"three sentences last {found.seconds:.2f} s"


@clause("elevenlabs", PIPECAT)
def words_of_pipecat_do_not_merge(visit: Visit) -> None:
    """Send alignments whose joined characters are the words of the text, with spaces between, also at sentences."""
    _check_words(turn_of_pipecat(visit))


@clause("elevenlabs", LIVEKIT)
def words_of_livekit_do_not_merge(visit: Visit) -> None:
    """Send alignments whose joined characters are the words of the text, also for sentences that are flushed."""
    _check_words(turn_of_livekit(visit, "pcm_24000"))


def _check_words(messages: list[Message]) -> None:
    found = text_of(alignments_of(messages)).split()
    assert found == WORDS, f"the words of the alignments are {' '.join(found)!r}"


@clause("elevenlabs", PIPECAT)
def times_add_up(visit: Visit) -> None:
    """Count times from the start of each message, without sync_alignment; their spans add up to the audio."""
    messages, clock, starts = turn_of_pipecat(visit), 0.0, list[float]()
    for alignment in alignments_of(messages):
        times, durations = alignment["charStartTimesMs"], alignment["charDurationsMs"]
        starts += [clock + time for time in times]
        clock += times[-1] + durations[-1]
    check_order(starts)
    _check_end(clock, milliseconds(messages))


@clause("elevenlabs", LIVEKIT)
def synchronized_times_are_absolute(visit: Visit) -> None:
    """Count times from the start of the context with sync_alignment=true, up to the end of the audio."""
    messages = turn_of_livekit(visit, "pcm_24000")
    alignments = alignments_of(messages)
    starts = [time for alignment in alignments for time in alignment["charStartTimesMs"]]
    check_order(starts)
    last = alignments[-1]
    _check_end(last["charStartTimesMs"][-1] + last["charDurationsMs"][-1], milliseconds(messages))


def _check_end(found: float, expected: float) -> None:
    near = abs(found - expected) <= NEAR * expected + SLACK
    assert near, f"the times end after {found:.0f} ms, and the audio after {expected:.0f} ms"


@clause("elevenlabs", PIPECAT, LIVEKIT)
def contexts_do_not_mix(visit: Visit) -> None:
    """Speak two contexts of one connection at the same time, each with its own audio and words."""
    texts = {"a": SENTENCES[:1], "b": SENTENCES[1:]}
    with conversation(visit, pipecat_query()) as talk:
        for messages in zip(*(pipecat_turn(name, texts[name]) for name in texts), strict=False):
            talk.send(messages)
        talk.send(pipecat_turn("b", texts["b"])[-1:])
        talk.until_final("a", "b")
        for name, sentences in texts.items():
            found = text_of(alignments_of(talk.received[name])).split()
            expected = " ".join(sentences).split()
            assert found == expected, f"the words of the context {name!r} are {found}"


@clause("elevenlabs", PIPECAT, LIVEKIT)
def a_flush_speaks_what_is_no_sentence(visit: Visit) -> None:
    """Speak all text at a flush, also a text without an end, while the context is open."""
    with conversation(visit, {**pipecat_query(), "auto_mode": "false"}) as talk:
        talk.send([{"text": " ", "context_id": "a"}, {"text": "Hello there my", "context_id": "a"}])
        talk.send([{"context_id": "a", "flush": True}])
        talk.until_audio()


@clause("elevenlabs", PIPECAT)
def an_interruption_stops_the_speech(visit: Visit) -> None:
    """End a context within a chunk when pipecat closes it in the middle, with isFinal, and speak the next."""
    with conversation(visit, pipecat_query()) as talk:
        talk.send(_long_turn("a", 24))
        talk.until_audio()
        talk.send([pipecat_close("a")])
        stopped = milliseconds(talk.until_final("a"))
        talk.send(pipecat_turn("b", [LONG]))
        whole = 24 * milliseconds(talk.until_final("b"))
        assert stopped < whole / 2, f"after the interruption, {stopped:.0f} of about {whole:.0f} ms were sent"


def _long_turn(context: str, sentences: int) -> list[Message]:
    return [{"text": " ", "context_id": context}, *({"text": LONG, "context_id": context} for _ in range(sentences))]


@clause("elevenlabs", PIPECAT, LIVEKIT, essential=False)
def audio_streams(visit: Visit) -> None:
    """Send the first audio of a long turn long before the last."""
    with conversation(visit, pipecat_query()) as talk:
        talk.send([*_long_turn("a", 8), *pipecat_turn("a", [])[-2:]])
        talk.until_final("a")
    assert talk.arrivals, "there is no audio"
    first, last = talk.arrivals[0], talk.arrivals[-1]
    assert first <= last / 2, f"the first audio comes after {first / last:.0%} of the time of the whole ({last:.2f} s)"


@clause("elevenlabs", ELEVENLABS)
def a_single_context_is_spoken(visit: Visit) -> None:
    """Speak the text of a connection to /stream-input up to an empty text, and close it with code 1000."""
    with conversation(visit, {"output_format": "mp3_44100_128"}, "stream-input") as talk:
        talk.send(elevenlabs_turn([f"{sentence} " for sentence in SENTENCES]))
        assert decode(audio_of(_until_end(talk)), "mp3").seconds > 2, "three sentences last less than 2 s"
        code = talk.close_code()
        assert code == 1000, f"the connection is closed with code {code}"


def _until_end(talk: Conversation) -> list[Message]:
    messages: list[Message] = []
    while not messages or not messages[-1].get("isFinal"):
        messages.append(talk.receive())
    return messages
