"""A server of the Wyoming protocol, which Home Assistant speaks: TCP, events as lines of JSON, and PCM."""

from __future__ import annotations

from voxstack_serve.wyoming.server import WyomingServer

__all__ = ["WyomingServer"]
