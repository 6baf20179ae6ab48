"""Home Assistant's use of the Wyoming server, re-enacted with the client that it uses."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from copies import copied, write_config
from tiny import plugin
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

import voxstack
from voxstack import Registry, StreamableBlock, Voices
from voxstack_serve import Service
from voxstack_serve.contract.home_assistant import HomeAssistant, SpeechError, received, whole
from voxstack_serve.wyoming import WyomingServer
from voxstack_serve.wyoming.info import choose_voice

TEXT = "Hello there, my friend. The kitchen light is on. It is seven o'clock."
PARTS = ["Hel", "lo there, my friend. The kitch", "en light", " is on. It is seven o", "'clock."]
SSML = '<speak>Hello <break time="300ms"/> <sub alias="there">x</sub>.</speak>'


@pytest.fixture(scope="module")
def service() -> Service:
    return Service(Voices(warm=["amber"]), ["amber"])


def served(service: Service, **options: Any) -> WyomingServer:
    return WyomingServer(service, port=0, **options)


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, 30))


def expected(text: str, **request: Any) -> voxstack.Speech:
    return voxstack.load("amber").synthesize(text, **request)


def pcm(speech: voxstack.Speech) -> bytes:
    return speech.wav()[44:]


def test_a_whole_text_is_what_python_synthesizes(service: Service) -> None:
    async def main() -> bytes:
        async with served(service) as server:
            return await HomeAssistant(server.port).speak(TEXT)

    assert run(main()) == expected(TEXT).wav()


def test_a_text_in_parts_is_what_python_synthesizes(service: Service) -> None:
    async def main() -> bytes:
        async with served(service) as server:
            return await HomeAssistant(server.port, "amber").stream(PARTS)

    assert run(main()) == pcm(expected(TEXT))


def test_a_stream_has_one_format_and_ends_once(service: Service) -> None:
    async def main() -> list[Any]:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            text = "Yes. No."
            stream = [SynthesizeStart(), SynthesizeChunk(text), Synthesize(text), SynthesizeStop()]
            for event in (*stream, Synthesize("Yes.")):
                await client.write_event(event.event())
            events = [await received(client)]
            while [event.type for event in events].count("audio-stop") < 2:
                events.append(await received(client))
            await client.write_event(Ping().event())
            return [*events, await received(client)]

    events = run(main())
    shape = [event.type for event in events if event.type != "audio-chunk"]
    assert shape == ["audio-start", "audio-stop", "synthesize-stopped", "audio-start", "audio-stop", "pong"]
    assert b"".join(event.payload or b"" for event in events) == pcm(expected("Yes. No.")) + pcm(expected("Yes."))
    rate = expected("Yes.").sample_rate
    assert {(e.data["rate"], e.data["width"], e.data["channels"]) for e in events if "rate" in e.data} == {(rate, 2, 1)}
    first = events[: [event.type for event in events].index("audio-stop") + 1]
    milliseconds = len(b"".join(e.payload or b"" for e in first)) * 1000 // (2 * rate)
    assert AudioStop.from_event(first[-1]).timestamp == milliseconds > 500
    stamps = [AudioChunk.from_event(event).timestamp for event in first[1:-1]]
    assert stamps[0] == AudioStart.from_event(first[0]).timestamp == 0
    assert stamps == sorted(set(stamps))


def test_audio_begins_before_the_text_has_ended(service: Service) -> None:
    async def main() -> bytes:
        heard = asyncio.Event()

        async def text() -> AsyncIterator[str]:
            yield TEXT[:30]
            await heard.wait()
            yield TEXT[30:]

        async with served(service) as server:
            audio = []
            async for data in HomeAssistant(server.port).chunks(text()):
                audio.append(data)
                heard.set()
            return b"".join(audio)

    assert run(main()) == pcm(expected(TEXT))


def test_ssml_is_read_as_such_in_both_forms(service: Service) -> None:
    async def main() -> tuple[bytes, bytes]:
        async with served(service) as server:
            home = HomeAssistant(server.port)
            return await home.speak(SSML, "ssml"), await home.stream([SSML[:9], SSML[9:]], "ssml")

    speech = expected(SSML, markup="ssml")
    assert run(main()) == (speech.wav(), pcm(speech))
    assert speech.wav() != expected(SSML).wav()


def test_clients_at_the_same_time_get_their_own_audio(service: Service) -> None:
    texts = [f"This is number {number}. It is here." for number in range(6)]

    async def main() -> list[bytes]:
        async with served(service) as server:
            home = HomeAssistant(server.port)
            return await asyncio.gather(*(home.stream([text]) for text in texts))

    assert run(main()) == [pcm(expected(text)) for text in texts]


def test_voices_that_are_added_and_removed_appear_and_disappear(tmp_path: Path) -> None:
    service = Service(Voices(), ["amber", str(tmp_path)])

    async def main() -> None:
        async with served(service) as server:
            home = HomeAssistant(server.port)
            program = await home.program()
            assert program.supports_synthesize_streaming
            assert [(voice.name, voice.languages) for voice in program.voices] == [("amber", ["en-US"])]
            assert await home.voices() == {"amber": "amber"}
            new = copied(tmp_path, "amber", "carol")
            assert list(await home.voices()) == ["amber", "carol"]
            assert await HomeAssistant(server.port, "carol").speak("Yes.") == expected("Yes.").wav()
            shutil.rmtree(new)
            assert list(await home.voices()) == ["amber"]
            with pytest.raises(SpeechError, match="RequestError: there is no voice named 'carol'"):
                await HomeAssistant(server.port, "carol").speak("Yes.")

    run(main())


@dataclass
class SpeakerLevel(StreamableBlock):
    """Has one speaker who is louder than the other."""

    needs = frozenset({"speaker"})
    takes = makes = "samples"

    def stream(self, source: Iterator[np.ndarray], utterance: Any) -> Iterator[np.ndarray]:
        for chunk in source:
            yield chunk * np.float32(1.0 if utterance["speaker"] == "ann" else 0.5)


@pytest.fixture(scope="module")
def speakers(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Return a service with a voice that has two speakers."""
    folder = copied(tmp_path_factory.mktemp("speakers"), "amber", "pair")
    config = json.loads((folder / "addon.json").read_text())
    config["stack"].append({"type": "SpeakerLevel"})
    config["controls"]["speaker"] = {"type": "string", "default": "ann", "enum": ["ann", "ben"]}
    write_config(folder, config)
    registry = Registry.installed().with_plugins({"speaker_level": plugin([SpeakerLevel])})
    return Service(Voices(registry=registry), [str(folder)], registry=registry)


