"""The contract from the command line: tables, JSON, exit statuses, and servers that are none."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from defects import Broken, Response
from serving import hosting

import voxstack
from voxstack_serve import Service
from voxstack_serve.app import build_app
from voxstack_serve.command import make_app
from voxstack_serve.contract import NotApplicable, Target, clauses
from voxstack_serve.contract.__main__ import main
from voxstack_serve.contract.sounds import decode

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def app(voices: voxstack.Voices) -> Any:
    return make_app(Service(voices, ["amber"]), ())


@pytest.fixture(scope="module")
def url(app: Any) -> Iterator[str]:
    with hosting(app) as address:
        yield address


def no_ids(response: Response) -> None:
    response.headers.pop("x-request-id", None)


def wav_by_default(response: Response) -> bytes | None:
    return b"RIFF\0\0\0\0WAVE" if response.speaks and "response_format" not in response.request else None


def test_a_server_that_is_right_has_the_status_0(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"{url}/v1/", "--only", "default-format"]) == 0
    written = capsys.readouterr()
    assert written.out.startswith("pass            must    openai.default-format-is-mp3  openai 3.57.0\n")
    assert written.out.endswith("1 pass, 0 fail, 0 not applicable\n")
    assert written.err == "wyoming: no address is given; use --wyoming HOST:PORT\n"


def test_clauses_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "default-format"]) == 0
    written = capsys.readouterr().out
    assert written == (
        "openai.default-format-is-mp3: Answer a request without response_format with MP3. (openai 3.57.0)\n"
    )
    assert all(clause.right and clause.clients for clause in clauses())


def test_a_failure_is_explained_and_has_the_status_1(app: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with hosting(Broken(app, wav_by_default)) as url:
        assert main([url, "--protocol", "openai", "--only", "default-format"]) == 1
    written = capsys.readouterr().out
    assert "openai.default-format-is-mp3: the bytes are wav: they begin with b'RIFF" in written
    assert "  right:     Answer a request without response_format with MP3.\n  needed by: openai 3.57.0\n" in written
    assert "  sent:      POST /v1/audio/speech {" in written
    assert "  came:      200, audio/mpeg: 12 bytes\n" in written


def test_what_is_not_essential_counts_if_that_is_wanted(app: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with hosting(Broken(app, no_ids)) as url:
        arguments = [url, "--protocol", "openai", "--only", "have-an-id"]
        assert (main(arguments), main([*arguments, "--strict"])) == (0, 1)
        capsys.readouterr()
        assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"] == {"fail": 1}
    assert (found["results"][0]["clause"], found["results"][0]["grade"]) == ("openai.responses-have-an-id", "should")
    assert len(found["results"][0]["sent"]) == len(found["results"][0]["came"]) == 3


def test_a_protocol_that_is_not_there_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    page = Route("/{path:path}", lambda request: HTMLResponse("<html></html>"))
    with hosting(Starlette(routes=[page])) as url:
        assert main([url]) == 2
        found = capsys.readouterr().err
        assert "openai: there is no POST /v1/audio/speech\n" in found
        assert "elevenlabs: there is no POST /v1/text-to-speech/alloy, and no WebSocket\n" in found
        assert main([url, "--protocol", "openai"]) == 1


def test_an_address_without_a_server_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert main([f"http://127.0.0.1:{port}", "--wyoming", f"127.0.0.1:{port}"]) == 2
    assert capsys.readouterr().err.count("the server cannot be reached: Connection refused") == 3


def test_a_server_that_talks_nonsense_fails_and_breaks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk_nonsense, args=(listener,), daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        assert main([f"http://127.0.0.1:{port}", "--timeout", "2"]) == 2
        assert "openai: the server does not answer in HTTP" in capsys.readouterr().err
        target = Target(f"http://127.0.0.1:{port}", wyoming=f"127.0.0.1:{port}", timeout=2)
        chosen = [each for each in clauses() if each.name.endswith(("mp3-is-mp3", "is-spoken", "-whole-text"))]
        outcomes = {each.name: each.try_at(target).outcome for each in chosen}
        assert set(outcomes.values()) == {"fail"}, outcomes


def talk_nonsense(listener: socket.socket) -> None:
    while True:
        try:
            connection = listener.accept()[0]
        except OSError:
            return
        with connection:
            connection.sendall(b"\x00\xff nonsense\r\n\r\n{}\n[1]\n" * 3)


@pytest.mark.parametrize("arguments", [["--protocol", "smtp"], ["--protocol", ""], ["--overload", "many"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as found:
        main(["http://127.0.0.1:1", *arguments])
    assert found.value.code == 2


def test_clauses_are_tests_in_pytest(url: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        from voxstack_serve.contract import Target, parametrize_with_clauses

        @parametrize_with_clauses("openai")
        def test_contract(clause):
            clause.require(Target({url!r}, voice="no-such-voice"))
        """
    )
    result = pytester.runpytest(
        "-q", "-k", "default-format or wrong-key or unknown-address-is", "-p", "no:cacheprovider"
    )
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*openai.default-format-is-mp3: the status is 400*", "*  needed by: openai 3.57.0*"])


def test_not_applicable_is_a_skip_for_unittest_too(url: str) -> None:
    import unittest

    (clause,) = (each for each in clauses("openai") if each.name == "openai.refuses-a-wrong-key")
    with pytest.raises(NotApplicable, match="give --key") as found:
        clause.require(Target(url))
    assert isinstance(found.value, unittest.SkipTest)


@pytest.mark.parametrize(
    ("content", "format", "problem"),
    [
        (b"RIFF\0\0\0\0WAVE", "wav", "no samples"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "wav", "does not state its format"),
        (b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff" + bytes(60), "wav", "no samples"),
        (b"\xff\xf1\x50\x80\x00\x00\x00\x00", "aac", "has 0 bytes"),
        (b"\xff\xf1\x50\x80\x7f\xff\xfc" + bytes(3), "aac", "not complete"),
        (b"fLaC" + bytes(40), "flac", "cannot be decoded"),
        (b"OggS" + bytes(60), "opus", "the bytes are ogg"),
        (b"abc", "pcm", "no whole number"),
        (b"{}", "mp3", "the bytes are pcm"),
    ],
)
def test_audio_that_cannot_be_decoded_is_named(content: bytes, format: str, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        decode(content, format)


def test_the_example_of_the_document_is_what_the_command_writes(
    voices: voxstack.Voices, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a server that sends the samples of a voice of 16 kHz as they are."""
    document = (Path(__file__).parents[1] / "CONTRACT.md").read_text("utf-8")
    with hosting(Broken(build_app(Service(voices, ["amber"])), third_sample_lost)) as url:
        assert main([url, "--protocol", "openai", "--voice", "amber", "--only", "pcm"]) == 1
    assert f"```\n{capsys.readouterr().out}```\n" in document


def third_sample_lost(response: Response) -> bytes | None:
    if not (response.speaks and response.request.get("response_format") == "pcm"):
        return None
    return b"".join(response.body[place : place + 4] for place in range(0, len(response.body) - 6, 6))
