"""The request that the code of a task works for, for logs and traces."""

from __future__ import annotations

import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field


def _request_id() -> str:
    return f"req_{uuid.uuid4().hex}"


@dataclass
class RequestInfo:
    """A request of a client.

    :param protocol: in which it came: ``openai``, ``elevenlabs`` or ``wyoming``; empty for others.
    :param format: of the audio.
    :param streams: that it has begun.
    :param status: of its response over HTTP, once that has begun.
    """

    id: str = field(default_factory=_request_id)
    protocol: str = ""
    format: str = ""
    streams: int = 0
    status: int = 0


_CURRENT: ContextVar[RequestInfo | None] = ContextVar("voxstack.serve.request", default=None)


def begin_request(protocol: str = "", format: str = "") -> RequestInfo:
    """Return a new request, which is that of this task, and of the tasks that it starts from now on."""
    request = RequestInfo(protocol=protocol, format=format)
    _CURRENT.set(request)
    return request


def current_request() -> RequestInfo:
    """Return the request that this task works for; outside any a new one, as for a call in Python."""
    return _CURRENT.get() or RequestInfo()


def describe_request(protocol: str, format: str) -> None:
    """State in which protocol the current request came, and which format it is for."""
    request = current_request()
    request.protocol, request.format = protocol, format
