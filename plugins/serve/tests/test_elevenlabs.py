from __future__ import annotations

import asyncio
import gc
import io
import itertools
import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from elevenlabs_client import Client, Messages, alignments, audio, characters, talk, word_times
from serving import serving, until
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

import voxstack
from voxstack import Chunk
from voxstack_serve import Service
from voxstack_serve.command import make_app
from voxstack_serve.elevenlabs import routes
from voxstack_serve.elevenlabs.connection import MOST_CONTEXTS
from voxstack_serve.elevenlabs.messages import LONGEST_TEXT, MOST_SEGMENTS, ProtocolError, read_message
from voxstack_serve.elevenlabs.options import Options, read_options

SENTENCES = ['Hello there, my "dear" friend.', "It costs $23 (well-known).", "Yes, don't!"]
LONG = "A very long story that goes on and on, and never comes to its end. "  # 4 s


class CountingService(Service):
    """A service that counts the chunks that were computed, and the streams that run."""

    chunks = running = 0

    async def stream(self, voice: str, text: Any, **options: Any) -> AsyncGenerator[Chunk, None]:
        self.running += 1
        try:
            async for chunk in super().stream(voice, text, **options):
                self.chunks += 1
                yield chunk
        finally:
            self.running -= 1


@pytest.fixture(scope="module")
def counting(voices: voxstack.Voices) -> CountingService:
    return CountingService(voices, ["amber"], {"rachel": "amber"})


@pytest.fixture(scope="module")
def base(counting: CountingService) -> Iterator[str]:
    with serving(counting, routes=routes(counting)) as address:
        yield address.replace("http", "ws") + "/v1/text-to-speech"


@pytest.fixture(scope="module")
def multi(base: str) -> str:
    return f"{base}/rachel/multi-stream-input"


def spoken(voice: voxstack.Voice, texts: list[str]) -> tuple[np.ndarray, list[float]]:
    """Return the samples of texts, one after the other, and the starts in ms of the words between blanks."""
    speeches = [voice.synthesize(text) for text in texts]
    offsets = np.cumsum([0.0, *(speech.duration for speech in speeches)])
    starts = [
        1000 * (offset + word.start)
        for offset, speech in zip(offsets, speeches, strict=False)
        for word in speech.words
        if word.text != "known"
    ]
    return np.concatenate([speech.samples for speech in speeches]), starts


def pcm(samples: np.ndarray) -> bytes:
    return Chunk(samples, 0).pcm16()


def test_pipecat_adds_up_the_times_of_messages(multi: str, amber: voxstack.Voice) -> None:
    async def say(client: Client) -> Messages:
        assert not client.socket.protocol.extensions  # no compression, which costs more than it saves
        await client.send(text="")  # keeps the connection open
        await client.pipecat_turn("turn", SENTENCES)
        return await client.until_final("turn")

    messages = talk(multi, say, model_id="eleven_flash_v2_5", output_format="pcm_16000", auto_mode="true")
    samples, starts = spoken(amber, SENTENCES)
    assert audio(messages) == pcm(samples)
    words = word_times(messages, relative=True)
    assert [word for word, _ in words] == " ".join(SENTENCES).split()
    np.testing.assert_allclose([start for _, start in words], starts, atol=1)
    final = {"audio": None, "isFinal": True, "alignment": None, "normalizedAlignment": None, "contextId": "turn"}
    assert messages[-1] == final


def test_livekit_takes_times_as_absolute(multi: str, amber: voxstack.Voice) -> None:
    async def say(client: Client) -> Messages:
        await client.livekit_turn("x", SENTENCES)
        return await client.until_final("x")

    messages = talk(multi, say, output_format="mp3_22050_32", sync_alignment="true", auto_mode="true")
    samples, starts = spoken(amber, SENTENCES)
    decoded, rate = soundfile.read(io.BytesIO(audio(messages)))
    assert (rate, len(decoded) / rate) == (22050, pytest.approx(len(samples) / 16_000, abs=0.15))
    assert 8 * len(audio(messages)) / 1000 == pytest.approx(32 * len(decoded) / rate, rel=0.05)
    np.testing.assert_allclose([start for _, start in word_times(messages, relative=False)], starts, atol=1)
    assert characters(messages) == f" {' '.join(SENTENCES)} "


