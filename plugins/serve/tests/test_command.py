"""``voxstack serve`` as a program."""

from __future__ import annotations

import argparse
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from voxstack import Registry, VoxstackError
from voxstack_serve.command import command

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps. " * 40


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command(parser)
    return parser.parse_args(arguments, argparse.Namespace(registry=Registry.installed()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--voice", "ambr"], "did you mean 'amber'"),
        (["--voice", "prism"], "there is no voice to serve"),
        (["--voice", "amber", "--offer-context", "opnvino"], "no context named 'opnvino'; did you mean 'openvino'"),
        (["--voice", "amber", "--alias", "anna=ambr"], "there is no voice named 'ambr'; did you mean 'amber'"),
        (["--host", "256.0.0.1"], "--host 256.0.0.1: .*; give an address of this machine"),
        (["--host", "192.0.2.1"], "cannot listen at 192.0.2.1:0"),
    ],
)
def test_what_is_wrong_is_stated(arguments: list[str], message: str) -> None:
    options = parsed("--port", "0", *arguments)
    with pytest.raises(VoxstackError, match=message):
        options.run(options)


def test_a_port_in_use_is_stated() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        options = parsed("--voice", "amber", "--port", str(other.getsockname()[1]))
        with pytest.raises(VoxstackError, match=r"in use; another program may use this port; give another --port"):
            options.run(options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "write a whole number from 0 to 65535"),
        (["--max-streams", "0"], "write a whole number of 1 or more"),
        (["--alias", "anna"], "write NAME=VOICE"),
    ],
)
def test_bad_arguments_are_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*arguments)
    assert message in capsys.readouterr().err


def test_sigterm_lets_running_responses_complete(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", "amber", "--port", "0", "--api-key", "k"]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            host, port = address(process.stderr)
            connection = http.client.HTTPConnection(host, port, timeout=60)
            body = {"model": "m", "voice": "amber", "input": TEXT, "response_format": "pcm"}
            connection.request("POST", "/v1/audio/speech", json.dumps(body), {"authorization": "Bearer k"})
            response = connection.getresponse()
            received = len(response.read(1000))
            process.send_signal(signal.SIGTERM)
            until_refused(host, port)
            received += len(response.read())  # raises IncompleteRead if the body breaks
            assert received > 48_000 * 60
            assert process.wait(30) == 128 + signal.SIGTERM
        finally:
            process.kill()


def test_both_servers_run_and_end_together() -> None:
    program = [sys.executable, "-m", "voxstack_cli", "serve", "--voice", "amber", "--port", "0", "--wyoming-port", "0"]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            host, port = address(process.stderr)
            found = re.match(r"tcp://(.*):(\d+) serves clients of Wyoming", process.stderr.readline())
            assert found
            with socket.create_connection((found[1], int(found[2])), timeout=60) as connection:
                connection.sendall(b'{"type": "describe"}\n')
                assert b'"info"' in connection.makefile("rb").readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 128 + signal.SIGTERM
            until_refused(host, port)
            until_refused(found[1], int(found[2]))
        finally:
            process.kill()


def address(lines: Any) -> tuple[str, int]:
    """Return the address that the program prints when it is ready."""
    for line in lines:
        if found := re.match(r"http://(.*):(\d+) serves amber", line):
            return found[1], int(found[2])
    raise AssertionError("it ended without an address")


def until_refused(host: str, port: int) -> None:
    """Wait until a port accepts no connections."""
    while True:
        try:
            socket.create_connection((host, port), timeout=60).close()
        except OSError:
            return
