"""The server that is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Target:
    """A server, and how to use it.

    :param url: such as ``http://127.0.0.1:8000``, with or without ``/v1``; empty: it has no HTTP.
    :param key: that the server requires; empty: none, and clauses about wrong keys do not apply.
    :param voice: a name that the server knows, for all protocols; OpenAI's names are tried besides.
    :param wyoming: ``host:port`` of its Wyoming protocol; empty: it has none.
    :param overload: number of long requests at once that are more than the server has capacity for; 0: refusals are not
        provoked.
    :param timeout: seconds in which each part of an answer comes.
    """

    url: str = ""
    key: str = ""
    voice: str = "alloy"
    wyoming: str = ""
    overload: int = 0
    timeout: float = 60.0

    @property
    def root(self) -> str:
        """The address without ``/v1``."""
        return self.url.rstrip("/").removesuffix("/v1")

    @property
    def sockets(self) -> str:
        """The address for WebSockets."""
        return "ws" + self.root.removeprefix("http")

    def wyoming_address(self) -> tuple[str, int]:
        """Return host and port of the Wyoming protocol."""
        place = urlsplit(f"//{self.wyoming.removeprefix('tcp://')}")
        return place.hostname or "127.0.0.1", place.port or 10200
