"""A service by several processes."""

from __future__ import annotations

import argparse
import socket
import sys
from contextlib import ExitStack

from voxstack import VoxstackError
from voxstack_serve.server import address_of, listening_socket
from voxstack_serve.startup import report, report_ready
from voxstack_serve.supervisor import Supervisor


def run_workers(options: argparse.Namespace, is_open: bool) -> None:
    """Serve by several processes until a signal.

    :param is_open: whether other machines reach the service, and need no key.
    :raises VoxstackError: if that is not possible on this system, or with these options.
    """
    _check(options)
    with ExitStack() as stack:
        reserved = stack.enter_context(_reserved(options.host, options.port))
        options.port, wyoming = reserved.getsockname()[1], None
        if options.wyoming_port is not None:
            other = stack.enter_context(_reserved(options.host, options.wyoming_port))
            options.wyoming_port = other.getsockname()[1]
            wyoming = options.host, options.wyoming_port

        def on_ready(voices: list[str]) -> None:
            report_ready(address_of(reserved), voices, wyoming, is_open)

        shared = {name: value for name, value in vars(options).items() if name != "run"}
        Supervisor(options.workers, shared, options.grace + options.drain, report, on_ready).run()


def _check(options: argparse.Namespace) -> None:
    if sys.platform != "linux":
        advice = "start several services at ports of their own, behind a proxy"
        raise VoxstackError(f"--workers {options.workers}: only Linux spreads connections over processes; {advice}")
    if options.registry is not None:
        raise VoxstackError("--workers: processes start with the installed plugins, not with a registry of a program")
    for name in ("max_streams", "budget"):
        if (total := getattr(options, name)) is not None and total < options.workers:
            flag = f"--{name.replace('_', '-')}"
            raise VoxstackError(f"{flag} {total} is of all workers together; give at least {options.workers}")


def _reserved(host: str, port: int) -> socket.socket:
    """Return a socket that holds a port for the workers, which listen there, as this one does not.

    :raises VoxstackError: if other programs use the port.
    """
    with listening_socket(host, port) as probe:  # alone, as the next one would share the port with another service
        family, address = probe.family, probe.getsockname()
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(address)
    return found
