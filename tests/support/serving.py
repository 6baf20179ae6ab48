"""Servers of the speech service on the loopback device."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from voxstack_serve import Service
from voxstack_serve.app import build_app
from voxstack_serve.server import address_of, listening_socket, make_server


@contextmanager
def serving(service: Service, **options: Any) -> Iterator[str]:
    """Serve on a free port of the loopback device, by a thread; provide the address."""
    with hosting(build_app(service, **options)) as address:
        yield address


@contextmanager
def hosting(app: Any) -> Iterator[str]:
    """Serve an ASGI application in the same way."""
    with listening_socket("127.0.0.1", 0) as listener:
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join()


def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.01)
