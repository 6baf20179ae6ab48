"""The announcement of the Wyoming server, on the loopback interface."""

from __future__ import annotations

import asyncio
import ipaddress
import sys

import pytest
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from voxstack import PluginError, RequestError, Voices
from voxstack_serve import Service
from voxstack_serve.wyoming import WyomingServer
from voxstack_serve.wyoming.discovery import TYPE, _address


def server(name: str) -> WyomingServer:
    return WyomingServer(Service(Voices(), ["amber"]), port=0, announce=name)


def test_a_server_is_discovered_until_it_stops() -> None:
    async def main() -> None:
        found: asyncio.Queue[tuple[str, ServiceStateChange]] = asyncio.Queue()

        def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
            found.put_nowait((name, state_change))

        zeroconf = AsyncZeroconf(["127.0.0.1"])
        browser = AsyncServiceBrowser(zeroconf.zeroconf, TYPE, handlers=[changed])
        try:
            async with server("voxstack test") as running:
                name, change = await asyncio.wait_for(found.get(), 20)
                assert (name, change) == (f"voxstack test.{TYPE}", ServiceStateChange.Added)
                info = AsyncServiceInfo(TYPE, name)
                assert await info.async_request(zeroconf.zeroconf, 5000)
                assert (info.parsed_addresses(), info.port) == (["127.0.0.1"], running.port)
            while (await asyncio.wait_for(found.get(), 20))[1] != ServiceStateChange.Removed:
                pass
        finally:
            await browser.async_cancel()
            await zeroconf.async_close()

    asyncio.run(main())


def test_a_server_on_any_address_is_announced_under_one_of_this_machine() -> None:
    assert _address("localhost") == ("127.0.0.1", True)
    for host in ("0.0.0.0", "::", ""):
        try:
            address, is_own = _address(host)
        except OSError as error:
            pytest.skip(f"this machine has no network: {error}")
        assert not is_own
        assert not ipaddress.ip_address(address).is_unspecified


def test_a_name_that_is_not_allowed_is_an_error() -> None:
    with pytest.raises(RequestError, match=r"cannot announce .* on 127.0.0.1: .*; choose another name, or none"):
        asyncio.run(server("x" * 300).start())


def test_zeroconf_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(PluginError, match=r"pip install voxstack-serve\[zeroconf\]"):
        asyncio.run(server("voxstack test").start())