def test_a_speaker_is_chosen_by_the_name_of_the_voice(speakers: Service) -> None:
    async def main() -> list[np.ndarray]:
        async with served(speakers) as server:
            (voice,) = (await HomeAssistant(server.port).program()).voices
            assert [speaker.name for speaker in voice.speakers or ()] == ["ann", "ben"]
            with pytest.raises(SpeechError, match=r"RequestError: pair: speaker: .*'bob'"):
                await HomeAssistant(server.port, "pair", "bob").speak("Yes.")
            homes = [HomeAssistant(server.port, "pair", speaker) for speaker in (None, "ann", "ben")]
            return [np.frombuffer(await home.stream(["Yes."]), "<i2") for home in homes]

    default, ann, ben = run(main())
    assert default.tobytes() == ann.tobytes() == pcm(expected("Yes."))
    np.testing.assert_allclose(ben, ann / 2, atol=1)


def test_a_voice_without_speakers_refuses_one(service: Service) -> None:
    async def main() -> None:
        async with served(service) as server:
            assert (await HomeAssistant(server.port).program()).voices[0].speakers is None
            with pytest.raises(SpeechError, match="RequestError: amber has no control 'speaker'"):
                await HomeAssistant(server.port, "amber", "ann").speak("Yes.")

    run(main())


def test_the_voice_follows_the_name_or_else_the_language(tmp_path: Path) -> None:
    copied(tmp_path, "amber", "british", languages=["en-GB"])
    copied(tmp_path, "amber", "german", languages=["de-DE", "de-AT"])
    service = Service(Voices(), ["amber", str(tmp_path)])
    first = service.voices()[0].id
    choices = {"en-GB": "british", "en_us": "amber", "en": first, "de": "german", "de-AT": "german", "de-CH": "german"}
    assert {language: choose_voice(service, None, language) for language in choices} == choices
    assert choose_voice(service, None, None) == first
    assert choose_voice(service, "german", "en-GB") == "german"
    with pytest.raises(voxstack.RequestError, match="no voice speaks 'fr'; there are voices for de-AT, de-DE, en-GB"):
        choose_voice(service, None, "fr")
    with pytest.raises(voxstack.RequestError, match="no voice is on offer"):
        choose_voice(Service(Voices(), []), None, None)


def test_an_error_ends_its_request_only(service: Service) -> None:
    """The rest of a stream that failed is dropped, and the connection goes on."""

    async def main() -> bytes:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            await client.write_event(SynthesizeStart(SynthesizeVoice("ambre")).event())
            with pytest.raises(
                SpeechError, match=r"^RequestError: there is no voice named 'ambre'; did you mean 'amber'"
            ):
                await received(client)
            for event in (SynthesizeChunk("Oh no. Oh no."), Synthesize("Oh no. Oh no."), SynthesizeStop()):
                await client.write_event(event.event())
            refusals = {"text_format is one of text, ssml": "midi", "nothing to pronounce": "text"}
            for reason, text_format in refusals.items():
                await client.write_event(Synthesize("...", text_format=text_format).event())
                with pytest.raises(SpeechError, match=reason):
                    await received(client)
            await client.write_event(SynthesizeStart(text_format="midi").event())
            with pytest.raises(SpeechError, match="synthesize-start: text_format is one of text, ssml, not 'midi'"):
                await received(client)
            await client.write_event(SynthesizeStop().event())
            await client.write_event(Synthesize("Yes.").event())
            return await whole(client)

    assert run(main()) == expected("Yes.").wav()


def test_a_stream_without_text_is_an_error(service: Service) -> None:
    async def main() -> None:
        async with served(service) as server:
            with pytest.raises(SpeechError, match="RequestError"):
                await HomeAssistant(server.port).stream([])

    run(main())


def test_a_lack_of_capacity_is_an_error_of_its_own() -> None:
    async def main() -> None:
        async with served(Service(Voices(budget=1), ["amber"])) as server:
            with pytest.raises(SpeechError, match=r"^CapacityError: amber needs .* the budget"):
                await HomeAssistant(server.port).stream(PARTS)

    run(main())


def test_a_forgotten_stop_ends_with_the_next_start(service: Service) -> None:
    async def main() -> list[bytes]:
        async with served(service) as server, HomeAssistant(server.port).client() as client:
            for event in (
                SynthesizeStart(),
                SynthesizeChunk("Yes."),
                SynthesizeStart(),
                SynthesizeChunk("No."),
                SynthesizeStop(),
            ):
                await client.write_event(event.event())
            wavs = []
            for _ in range(2):
                wavs.append(await whole(client))
                assert SynthesizeStopped.is_type((await received(client)).type)
            return wavs

    assert run(main()) == [expected("Yes.").wav(), expected("No.").wav()]
