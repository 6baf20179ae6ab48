"""Responses without their first bytes: equal to the rest of the whole, or refused."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from serving import serving

import voxstack
from voxstack_serve import Service
from voxstack_serve.encoders.ogg import SerialNumber, page_checksum
from voxstack_serve.resampling import Resampler
from voxstack_serve.resuming import feed_silence, start_at

TEXT = "The lamp was lit at dusk. Dr. Smith slept."
SPEECH = "/v1/audio/speech"
NONE: Mapping[str, str] = {}


def ask(address: str, headers: Mapping[str, str] = NONE, **keys: Any) -> tuple[Any, bytes]:
    """Return a response, and its audio or its error."""
    body = {"model": "tts-1", "voice": "amber", "input": TEXT, "response_format": "pcm", **keys}
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request("POST", SPEECH, json.dumps(body), dict(headers))
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.headers["content-type"] != "text/event-stream":
        return response, content
    events = [json.loads(line[6:]) for line in content.decode().splitlines() if line]
    assert events[-1]["type"] == "speech.audio.done"
    return response, b"".join(base64.b64decode(event.get("audio", "")) for event in events)


@pytest.mark.parametrize("more", [{}, {"stream_format": "sse"}, {"complete": True}, {"voice": "cobalt"}])
@pytest.mark.parametrize("name", ["pcm", "wav", "flac", "mp3", "opus", "aac"])
def test_the_rest_of_a_response_is_that_of_the_whole(address: str, name: str, more: dict[str, Any]) -> None:
    if name == "aac":
        pytest.importorskip("av")
    keys: dict[str, Any] = {"response_format": name, **more}
    first, whole = ask(address, **keys)
    again, same = ask(address, **keys)
    assert (same, again.headers["etag"]) == (whole, first.headers["etag"])
    match = {"If-Match": first.headers["etag"]}
    for start in (1, 43, 45, 46, len(whole) // 2, len(whole) * 3 // 4 + 1, len(whole)):
        response, rest = ask(address, match, start_byte=start, **keys)
        assert (response.status, response.headers["etag"]) == (200, first.headers["etag"])
        assert rest == whole[start:], f"from {start}"
    for start in (len(whole) + 1, 2**40):
        response, error = ask(address, match, start_byte=start, **keys)
        assert (response.status, json.loads(error)["error"]["param"]) == (400, "start_byte")


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000])
def test_other_rates(address: str, rate: int) -> None:
    first, whole = ask(address, sample_rate=rate)
    for start in (len(whole) // 3, len(whole) // 3 * 2 + 1):
        assert ask(address, {"If-Match": first.headers["etag"]}, start_byte=start, sample_rate=rate)[1] == whole[start:]


def test_conditions(address: str) -> None:
    tag = ask(address)[0].headers["etag"]
    assert ask(address, {"If-Match": f'"other", {tag}'}, start_byte=2)[0].status == 200
    assert ask(address, {"If-Match": "*"}, start_byte=2)[0].status == 200
    for headers, status, code in (
        ({}, 428, "precondition_required"),
        ({"If-Match": '"other"'}, 412, "precondition_failed"),
        ({"If-Match": f"W/{tag}"}, 412, "precondition_failed"),
    ):
        response, error = ask(address, headers, start_byte=2)
        assert (response.status, json.loads(error)["error"]["code"]) == (status, code)
    assert ask(address, {"If-Match": '"other"'})[0].status == 412, "also without a start"


@pytest.mark.parametrize("start", [-1, 0.5, "3", True, 2**41])
def test_a_start_that_is_no_number_of_bytes_is_refused(address: str, start: Any) -> None:
    response, error = ask(address, start_byte=start)
    assert (response.status, json.loads(error)["error"]["param"]) == (400, "start_byte")


def test_the_tag_changes_with_all_that_the_audio_depends_on(address: str) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"input": TEXT + "!"},
        {"voice": "cobalt"},
        {"response_format": "wav"},
        {"sample_rate": 16_000},
        {"speed": 1.1},
        {"pitch": 1.0},
        {"markup": "markdown"},
        {"lexicon": {"lamp": "l ae1 m p"}},
        {"complete": True},
    ]
    tags = [ask(address, **change)[0].headers["etag"] for change in changes]
    assert len(set(tags)) == len(tags)
    assert ask(address, stream_format="sse", instructions="Cheer up.")[0].headers["etag"] == tags[0], "the same audio"
    assert ask(address, voice="anna")[0].headers["etag"] == tags[0], "an alias"


def another_version(folder: Path, **changes: Any) -> Path:
    """Return a copy of amber whose addon.json has changes."""
    source = voxstack.Registry.installed().locate("amber")[0]
    shutil.copytree(source, folder, dirs_exist_ok=True)
    config = json.loads((folder / "addon.json").read_text())
    (folder / "addon.json").write_text(json.dumps({**config, **changes}))
    return folder


def test_another_version_of_the_voice_is_refused(address: str, tmp_path: Path) -> None:
    folder = another_version(tmp_path / "amber", version="9.9.9")
    with voxstack.Voices() as voices, serving(Service(voices, [str(folder)])) as other:
        tag = ask(address)[0].headers["etag"]
        response, error = ask(other, {"If-Match": tag}, start_byte=1000)
        assert (response.status, json.loads(error)["error"]["code"]) == (412, "precondition_failed")
        assert ask(other)[0].headers["etag"] != tag


def test_a_voice_that_is_replaced_while_a_request_begins_is_noticed(tmp_path: Path) -> None:
    """For the header with the tag must be of the version that speaks."""
    folder = another_version(tmp_path / "amber")
    with voxstack.Voices() as voices:
        service = Service(voices, [str(folder)])
        stream = service.stream

        async def replaced(*args: Any, **options: Any) -> Any:
            another_version(folder, description="Another one.")
            async for chunk in stream(*args, **options):
                yield chunk

        service.stream = replaced  # type: ignore[method-assign]
        with serving(service) as address:
            response, error = ask(address)
        assert (response.status, json.loads(error)["error"]["code"]) == (503, "replaced")
        assert response.headers["retry-after"] == "0"
        service.stream = stream  # type: ignore[method-assign]
        with serving(service) as address:
            assert ask(address)[0].status == 200


@pytest.mark.parametrize("lexicon", [None, {"lamp": "l ae1 m p"}])
def test_a_voice_that_is_unloaded_while_a_request_begins_speaks(lexicon: dict[str, str] | None) -> None:
    with voxstack.Voices(lexicon=lexicon) as voices:
        service = Service(voices, ["amber"])
        stream = service.stream

        async def unloaded(*args: Any, **options: Any) -> Any:
            async for chunk in stream(*args, **options):
                voices.unload("amber")
                yield chunk

        service.stream = unloaded  # type: ignore[method-assign]
        with serving(service) as address:
            response, _ = ask(address)
        assert (response.status, response.headers["etag"] is None) == (200, lexicon is not None)


@pytest.mark.parametrize("error", [7.9e-7, None])
def test_a_voice_that_rounds_by_chunks_has_no_tag(error: float | None, tmp_path: Path) -> None:
    networks = json.loads((voxstack.Registry.installed().locate("amber")[0] / "addon.json").read_text())["networks"]
    form = networks["decoder"]["stateful"]
    form["measured"] = {**form["measured"], "chunk_error": {"16": error}} if error else {}
    folder = another_version(tmp_path / "rounds", networks=networks)
    with voxstack.Voices(trust=True) as voices, serving(Service(voices, [str(folder)])) as address:
        response, _ = ask(address, voice="amber")
    assert "etag" not in response.headers


def test_a_lexicon_of_the_service_leaves_responses_without_a_tag() -> None:
    """For other processes of the service may have another one."""
    with voxstack.Voices(lexicon={"lamp": "l ae1 m p"}) as voices, serving(Service(voices, ["amber"])) as address:
        assert ask(address)[0].headers["etag"] is None
        response, error = ask(address, {"If-Match": "*"}, start_byte=2)
        assert (response.status, json.loads(error)["error"]["param"]) == (400, "start_byte")


@pytest.mark.parametrize("source_rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("rate", [8_000, 8_001, 16_000, 22_050, 24_000, 48_000])
def test_resampling_after_silence_is_that_of_the_whole(source_rate: int, rate: int) -> None:
    random = np.random.default_rng(rate)
    samples = (0.1 * random.standard_normal(3 * source_rate)).astype(np.float32)
    whole = resampled(Resampler(source_rate, rate), samples)
    for count in (1, rate // 100, *random.integers(1, len(whole), 4)):
        start = start_at(2 * int(count), 0, source_rate, rate)
        resampler = Resampler(source_rate, rate)
        given = feed_silence(resampler, start.source)
        assert given <= start.samples == count
        rest = resampled(resampler, samples[start.source :])
        np.testing.assert_array_equal(rest[start.samples - given :], whole[count:])


def resampled(resampler: Resampler, samples: np.ndarray) -> np.ndarray:
    parts = [resampler.resample(samples[start : start + 999]) for start in range(0, len(samples), 999)]
    return np.concatenate([*parts, resampler.finish()])


def test_pages_of_ogg_under_another_number(address: str) -> None:
    """Cut anywhere, they are the same but for the number and the checksum."""
    ogg = ask(address, response_format="opus")[1]
    for step in (1, 77, len(ogg)):
        serial = SerialNumber(0xA1B2C3D4)
        found = b"".join(serial.rewrite(ogg[start : start + step]) for start in range(0, len(ogg), step))
        assert len(found) == len(ogg)
        position = 0
        while position < len(found):
            segments = found[position + 26]
            length = 27 + segments + sum(found[position + 27 : position + 27 + segments])
            page, before = found[position : position + length], ogg[position : position + length]
            assert page[14:18] == bytes.fromhex("d4c3b2a1")
            assert page[:14] + page[18:22] + page[26:] == before[:14] + before[18:22] + before[26:]
            assert page_checksum(page[:22] + bytes(4) + page[26:]) == int.from_bytes(page[22:26], "little")
            assert page_checksum(before[:22] + bytes(4) + before[26:]) == int.from_bytes(before[22:26], "little")
            position += length


def test_what_was_heard_is_not_decoded_again(service: Service, address: str) -> None:
    """The voice is streamed from where the client stopped, not from the beginning."""
    starts: list[int] = []
    stream = service.stream

    def recorded(*args: Any, start: int = 0, **options: Any) -> Any:
        starts.append(start)
        return stream(*args, start=start, **options)

    first, whole = ask(address)
    service.stream = recorded  # type: ignore[method-assign]
    try:
        assert ask(address, {"If-Match": first.headers["etag"]}, start_byte=len(whole) - 1000)[1] == whole[-1000:]
    finally:
        service.stream = stream  # type: ignore[method-assign]
    assert starts[0] > len(whole) / 3 * 0.9, "samples at 16 kHz, of two bytes at 24 kHz"
    assert asyncio.run(service.sample_rate("amber")) == 16_000
