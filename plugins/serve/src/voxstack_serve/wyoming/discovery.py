"""The announcement of a server on the local network, by which Home Assistant discovers it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Self

from voxstack import PluginError, RequestError

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

TYPE = "_wyoming._tcp.local."
_GROUP = "224.0.0.251"  # of multicast DNS


class Announcement:
    """A server that is announced by multicast DNS."""

    def __init__(self, zeroconf: AsyncZeroconf, service: AsyncServiceInfo, broadcast: Awaitable[object]) -> None:
        self._zeroconf, self._service = zeroconf, service
        self._broadcast = broadcast  # repeats the announcement for some seconds

    @classmethod
    async def make(cls, name: str, host: str, port: int) -> Self:
        """Announce a server.

        :param host: the address on which it listens; if that is any address, the one of this machine is announced.
        :raises PluginError: if zeroconf is not installed.
        :raises RequestError: if the name is taken or not allowed, or the network takes no announcements.
        """
        try:
            from zeroconf import Error, InterfaceChoice
            from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
        except ImportError:
            raise PluginError("announcing a server takes zeroconf; try: pip install voxstack-serve[zeroconf]") from None
        zeroconf: AsyncZeroconf | None = None
        try:
            address, is_own = _address(host)
            service = AsyncServiceInfo(TYPE, f"{name}.{TYPE}", parsed_addresses=[address], port=port)
            zeroconf = AsyncZeroconf([address] if is_own else InterfaceChoice.Default)
            broadcast = await zeroconf.async_register_service(service)
        except (OSError, Error) as error:
            if zeroconf is not None:
                await zeroconf.async_close()
            reason = str(error) or type(error).__name__
            raise RequestError(f"cannot announce {name!r} on {host}: {reason}; choose another name, or none") from None
        return cls(zeroconf, service, broadcast)

    async def withdraw(self) -> None:
        """Withdraw the announcement."""
        try:
            await self._broadcast
            await (await self._zeroconf.async_unregister_service(self._service))
        finally:
            await self._zeroconf.async_close()


def _address(host: str) -> tuple[str, bool]:
    """Return the address at which others find a server that listens on a host, and whether it is the only one."""
    found = socket.getaddrinfo(host or "0.0.0.0", None, type=socket.SOCK_DGRAM)[0][4][0]
    if not ipaddress.ip_address(found).is_unspecified:
        return str(found), True
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((_GROUP, 1))  # sends nothing; the system chooses the interface
        return str(probe.getsockname()[0]), False