@pytest.mark.parametrize("name", ["ulaw_8000", "alaw_8000"])
def test_telephones_receive_a_byte_for_each_sample(multi: str, amber: voxstack.Voice, name: str) -> None:
    async def say(client: Client) -> Messages:
        await client.pipecat_turn("turn", SENTENCES)
        return await client.until_final("turn")

    samples = spoken(amber, SENTENCES)[0]
    content = audio(talk(multi, say, output_format=name, auto_mode="true"))
    expected = io.BytesIO()
    resampled = soxr.resample(samples, 16_000, 8000, "HQ")
    soundfile.write(expected, resampled, 8000, format="RAW", subtype=name[:4].upper())
    assert content == expected.getvalue()


def test_text_arrives_in_parts_that_are_cut_anywhere(multi: str, amber: voxstack.Voice) -> None:
    text = " ".join(SENTENCES)

    async def say(client: Client) -> Messages:
        await client.pipecat_turn("turn", [text[start : start + 5] for start in range(0, len(text), 5)])
        return await client.until_final("turn")

    messages = talk(multi, say, output_format="pcm_16000", auto_mode="false")
    assert audio(messages) == pcm(amber.synthesize(text).samples)
    assert characters(messages) == f" {text} "


def test_one_space_is_between_the_words_of_any_two_messages(multi: str) -> None:
    async def say(client: Client) -> Messages:
        await client.pipecat_turn("turn", [LONG * 3, *SENTENCES])
        return await client.until_final("turn")

    messages = talk(multi, say, output_format="pcm_16000", auto_mode="true")
    found = ["".join(alignment["chars"]) for alignment in alignments(messages)]
    assert len(found) > 6
    for before, after in itertools.pairwise(["x", *found, "x"]):
        assert before.endswith(" ") != after.startswith(" ")


@pytest.mark.parametrize("rate", [8000, 22050, 24000, 44100])
def test_pcm_is_resampled_as_a_whole(multi: str, amber: voxstack.Voice, rate: int) -> None:
    async def say(client: Client) -> bytes:
        await client.livekit_turn("x", SENTENCES[:2])
        return audio(await client.until_final("x"))

    samples, _ = spoken(amber, SENTENCES[:2])
    assert talk(multi, say, output_format=f"pcm_{rate}") == pcm(soxr.resample(samples, 16_000, rate))


def test_closing_a_context_stops_it_within_a_chunk(multi: str, counting: CountingService) -> None:
    async def say(client: Client) -> Messages:
        await client.send(text=LONG * 200, context_id="a")  # 800 s
        await client.next()
        await client.send(context_id="a", close_context=True)
        return await client.until_final("a")

    before = counting.chunks
    messages = talk(multi, say, output_format="pcm_16000", auto_mode="true")
    assert counting.running == 0
    assert counting.chunks - before - 2 <= sum(map(bool, map(audio, zip(messages)))) <= counting.chunks - before
    assert len(audio(messages)) < 200 * 32_000


def test_a_context_that_was_flushed_speaks_on_until_it_is_closed_again(multi: str) -> None:
    async def say(client: Client) -> Messages:
        await client.livekit_turn("a", [LONG * 200])
        while len(client.received.get("a", [])) < 5:
            await client.next()
        await client.send(context_id="a", close_context=True)
        return await client.until_final("a")

    messages = talk(multi, say, output_format="pcm_16000", auto_mode="true")
    assert len(messages) > 5
    assert len(audio(messages)) < 200 * 32_000


def test_a_client_that_reads_nothing_stops_the_synthesis(multi: str, counting: CountingService) -> None:
    async def say(client: Client) -> int:
        await client.send(text=LONG * 280, context_id="a", flush=True)  # 1100 s
        await client.next()
        seen = [-1, counting.chunks]
        while seen[-1] != seen[-2]:
            await asyncio.sleep(0.25)
            seen.append(counting.chunks)
        assert counting.running == 1
        client.socket.transport.abort()
        return seen[-1] - before

    before = counting.chunks
    assert talk(multi, say, output_format="pcm_16000") < 200
    until(lambda: counting.running == 0)


def test_a_connection_that_ends_takes_its_contexts_with_it(
    multi: str, counting: CountingService, caplog: pytest.LogCaptureFixture
) -> None:
    async def say(client: Client) -> None:
        for number in range(4):
            await client.send(text=LONG * 50, context_id=str(number), flush=True)
        await client.socket.send("no message")  # when the last context has not begun to run
        assert await client.close_code() == 1008

    talk(multi, say, output_format="pcm_16000")
    until(lambda: counting.running == 0)
    gc.collect()  # which logs the exceptions of tasks that were left alone
    assert not [record.message for record in caplog.records if "Context" in record.message]


