"""WebSockets whose server stops: what was begun is spoken to its end, and nothing else begins."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from serving import serving, until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

import voxstack
from voxstack_serve import Service
from voxstack_serve.elevenlabs import routes

LONG = "A very long story that goes on and on, and never comes to its end. " * 20


@contextmanager
def stoppable(service: Service, address: str) -> Iterator[tuple[ClientConnection, Callable[[], None]]]:
    """Provide a connection, and a call that lets the server stop and returns when it has begun to."""
    with ExitStack() as stack:
        base = stack.enter_context(serving(service, routes=routes(service)))
        thread = Thread(target=stack.close)

        def stop() -> None:
            thread.start()
            until(lambda: not is_open(urlsplit(base).port))

        path = f"/v1/text-to-speech/amber/{address}?output_format=pcm_16000"
        with connect(base.replace("http", "ws") + path) as websocket:
            yield websocket, stop
            thread.join()


def is_open(port: int | None) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port or 0)):
        return True
    return False


def send(websocket: ClientConnection, **members: Any) -> None:
    websocket.send(json.dumps(members))


def rest(websocket: ClientConnection) -> list[dict[str, Any]]:
    return [json.loads(message) for message in websocket]


def samples(messages: list[dict[str, Any]]) -> int:
    return sum(len(base64.b64decode(message.get("audio") or "")) // 2 for message in messages)


def test_a_text_is_spoken_to_its_end(voices: voxstack.Voices) -> None:
    with stoppable(Service(voices, ["amber"]), "stream-input") as (websocket, stop):
        send(websocket, text=LONG, flush=True)
        first = json.loads(websocket.recv())
        stop()
        send(websocket, text="")
        messages = [first, *rest(websocket)]
    assert messages[-1]["isFinal"]
    assert samples(messages) == len(voices.synthesize("amber", [LONG]).samples)
    assert websocket.close_code == 1000


def test_contexts_that_run_end_and_others_are_refused(voices: voxstack.Voices) -> None:
    with stoppable(Service(voices, ["amber"]), "multi-stream-input") as (websocket, stop):
        send(websocket, text="Hello. ", context_id="a", flush=True)
        stop()
        send(websocket, text="Too late. ", context_id="b", flush=True)
        send(websocket, context_id="a", close_context=True)
        messages = []
        with suppress(ConnectionClosed):
            messages += iter(lambda: json.loads(websocket.recv()), None)
    assert [message["error"] for message in messages if message["contextId"] == "b"] == ["system_busy"]
    spoken = [message for message in messages if message["contextId"] == "a"]
    assert (samples(spoken), spoken[-1]["isFinal"]) == (len(voices.synthesize("amber", "Hello.").samples), True)
    assert websocket.close_code == 1012


def test_a_connection_without_a_context_is_closed_at_once(voices: voxstack.Voices) -> None:
    with stoppable(Service(voices, ["amber"]), "multi-stream-input") as (websocket, stop):
        stop()
        with pytest.raises(ConnectionClosed):
            websocket.recv(timeout=30)
    assert websocket.close_code == 1012
