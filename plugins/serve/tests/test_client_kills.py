"""The client that goes on at another server, while servers are killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from server_processes import ServerProcess, server_processes
from serving import until

import voxstack
from voxstack_serve.client import SpeechError, aresumable_speech, resumable_speech

TEXT = "The old keeper climbed the stairs, slowly, and counted them. Dr. Smith paid $5 for the lamp; why? " * 12
PATIENT = {"timeout": 120.0, "patience": 120.0}  # other programs may keep the machine busy
OK = 'voxstack_http_responses_total{status="200"}'


@pytest.fixture(scope="module")
def other() -> Iterator[ServerProcess]:
    """Provide a server that lives on."""
    with server_processes("amber") as (found,):
        yield found


def received(parts: Iterator[bytes], *kills: tuple[int, Callable[[], object]]) -> bytes:
    """Return all bytes; each of ``kills`` happens when as many bytes have been received."""
    found, left = bytearray(), list(kills)
    for part in parts:
        found += part
        while left and len(found) >= left[0][0]:
            left.pop(0)[1]()
    assert not left, "the speech is too short"
    return bytes(found)


@pytest.mark.parametrize(
    "keys",
    [
        *({"response_format": name} for name in ("pcm", "wav", "flac", "mp3", "opus")),
        {"stream_format": "sse"},
        {"stream_format": "sse", "response_format": "mp3", "speed": 1.2},
    ],
    ids=str,
)
def test_the_speech_goes_on_at_another_server(other: ServerProcess, keys: dict[str, Any]) -> None:
    text = TEXT[:500] if keys.get("response_format") == "opus" else TEXT
    options: dict[str, Any] = {"voice": "amber", **PATIENT, **keys}
    whole = b"".join(resumable_speech(other.url, text, **options))
    before = other.figure(OK)
    with server_processes("amber") as (first,):
        parts = resumable_speech([first.url, other.url], text, **options)
        assert received(parts, (len(whole) // 20, first.kill)) == whole
    assert other.figure(OK) == before + 2, "the rest, and the figures before it"


def test_two_servers_are_killed(other: ServerProcess) -> None:
    whole = b"".join(resumable_speech(other.url, TEXT * 2, voice="amber", **PATIENT))
    before = other.figure(OK)
    with server_processes("amber", "amber") as (first, second):
        parts = resumable_speech([first.url, second.url, other.url], TEXT * 2, voice="amber", **PATIENT)
        assert received(parts, (len(whole) // 20, first.kill), (len(whole) // 3, second.kill)) == whole
    assert other.figure(OK) == before + 2


def test_a_server_is_killed_before_its_first_byte(other: ServerProcess) -> None:
    text = TEXT * 3
    options: dict[str, Any] = {"voice": "amber", "response_format": "mp3", "complete": True, **PATIENT}
    whole = b"".join(resumable_speech(other.url, text, **options))
    with server_processes("amber") as (first,):

        def kill_it_at_work() -> None:
            until(lambda: first.figure("voxstack_streams_running"))
            first.kill()

        killer = threading.Thread(target=kill_it_at_work)
        killer.start()
        found = b"".join(resumable_speech([first.url, other.url], text, **options))
        killer.join()
    assert found == whole


def test_the_process_at_a_port_is_replaced(other: ServerProcess) -> None:
    whole = b"".join(resumable_speech(other.url, TEXT, voice="amber", **PATIENT))
    successors: list[ServerProcess] = []
    with server_processes("amber") as (first,):

        def replace() -> None:
            port = first.port
            first.kill()
            successors.append(ServerProcess(port=port))

        try:
            parts = resumable_speech(first.url, TEXT, voice="amber", **PATIENT)
            assert received(parts, (len(whole) // 20, replace)) == whole
            assert successors[0].figure(OK) > 0
        finally:
            for successor in successors:
                successor.kill()


def test_another_version_of_the_voice_never_continues(other: ServerProcess, tmp_path: Path) -> None:
    shutil.copytree(voxstack.Registry.installed().locate("amber")[0], tmp_path / "amber")
    path = tmp_path / "amber" / "addon.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": "9.9.9"}))
    whole = b"".join(resumable_speech(other.url, TEXT, voice="amber", **PATIENT))
    found = bytearray()

    def read(urls: list[str]) -> None:
        for part in resumable_speech(urls, TEXT, voice="amber", timeout=120, patience=2):
            found.extend(part)
            if len(found) > len(whole) // 20:
                first.kill()

    with (
        server_processes("amber", str(tmp_path / "amber")) as (first, second),
        pytest.raises(SpeechError, match="the audio would not join") as caught,
    ):
        read([first.url, second.url])
    assert (caught.value.status, caught.value.received) == (412, len(found))
    assert 0 < len(found) < len(whole)
    assert whole.startswith(found)


def test_asynchronous_speech(other: ServerProcess) -> None:
    whole = b"".join(resumable_speech(other.url, TEXT, voice="amber", **PATIENT))

    async def collect(first: ServerProcess) -> bytes:
        found = bytearray()
        async for part in aresumable_speech([first.url, other.url], TEXT, voice="amber", **PATIENT):
            found += part
            if len(found) > len(whole) // 20:
                await asyncio.to_thread(first.kill)
        return bytes(found)

    with server_processes("amber") as (first,):
        assert asyncio.run(collect(first)) == whole


def test_who_leaves_an_asynchronous_speech_ends_it(other: ServerProcess) -> None:
    async def leave() -> None:
        async with aclosing(aresumable_speech(other.url, TEXT * 20, voice="amber", **PATIENT)) as parts:
            async for _ in parts:
                break

    async def cancel() -> None:
        async def collect() -> None:
            async for _ in aresumable_speech(other.url, TEXT * 20, voice="amber", complete=True, **PATIENT):
                pass

        task = asyncio.create_task(collect())
        while not await asyncio.to_thread(other.figure, "voxstack_streams_running"):
            pass
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for leaving in (leave, cancel):
        asyncio.run(leaving())
        until(lambda: other.figure("voxstack_streams_running") == 0)
    assert other.figure('voxstack_streams_total{outcome="cancelled",voice="amber"}') == 2
