"""The application behind Ray's own proxy, and ``voxstack serve --ray`` on the same cluster, as programs use them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from loop_thread import LoopThread
from serving import until

import voxstack
from voxstack import VoxstackError
from voxstack_serve_ray.application import build
from voxstack_serve_ray.connection import cluster as connecting
from voxstack_serve_ray.environment import SETTINGS
from voxstack_serve_ray.pools import Pool
from voxstack_serve_ray.remote_voices import RemoteVoices

pytest.importorskip("ray", reason="other software: pip install -r plugins/serve_ray/tests/ray.txt")

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps."


def requested(address: str, key: str = "", **body: Any) -> bytes:
    body = {"model": "m", "voice": "amber", "input": TEXT, "response_format": "pcm", "sample_rate": 16_000, **body}
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{address}/v1/audio/speech", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        data: bytes = response.read()
    return data


def pcm(voice: voxstack.Voice, text: str) -> bytes:
    return b"".join(chunk.pcm16() for chunk in voice.stream(text))


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(VoxstackError, match="args: pool is unknown; did you mean 'pools'"):
        build({"pool": {}})
    with pytest.raises(VoxstackError, match=r"args.*cpus"):
        build({"pools": {"default": {"cpus": 0}}})


def test_a_cluster_that_does_not_answer_is_stated() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(VoxstackError, match=f"no Ray cluster answers at {address}"), connecting(address):
            pass


def test_a_replica_takes_the_resources_of_its_pool() -> None:
    from voxstack_serve_ray.deployments import application_of

    pool = Pool("npu", gpus=0.5, cpus=2.5, resources={"npu": 1}, runtime_env={"env_vars": {"A": "b"}})
    deployment = application_of(pool, ["amber"])._bound_deployment
    options = deployment.ray_actor_options
    assert (options["num_cpus"], options["num_gpus"], options["resources"]) == (2.5, 0.5, {"npu": 1})
    assert options["runtime_env"]["env_vars"] == {**SETTINGS, "A": "b"}
    assert deployment.init_kwargs["workers"] == 3


def test_the_application_answers_behind_the_proxy(cluster: str, amber: voxstack.Voice) -> None:
    from ray import serve

    pools = {"own": {"voices": ["amber"], "cpus": 0.1}}
    serve.run(build({"pools": pools, "voices": ["amber"], "api_keys": ["k"]}), name="proxied", route_prefix="/tts")
    try:
        address = "http://127.0.0.1:8465/tts"
        assert requested(address, "k") == pcm(amber, TEXT)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            requested(address)
        began = time.monotonic()
        data = requested(address, "k", input=f"{TEXT} {TEXT}")
        assert time.monotonic() - began > len(data) / 32_000 - 4.0, "it came faster than it is played"
    finally:
        serve.delete("proxied")


@contextmanager
def front(cluster: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``voxstack serve --ray``; provide the process and its address."""
    config = folder / "pools.json"
    config.write_text(json.dumps({"pools": {"default": {"voices": ["amber"]}}}))
    program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", "amber", "--port", "0"]
    program += ["--ray", str(config), "--ray-address", cluster]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines: list[str] = []
            while not (lines and " serves " in lines[-1]):
                lines.append(process.stderr.readline())
                assert lines[-1], f"it has ended: {lines}"
            yield process, lines[-1].split()[0]
        finally:
            process.kill()


def test_the_command_serves_by_the_cluster(cluster: str, amber: voxstack.Voice, tmp_path: Path) -> None:
    with front(cluster, tmp_path) as (process, address):
        assert requested(address) == pcm(amber, TEXT)
        with pytest.raises(urllib.error.HTTPError, match="400"):
            requested(address, speed=99)
        with urllib.request.urlopen(f"{address}/v1/audio/voices/amber", timeout=60) as response:
            assert json.load(response)["state"]["loaded"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM


def test_streams_end_with_their_front(cluster: str, runner: LoopThread, voices: RemoteVoices, tmp_path: Path) -> None:
    def demand() -> float:
        return sum(state.demand for state in runner.run(voices._all("state", voices._pools[0])))

    with front(cluster, tmp_path) as (process, address):
        body = json.dumps({"model": "m", "voice": "amber", "input": TEXT * 100, "response_format": "pcm"})
        request = urllib.request.Request(
            f"{address}/v1/audio/speech", body.encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.read(1000)
            assert demand() > 0
            process.kill()
            until(lambda: demand() == 0)
