"""Clients of the speech service at the level of sockets, which read only what a test reads."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from typing import Any

HTTP_FORMATS = ("pcm", "wav", "flac", "mp3", "opus")
SOCKET_FORMATS = ("pcm_24000", "mp3_44100_64")
KINDS = (*HTTP_FORMATS, "events", *SOCKET_FORMATS, "wyoming")
"""Kinds of requests: formats over HTTP, MP3 in server-sent events, formats over WebSockets, and Wyoming."""


def connected(address: tuple[str, int], patience: float = 60.0) -> socket.socket:
    """Return a connection that waits for bytes for some seconds at most."""
    found = socket.create_connection(address, 60)
    found.settimeout(patience)
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found


def request(client: socket.socket, kind: str, text: str) -> None:
    """Request a text; of what comes, only the head of a WebSocket's response is read."""
    if kind in SOCKET_FORMATS:
        client.sendall(handshake(kind))
        read_head(client)
    client.sendall(request_bytes(kind, text))


def request_bytes(kind: str, text: str) -> bytes:
    """Return the bytes that request a text, after the handshake."""
    if kind == "wyoming":
        return wyoming_event({"text": text})
    if kind in SOCKET_FORMATS:
        return frame(json.dumps({"text": text, "flush": True, "context_id": "a"}).encode())
    keys = {"response_format": "mp3", "stream_format": "sse"} if kind == "events" else {"response_format": kind}
    return post({"input": text, **keys})


def leave(client: socket.socket, way: str) -> None:
    """Disconnect: ``FIN``, ``RST``, or ``half``: first in one direction, with some bytes read after it."""
    if way == "RST":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif way == "half":
        client.shutdown(socket.SHUT_WR)
        client.recv(10_000)
    client.close()


def read_head(client: socket.socket) -> bytes:
    """Read the head of a response, and nothing after it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := client.recv(1)):
        head += byte
    return head


def post(keys: dict[str, Any]) -> bytes:
    """Return a request for speech over HTTP."""
    body = json.dumps({"model": "m", "voice": "amber", **keys}).encode()
    head = f"POST /v1/audio/speech HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def handshake(output_format: str, path: str = "multi-stream-input") -> bytes:
    """Return the request that opens a WebSocket."""
    lines = (
        f"GET /v1/text-to-speech/amber/{path}?output_format={output_format} HTTP/1.1",
        "Host: test",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13\r\n\r\n",
    )
    return "\r\n".join(lines).encode()


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """Return a frame of a WebSocket, as clients send them; its mask is zero."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def wyoming_event(data: dict[str, Any], kind: str = "synthesize") -> bytes:
    """Return an event of Wyoming."""
    content = json.dumps(data).encode()
    return json.dumps({"type": kind, "data_length": len(content)}).encode() + b"\n" + content