def test_contexts_share_a_connection(multi: str, amber: voxstack.Voice) -> None:
    async def say(client: Client) -> dict[str | None, Messages]:
        for name, text in zip("abc", SENTENCES, strict=True):
            await client.pipecat_turn(name, [text])
        await client.until_final(*"abc")
        return client.received

    found = talk(multi, say, output_format="pcm_16000", auto_mode="true")
    for name, text in zip("abc", SENTENCES, strict=True):
        assert audio(found[name]) == pcm(amber.synthesize(text).samples)
        assert characters(found[name]) == f" {text} "


def test_a_name_that_is_used_again_is_another_context(multi: str, amber: voxstack.Voice) -> None:
    async def say(client: Client) -> bytes:
        await client.pipecat_turn("a", SENTENCES[:1])
        await client.pipecat_turn("a", SENTENCES[1:2])  # while the first speaks
        first = len(await client.until_final("a"))
        await client.next()
        return audio((await client.until_final("a"))[first:])

    assert talk(multi, say, output_format="pcm_16000", auto_mode="true") == pcm(amber.synthesize(SENTENCES[1]).samples)


def test_a_flush_speaks_what_is_no_sentence_yet(multi: str, amber: voxstack.Voice) -> None:
    expected = pcm(amber.synthesize("Well, my").samples)

    async def say(client: Client) -> bytes:
        await client.send(text="Well, my")
        await client.send(flush=True)
        while len(audio(client.received.get(None, []))) < len(expected):
            await client.next()
        return audio(client.received[None])

    assert talk(multi, say, output_format="pcm_16000") == expected


def test_closing_the_socket_ends_all_contexts_first(multi: str) -> None:
    async def say(client: Client) -> int | None:
        for name in "ab":
            await client.send(text="Hello there", context_id=name)
        await client.send(close_socket=True)
        await client.until_final(*"ab")
        assert all(audio(messages) for messages in client.received.values())
        return await client.close_code()

    assert talk(multi, say, output_format="pcm_16000") == 1000


def test_a_context_that_waits_for_text_too_long_ends(multi: str) -> None:
    async def say(client: Client) -> Messages:
        await client.send(text="Hello there", context_id="a")
        return await client.until_final("a")

    assert characters(talk(multi, say, output_format="pcm_16000", inactivity_timeout="0.1")) == " Hello there "


def test_one_context_for_a_connection(base: str, amber: voxstack.Voice) -> None:
    async def say(client: Client) -> tuple[Messages, int | None]:
        await client.send(text=" ", voice_settings={"speed": 1.25}, generation_config={})
        await client.send(text="Hello the", try_trigger_generation=True)
        await client.send(text="re. ")
        await client.send(text="")
        return await client.until_final(None), await client.close_code()

    messages, code = talk(f"{base}/amber/stream-input", say, output_format="pcm_16000")
    assert code == 1000
    assert "contextId" not in messages[0]
    assert audio(messages) == pcm(amber.synthesize("Hello there.", rate=1.25).samples)


def test_ssml_is_spoken_and_not_shown(multi: str, amber: voxstack.Voice) -> None:
    async def say(client: Client) -> Messages:
        await client.pipecat_turn("a", ['Hello <break time="1s"/> you & me.'])
        return await client.until_final("a")

    messages = talk(multi, say, output_format="pcm_16000", enable_ssml_parsing="true", auto_mode="true")
    document = '<speak>Hello <break time="1s"/> you &amp; me.</speak>'
    assert audio(messages) == pcm(amber.synthesize(document, markup="ssml").samples)
    assert characters(messages).split() == ["Hello", "you", "&", "me."]


def test_signs_that_are_not_pronounced_are_passed_over(multi: str) -> None:
    async def say(client: Client) -> Messages:
        await client.pipecat_turn("a", ["...", "🙂", "Hello."])
        return await client.until_final("a")

    messages = talk(multi, say, output_format="pcm_16000", auto_mode="true")
    assert audio(messages)
    assert not any("error" in message for message in messages)


@pytest.mark.parametrize(
    ("opening", "code", "words"),
    [
        ({"text": "Hello. ", "voice_settings": {"speed": 9}}, "invalid_request", "rate: 9 is too large"),
        ({"text": "x" * (LONGEST_TEXT + 1)}, "text_too_long", "send text as it is spoken"),
        ({"text": "ありがとう"}, "invalid_request", "nothing to pronounce"),
    ],
    ids=["control", "length", "language"],
)
def test_an_error_ends_its_context_alone(multi: str, opening: dict[str, Any], code: str, words: str) -> None:
    async def say(client: Client) -> Messages:
        await client.send(**opening, context_id="bad", flush=True)
        await client.pipecat_turn("good", ["Hello."])
        await client.until_final("bad", "good")
        assert audio(client.received["good"])
        return client.received["bad"]

    error, final = talk(multi, say, output_format="pcm_16000")
    assert (error["error"], error["code"], error["contextId"]) == (code, 1008, "bad")
    assert words in error["message"]
    assert final["isFinal"]


