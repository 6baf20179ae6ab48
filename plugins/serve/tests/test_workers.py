"""Several processes that serve one port: they end, are replaced, and stop together."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from serving import until

import voxstack
from voxstack_serve.command import command
from voxstack_serve.worker import take_share

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux spreads connections over processes")

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps. " * 12
SECONDS = 90.0
KEY = {"authorization": "Bearer k"}


class Program:
    """A running service, whose lines on stderr go to a file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, temporary: Path) -> None:
        self.process, self.log, self.temporary = process, log, temporary
        self.port = self.wyoming = 0

    def wait_until_ready(self) -> None:
        until(lambda: "of Wyoming" in self.log.read_text() or self.process.poll() is not None, SECONDS)
        lines = self.log.read_text()
        self.port = int(re.findall(r"http://127.0.0.1:(\d+) serves amber", lines)[0])
        self.wyoming = int(re.findall(r"tcp://127.0.0.1:(\d+) serves", lines)[0])

    def workers(self) -> set[int]:
        """Return the process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(child) for child in children}

    def ask(self, method: str, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, headers=KEY)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def figure(self, name: str) -> float:
        found = re.findall(rf"^{re.escape(name)} (\S+)$", self.ask("GET", "/metrics")[1].decode(), re.M)
        return float(found[0]) if found else 0.0


@contextmanager
def program(folder: Path, *arguments: str, voice: str = "amber") -> Iterator[Program]:
    options = ["--voice", voice, "--port", "0", "--wyoming-port", "0", "--api-key", "k", "--workers", "2", *arguments]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "voxstack_cli", "serve", *options], stderr=log, env=environment
        )
    found = Program(process, folder / "log", folder)
    try:
        yield found
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()
            process.wait()


@contextmanager
def streaming(found: Program) -> Iterator[tuple[socket.socket, http.client.HTTPResponse]]:
    """Provide a connection and its long response, of which little is taken at once; retry while it is refused."""
    end = time.monotonic() + SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", found.port, timeout=120)
        connection.connect()
        own = connection.sock
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)  # five seconds; fewer bytes are slow
        body = {"model": "m", "voice": "amber", "input": TEXT, "response_format": "pcm"}
        connection.request("POST", "/v1/audio/speech", json.dumps(body), KEY)
        response = connection.getresponse()
        if response.status == 200:
            break
        assert response.status == 503
        assert time.monotonic() < end, "a busy machine has no capacity"
        response.read()
        connection.close()
        time.sleep(0.5)
    try:
        yield own, response
    finally:
        connection.close()


def server_of(connection: socket.socket, workers: set[int]) -> int:
    """Return the process id of the worker that serves a connection, by the tables of the kernel."""
    own, server = connection.getsockname()[1], connection.getpeername()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if [int(fields[column].split(":")[1], 16) for column in (1, 2)] == [server, own]:
            for pid in workers:
                descriptors = Path(f"/proc/{pid}/fd")
                if f"socket:[{fields[9]}]" in [os.readlink(entry) for entry in descriptors.iterdir()]:
                    return pid
    return 0


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, maybe with a parent that has not noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_worker_that_is_killed_is_replaced_while_others_go_on(tmp_path: Path) -> None:
    with program(tmp_path) as found, ExitStack() as stack:
        found.wait_until_ready()
        workers = found.workers()
        assert len(workers) == 2
        responses: dict[int, list[http.client.HTTPResponse]] = {pid: [] for pid in workers}
        while not all(responses.values()):
            connection, response = stack.enter_context(streaming(found))
            response.read(1000)
            responses[server_of(connection, workers)].append(response)
        killed, other = workers
        os.kill(killed, signal.SIGKILL)
        for response in responses[killed]:
            with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
                response.read()
        lengths = {len(response.read()) for response in responses[other]}
        assert len(lengths) == 1
        assert lengths.pop() > 48_000 * 30
        until(lambda: len(found.workers()) == 2, SECONDS)
        (replacement,) = found.workers() - {other}
        until(lambda: found.figure("voxstack_ready") == 2, SECONDS)
        until(lambda: serves(found, replacement), SECONDS)
        assert found.figure('voxstack_streams_total{outcome="complete",voice="amber"}') >= len(responses[other])
        with socket.create_connection(("127.0.0.1", found.wyoming), timeout=60) as client:
            client.sendall(b'{"type": "describe"}\n')
            assert b'"info"' in client.makefile("rb").readline()
        children = found.workers()
        found.process.send_signal(signal.SIGTERM)
        assert found.process.wait(60) == 128 + signal.SIGTERM
        assert all(is_gone(pid) for pid in children)
    assert "a worker ended by SIGKILL" in (tmp_path / "log").read_text()
    assert not list(tmp_path.glob("voxstack-*"))


def serves(found: Program, worker: int) -> bool:
    """Return whether a new connection is that of a worker, which then has to answer."""
    connection = http.client.HTTPConnection("127.0.0.1", found.port, timeout=60)
    try:
        connection.request("GET", "/ready", headers=KEY)
        status = connection.getresponse().status
        is_own = server_of(connection.sock, {worker}) == worker
        assert status == 200
        return is_own
    finally:
        connection.close()


def test_workers_complete_what_runs_and_share_what_they_count(tmp_path: Path) -> None:
    with program(tmp_path) as found, ExitStack() as stack:
        found.wait_until_ready()
        until(lambda: found.figure('voxstack_voice_loaded{voice="amber"}') == 2, SECONDS)
        assert json.loads(found.ask("POST", "/v1/audio/voices/amber/unload")[1])["state"]["loaded"] is False
        until(lambda: found.figure('voxstack_voice_loaded{voice="amber"}') == 0, SECONDS)
        assert json.loads(found.ask("POST", "/v1/audio/voices/amber/load")[1])["state"]["loaded"] is True
        until(lambda: found.figure('voxstack_voice_loaded{voice="amber"}') == 2, SECONDS)
        responses = [stack.enter_context(streaming(found))[1] for _ in range(4)]
        parts = [len(response.read(1000)) for response in responses]
        assert found.figure("voxstack_streams_running") == 4
        found.process.send_signal(signal.SIGTERM)
        assert len({first + len(response.read()) for first, response in zip(parts, responses, strict=True)}) == 1
        assert found.process.wait(60) == 128 + signal.SIGTERM


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    with program(tmp_path) as found:
        found.wait_until_ready()
        workers = found.workers()
        found.process.kill()
        until(lambda: all(is_gone(pid) for pid in workers), SECONDS)
        assert found.process.wait(60) == -signal.SIGKILL


def test_a_voice_that_no_worker_can_load_ends_the_program(tmp_path: Path) -> None:
    shutil.copytree(voxstack.Registry.installed().addon("amber"), tmp_path / "amber")
    network = next((tmp_path / "amber").rglob("*.onnx"))
    network.write_bytes(b"")
    with program(tmp_path, voice=str(tmp_path / "amber")) as found:
        assert found.process.wait(60) == 1
        assert network.name in found.log.read_text()
        assert "a worker ended with the status 1" in found.log.read_text()


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command(parser)
    return parser.parse_args(arguments, argparse.Namespace(registry=None))


def test_limits_are_of_all_workers_together() -> None:
    shares = []
    for slot in range(3):
        options = parsed("--workers", "3", "--max-streams", "8", "--announce", "us")
        options.slot = slot
        take_share(options)
        shares.append((options.max_streams, options.budget, options.announce))
    assert shares == [(3, None, "us"), (3, None, None), (2, None, None)]
    options = parsed("--workers", "3", "--port", "0", "--max-streams", "2")
    with pytest.raises(voxstack.VoxstackError, match="--max-streams 2 is of all workers together; give at least 3"):
        options.run(options)


def test_a_port_in_use_is_stated_by_workers_too() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as another service with workers has it
        other.bind(("127.0.0.1", 0))
        other.listen()
        options = parsed("--workers", "2", "--port", str(other.getsockname()[1]))
        with pytest.raises(voxstack.VoxstackError, match="another program may use this port"):
            options.run(options)
