"""The state of a TCP connection, as Linux reports it."""

from __future__ import annotations

import socket
import struct
import sys
from typing import NamedTuple

_LAST_ACK, _RETRANSMITTED, _ACKED, _SEGMENTS_IN, _LEAST_TRIP, _WINDOW = 56, 100, 120, 140, 148, 228
"""Where fields of the kernel's ``tcp_info`` begin; it grows at its end only, and has the last since Linux 6.2."""

_SIZE = 232


class TcpInfo(NamedTuple):
    """The state of a connection.

    :param waiting: bytes that the system has and the peer has not acknowledged.
    :param acknowledged: bytes that it has, since the connection was made.
    :param window: bytes that it had room for when it last acknowledged any.
    :param segments: received from it.
    :param silence: seconds since the last acknowledgement.
    :param retransmitted: segments that were sent again.
    :param trip: least seconds of a round trip.
    """

    waiting: int
    acknowledged: int
    window: int
    segments: int
    silence: float
    retransmitted: int
    trip: float

    @classmethod
    def of(cls, connection: socket.socket) -> TcpInfo | None:
        """Return the state of a connection, or None if this system does not report it, or the connection is closed."""
        if sys.platform != "linux" or connection.family not in (socket.AF_INET, socket.AF_INET6):
            return None
        import fcntl
        import termios

        try:
            found = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _SIZE)
            waiting = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError):  # it is closed
            return None
        if len(found) < _SIZE:
            return None
        return cls(
            _number("i", waiting, 0),
            _number("Q", found, _ACKED),
            _number("I", found, _WINDOW),
            _number("I", found, _SEGMENTS_IN),
            _number("I", found, _LAST_ACK) / 1e3,
            _number("I", found, _RETRANSMITTED),
            _number("I", found, _LEAST_TRIP) / 1e6,
        )


def _number(kind: str, source: bytes, offset: int) -> int:
    value: int = struct.unpack_from(f"={kind}", source, offset)[0]
    return value