def test_an_error_of_the_only_context_closes_the_connection(base: str) -> None:
    async def say(client: Client) -> int | None:
        await client.send(text="ありがとう", flush=True)
        await client.until_final(None)
        return await client.close_code()

    assert talk(f"{base}/amber/stream-input", say, output_format="pcm_16000") == 1008


def test_contexts_and_flushed_texts_have_a_limit(multi: str) -> None:
    async def say(client: Client) -> list[str]:
        for number in range(MOST_CONTEXTS + 1):
            await client.send(text="Hello", context_id=str(number))
        errors = [await client.next()]
        await client.send(text=LONG * 200, flush=True, context_id="0")
        for _ in range(MOST_SEGMENTS):
            await client.send(text="Hello.", flush=True, context_id="0")
        while "error" not in client.received.get("0", [{}])[-1]:
            await client.next()
        return [message["error"] for message in [*errors, client.received["0"][-1]]]

    assert talk(multi, say, output_format="pcm_16000") == ["max_active_conversations", "text_too_long"]


@pytest.mark.parametrize(
    ("path", "query", "message", "code", "words"),
    [
        ("rachl/multi-stream-input", {}, None, "voice_not_found", "did you mean 'rachel'"),
        ("amber/stream-input", {"output_format": "opus_8000"}, None, "invalid_request", "pcm_24000"),
        ("amber/multi-stream-input", {"inactivity_timeout": "181"}, None, "invalid_request", "up to 180"),
        ("amber/multi-stream-input", {"auto_mode": "maybe"}, None, "invalid_request", "true or false"),
        ("amber/multi-stream-input", {}, "{", "invalid_message", "not JSON"),
        ("amber/multi-stream-input", {}, b"\xff", "invalid_message", "not JSON"),
        ("amber/multi-stream-input", {}, "[]", "invalid_message", "a message is a JSON object"),
        ("amber/multi-stream-input", {}, '{"text": 3}', "invalid_message", "text is a string, not 3"),
    ],
)
def test_an_error_of_a_connection_closes_it(
    base: str, path: str, query: dict[str, str], message: str | bytes | None, code: str, words: str
) -> None:
    async def say(client: Client) -> tuple[dict[str, Any], int | None]:
        if message is not None:
            await client.socket.send(message)
        return await client.next(), await client.close_code()

    found, closed = talk(f"{base}/{path}", say, **query)
    assert (found["error"], found["code"], closed) == (code, 1008, 1008)
    assert words in found["message"]


def test_keys_are_those_of_the_service(counting: CountingService) -> None:
    with serving(counting, keys=["secret"], routes=routes(counting)) as address:
        url = f"{address.replace('http', 'ws')}/v1/text-to-speech/amber/multi-stream-input"

        async def status(key: str) -> int | None:
            try:
                async with connect(url, additional_headers={"xi-api-key": key}) as socket:
                    await socket.send(json.dumps({"close_socket": True}))
                    return await Client(socket).close_code()
            except InvalidStatus as error:
                return error.response.status_code

        assert asyncio.run(status("secret")) == 1000
        assert asyncio.run(status("wrong")) == 403


def test_the_command_serves_both_paths(counting: CountingService) -> None:
    paths = {getattr(route, "path", "") for route in make_app(counting, []).routes}
    assert {"/v1/audio/speech", *(route.path for route in routes(counting))} <= paths


def test_options_and_messages_are_read() -> None:
    assert read_options({}) == Options("mp3", 44100, 128)
    query = {"output_format": "pcm_24000", "sync_alignment": "true", "auto_mode": "TRUE", "model_id": "any"}
    assert read_options(query) == Options("pcm", 24000, 0, absolute=True, whole_messages=True)
    assert read_message('{"text": "a", "flush": null, "more": [1]}').text == "a"
    for wrong in ('{"flush": "yes"}', '{"voice_settings": {"speed": true}}', '{"voice_settings": {"speed": NaN}}'):
        with pytest.raises(ProtocolError):
            read_message(wrong)
