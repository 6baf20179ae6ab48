"""Clients that read slowly: how far audio may run ahead of what they have read."""

from __future__ import annotations

from voxstack_serve.backlog.pace import GROWTH, LEAST, MOST, Pace
from voxstack_serve.backlog.pings import PingPace, Pings
from voxstack_serve.backlog.tcp import TcpClient, TcpPace

__all__ = ["GROWTH", "LEAST", "MOST", "Pace", "PingPace", "Pings", "TcpClient", "TcpPace"]
