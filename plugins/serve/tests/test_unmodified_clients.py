"""Unmodified pipecat, LiveKit and ElevenLabs clients hear the speech of the call, and send what the contract has.

python -m venv clients && clients/bin/pip install -r plugins/serve/tests/clients.txt
VOXSTACK_CLIENTS_PYTHON=clients/bin/python pytest plugins/serve/tests/test_unmodified_clients.py
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
import soxr
from defects import Broken, Changed, Response, State
from serving import hosting
from unmodified_clients import SENTENCES, TEXT

import voxstack
from voxstack import Chunk
from voxstack_serve import Service
from voxstack_serve.command import make_app
from voxstack_serve.contract import sequences

PYTHON = os.environ.get("VOXSTACK_CLIENTS_PYTHON", "")
PROGRAM = Path(__file__).parents[3] / "tests" / "support" / "unmodified_clients.py"
KEY = "secret"

pytestmark = pytest.mark.skipif(
    not PYTHON, reason="other software: pip install -r plugins/serve/tests/clients.txt, and set VOXSTACK_CLIENTS_PYTHON"
)


class Recorder:
    """A server that also records what clients send: bodies over HTTP, and messages and parameters of WebSockets."""

    def __init__(self, service: Service) -> None:
        app, self.service = make_app(service, [KEY]), service
        self.bodies: list[Any] = []
        self.messages: list[Any] = []
        self.queries: list[dict[str, str]] = []
        recorded = Changed(app, came=self._message, query=self._query)
        self._whole = Broken(recorded, self._response)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._whole(scope, receive, send)

    def _response(self, response: Response) -> None:
        if response.method == "POST":
            self.bodies.append(response.request)

    def _message(self, message: Any, state: State) -> list[Any]:
        self.messages.append(message)
        return [message]

    def _query(self, query: str) -> str:
        self.queries.append(dict(parse_qsl(query)))
        return query


@pytest.fixture
def recorder(voices: voxstack.Voices) -> Recorder:
    return Recorder(Service(voices, ["amber", "cobalt"]))


@pytest.fixture
def url(recorder: Recorder) -> Iterator[str]:
    with hosting(recorder) as address:
        yield address


def run(client: str, url: str, voice: str = "amber") -> Any:
    """Return what a client received."""
    command = [PYTHON, str(PROGRAM), client, url, KEY, voice]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def expected(voices: voxstack.Voices, texts: list[str]) -> tuple[bytes, list[float]]:
    """Return texts as pcm at 24 kHz, resampled as one stream, and the starts of words in seconds."""
    speeches = [voices.synthesize("amber", text) for text in texts]
    samples = soxr.resample(np.concatenate([speech.samples for speech in speeches]), 16_000, 24_000, "HQ")
    offsets = np.cumsum([0.0, *(speech.duration for speech in speeches)])
    starts = [offset + word.start for offset, speech in zip(offsets, speeches, strict=False) for word in speech.words]
    return Chunk(samples, 0).pcm16(), starts


def check_words(found: list[Any], starts: list[float], unit: float = 1.0) -> None:
    """Check words and times, which begin anywhere, as a pipeline's clock does."""
    assert [word for word, _ in found] == TEXT.split()
    times = np.array([time * unit for _, time in found])
    np.testing.assert_allclose(times - times[0], np.array(starts) - starts[0], atol=0.005)


def test_pipecat_speaks_by_openai(url: str, recorder: Recorder, voices: voxstack.Voices) -> None:
    found = run("pipecat_openai", url, "alloy")
    assert found["errors"] == []
    assert recorder.bodies == [sequences.pipecat_speech(sentence, "alloy") for sentence in SENTENCES]
    assert base64.b64decode(found["pcm"]) == b"".join(expected(voices, [sentence])[0] for sentence in SENTENCES)


def test_livekit_speaks_by_openai(url: str, recorder: Recorder, voices: voxstack.Voices) -> None:
    found = run("livekit_openai", url)
    assert recorder.bodies == [sequences.livekit_speech(TEXT, "amber")]
    assert found["rate"] == 24_000
    assert 0 <= found["seconds"] - voices.synthesize("amber", TEXT).duration < 0.2


