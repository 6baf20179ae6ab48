"""Operation: voices are loaded and unloaded, and the service states whether it is ready."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from serving import serving, until

import voxstack
from voxstack_serve import Service
from voxstack_serve.app import build_app
from voxstack_serve.server import address_of, listening_socket, run
from voxstack_serve.startup import load_voices

VOICES = "/v1/audio/voices"


def ask(address: str, method: str, path: str, **headers: str) -> tuple[int, Any]:
    """Return the status of a response, and the object that it contains."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.fixture
def own() -> Iterator[voxstack.Voices]:
    with voxstack.Voices() as found:
        yield found


def test_clients_with_a_key_load_and_unload_voices(own: voxstack.Voices) -> None:
    call = partial(ask, authorization="Bearer k")
    with serving(Service(own, ["amber", "cobalt"], {"anna": "amber"}), keys=["k"]) as address:
        status, found = call(address, "GET", f"{VOICES}/anna")
        assert (status, found["id"], found["sample_rate"]) == (200, "amber", 16_000)
        assert found["state"] == {
            "loaded": False,
            "bytes": 0,
            "shared_bytes": 0,
            "streams": 0,
            "last_used": None,
            "problem": "",
        }
        for path in ("amber/load", "amber/load", "amber"):
            status, found = call(address, "GET" if path == "amber" else "POST", f"{VOICES}/{path}")
            assert (status, found["state"]["loaded"], found["state"]["streams"]) == (200, True, 0)
            assert found["state"]["bytes"] > 1e6
            assert found["state"]["last_used"] > 1e9
        assert [row.name for row in own.status()] == ["amber"]
        for _ in range(2):
            status, found = call(address, "POST", f"{VOICES}/anna/unload")
            assert (status, found["state"]["loaded"]) == (200, False)
        assert own.status() == []


def test_what_cannot_be_loaded_is_an_error_in_the_envelope(own: voxstack.Voices) -> None:
    own.budget = 1000
    call = partial(ask, authorization="Bearer k")
    with serving(Service(own, ["amber"]), keys=["k"]) as address:
        for method, path, expected in [
            ("POST", f"{VOICES}/ambr/load", (404, "voice_not_found")),
            ("GET", f"{VOICES}/prism", (404, "voice_not_found")),
            ("POST", f"{VOICES}/%2Fetc%2Fhostname/load", (404, "unknown_url")),
            ("GET", f"{VOICES}/amber/load", (405, "method_not_supported")),
            ("POST", f"{VOICES}/amber/load", (503, "capacity")),
        ]:
            status, found = call(address, method, path)
            assert (status, found["error"]["code"]) == expected
        assert ask(address, "POST", f"{VOICES}/amber/load")[0] == 401


def test_voices_are_managed_with_keys_only(own: voxstack.Voices) -> None:
    with serving(Service(own, ["amber"])) as address:
        for action in ("load", "unload"):
            status, found = ask(address, "POST", f"{VOICES}/amber/{action}")
            assert (status, found["error"]["code"]) == (403, "keys_required")
        assert ask(address, "GET", f"{VOICES}/amber")[0] == 200
    assert own.status() == []


def test_voices_that_are_not_used_are_unloaded() -> None:
    clock = SimpleNamespace(now=0.0)
    with voxstack.Voices(warm=["amber", "cobalt"], clock=lambda: clock.now) as voices:
        service = Service(voices, ["amber", "cobalt"])

        async def tend() -> None:
            task = asyncio.create_task(service.tend(idle=0.4))
            clock.now = 0.3
            await service.manager.load("cobalt")
            clock.now = 0.5
            while len(voices.status()) > 1:
                await asyncio.sleep(0.01)
            assert voices.status()[0].name == "cobalt"
            clock.now = 10.0
            while voices.status():
                await asyncio.sleep(0.01)
            task.cancel()

        asyncio.run(asyncio.wait_for(tend(), 60))
        assert service.metrics.value("voxstack_voice_loaded", {"voice": "amber"}) == 0


def test_a_service_is_alive_at_once_and_ready_when_its_voices_are_loaded(own: voxstack.Voices) -> None:
    service, reports, gates = Service(own, ["amber"]), [], {"load": asyncio.Event(), "end": asyncio.Event()}
    service.readiness.state = "loading"

    async def load() -> None:
        await gates["load"].wait()
        await load_voices(service, reports.append)
        await gates["end"].wait()
        raise voxstack.VoxstackError("a job has failed")

    loops: list[asyncio.AbstractEventLoop] = []

    async def note() -> None:
        loops.append(asyncio.get_running_loop())

    failures: list[BaseException] = []
    with listening_socket("127.0.0.1", 0) as listener:
        address = address_of(listener)

        def serve() -> None:
            try:
                run(build_app(service), listener, 1.0, jobs=[note, load])
            except voxstack.VoxstackError as error:
                failures.append(error)

        thread = threading.Thread(target=serve)
        thread.start()
        assert ask(address, "GET", "/health")[0] == 200
        status, found = ask(address, "GET", "/ready")
        assert (status, found["error"]["code"], own.status()) == (503, "loading", [])
        loops[0].call_soon_threadsafe(gates["load"].set)
        until(lambda: ask(address, "GET", "/ready")[0] == 200)
        assert own.status()[0].name == "amber"
        until(lambda: reports == [["amber"]])
        loops[0].call_soon_threadsafe(gates["end"].set)
        thread.join(60)
    assert [str(failure) for failure in failures] == ["a job has failed"]


def test_a_program_that_stops_is_not_ready_and_still_answers() -> None:
    program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", "amber", "--port", "0", "--drain", "600"]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            address = next(line for line in process.stderr if " serves " in line).split()[0]
            assert ask(address, "GET", "/ready") == (200, {"status": "ready", "voices": ["amber"]})
            process.send_signal(signal.SIGTERM)
            until(lambda: ask(address, "GET", "/ready")[0] == 503)
            assert ask(address, "GET", "/ready")[1]["error"]["code"] == "stopping"
            assert ask(address, "GET", "/health")[0] == ask(address, "GET", VOICES)[0] == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(30) != 0
        finally:
            process.kill()


def test_a_program_whose_voice_cannot_be_loaded_ends(tmp_path: Path) -> None:
    shutil.copytree(voxstack.Registry.installed().addon("amber"), tmp_path / "amber")
    network = next((tmp_path / "amber").rglob("*.onnx"))
    network.write_bytes(b"")
    program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", str(tmp_path / "amber"), "--port", "0"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert network.name in done.stderr.splitlines()[-1]