def test_pipecat_speaks_by_the_socket(url: str, recorder: Recorder, voices: voxstack.Voices) -> None:
    found = run("pipecat_elevenlabs", url)
    context = recorder.messages[0]["context_id"]
    assert recorder.queries == [sequences.pipecat_query()]
    assert recorder.messages == [*sequences.pipecat_turn(context, SENTENCES), {"close_socket": True}]
    audio, starts = expected(voices, SENTENCES)
    assert (found["errors"], base64.b64decode(found["pcm"]) == audio) == ([], True)
    check_words(found["words"], starts, 1e-9)


def test_pipecat_interrupts_the_socket(url: str, recorder: Recorder) -> None:
    found = run("pipecat_interrupted", url)
    context = recorder.messages[0]["context_id"]
    texts = [message for message in recorder.messages if message.get("text", "").strip()]
    assert recorder.messages[1 : len(texts) + 1] == texts
    assert recorder.messages[len(texts) + 1 :][:1] == [sequences.pipecat_close(context)], "without a flush before it"
    assert found["errors"] == []
    assert 0 < found["seconds"] < 300, "of ten minutes"
    assert recorder.service.metrics.value("voxstack_streams_total", {"voice": "amber", "outcome": "cancelled"}) == 1
    assert recorder.service.limits.running == 0


@pytest.mark.parametrize("encoding", ["mp3_22050_32", "pcm_24000"])
def test_livekit_speaks_by_the_socket(url: str, recorder: Recorder, voices: voxstack.Voices, encoding: str) -> None:
    found = run("livekit_elevenlabs" if encoding.startswith("mp3") else "livekit_elevenlabs_pcm", url)
    context = recorder.messages[0]["context_id"]
    assert recorder.queries == [sequences.livekit_query(encoding)]
    texts = [message["text"].strip() for message in recorder.messages[1:-2]]
    assert " ".join(texts) == TEXT
    assert recorder.messages == sequences.livekit_turn(context, texts)
    audio, starts = expected(voices, texts)
    assert 0 <= found["seconds"] - len(audio) / 48_000 < 0.2
    if encoding == "pcm_24000":
        assert base64.b64decode(found["pcm"])[: len(audio)] == audio
    check_words(found["words"], starts)


def test_pipecat_speaks_over_http(url: str, recorder: Recorder, voices: voxstack.Voices) -> None:
    found = run("pipecat_elevenlabs_http", url)
    assert [body["text"] for body in recorder.bodies] == SENTENCES
    assert found["errors"] == []
    assert base64.b64decode(found["pcm"]) == b"".join(expected(voices, [sentence])[0] for sentence in SENTENCES)
    check_words(found["words"], expected(voices, SENTENCES)[1], 1e-9)


def test_livekit_speaks_over_http(url: str, voices: voxstack.Voices) -> None:
    found = run("livekit_elevenlabs_whole", url)
    audio = expected(voices, [TEXT])[0]
    assert base64.b64decode(found["pcm"])[: len(audio)] == audio
    assert found["voices"] == ["amber", "cobalt"]


def test_the_official_client_speaks_by_the_socket(url: str, recorder: Recorder, voices: voxstack.Voices) -> None:
    found = run("elevenlabs_realtime", url)
    parts = [message["text"] for message in recorder.messages[1:-1]]
    assert recorder.messages == sequences.elevenlabs_turn(parts)
    assert base64.b64decode(found["pcm"]) == expected(voices, [TEXT])[0]


def test_the_official_client_speaks_over_http(url: str, voices: voxstack.Voices) -> None:
    found = run("elevenlabs_requests", url)
    audio = expected(voices, [TEXT])[0]
    for name in ("convert", "stream", "timed", "lines"):
        assert base64.b64decode(found[name]) == audio, name
    assert found["characters"] == [TEXT, TEXT]
    assert (found["voices"], found["search"], found["voice"]) == (["amber", "cobalt"], ["amber"], "amber")
    assert found["models"]
