"""``voxstack serve``: a speech service."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from voxstack_serve.logs import FORMATS, configure_logging

if TYPE_CHECKING:
    import socket

    from starlette.applications import Starlette

    from voxstack import Registry
    from voxstack_serve.backend import Job, ServedVoices
    from voxstack_serve.service import Service
    from voxstack_serve.wyoming import WyomingServer

KEYS = "VOXSTACK_API_KEYS"
"""An environment variable with keys, separated by commas: arguments are visible to other users of a machine."""


class Worker(Protocol):
    """The connection of a worker to its supervisor; see :class:`voxstack_serve.worker.Connection`."""

    def prepare(self, service: Service) -> None: ...
    def report_ready(self, voices: Iterable[str]) -> None: ...
    async def follow(self, service: Service) -> None: ...


def command(parser: argparse.ArgumentParser) -> None:
    """Serve voices to the clients of OpenAI's speech API and of ElevenLabs' WebSockets.

    Runs until SIGINT or SIGTERM, which let running responses complete. Point a client at the address that is printed,
    with /v1 at its end.
    """
    add = parser.add_argument
    voices = "a voice: its name, a folder, a .zip, or a folder of voices, which may come and go; default: all installed"
    add("--voice", action="append", default=[], metavar="VOICE", help=voices)
    alias = "another name of a voice; OpenAI's names take the voices in turns"
    add("--alias", action="append", type=_alias, default=[], metavar="NAME=VOICE", help=alias)
    add("--host", default="127.0.0.1", help="address to listen at (default: %(default)s; 0.0.0.0: all of IPv4)")
    add("--port", type=_number(0, 65_535), default=8000, help="default: %(default)s; 0: a free one")
    keys = f"a key that requests have to carry; also in ${KEYS}, separated by commas (default: none is required)"
    add("--api-key", action="append", default=[], metavar="KEY", help=keys)
    context = "where networks run, for all voices: a name, or runtime:device"
    add("--context", metavar="CONTEXT", help=context)
    offered = "another context, which requests may name; each voice is loaded in it, too: a name, or runtime:device"
    add("--offer-context", action="append", default=[], metavar="CONTEXT", help=offered)
    add("--budget", type=_number(1), metavar="MB", help="limit of the memory of the loaded voices' networks")
    add("--max-characters", type=_number(1), default=100_000, metavar="N", help="of a text (default: %(default)s)")
    streams = "that run at once; default: as many as this machine synthesizes in real time"
    add("--max-streams", type=_number(1), metavar="N", help=streams)
    wyoming = (
        "also serve clients of the Wyoming protocol, such as Home Assistant, at this port, usually 10200; 0: a free one"
    )
    add("--wyoming-port", type=_number(0, 65_535), metavar="PORT", help=wyoming)
    announced = "announce that port on the local network under this name, by which Home Assistant finds it"
    add("--announce", metavar="NAME", help=announced)
    grace = "time in which running responses complete after SIGTERM (default: %(default)s)"
    add("--grace", type=_number(1), default=30, metavar="SECONDS", help=grace)
    idle = "unload voices that were not used for so long; the next request loads them again (default: never)"
    add("--idle-unload", type=_number(1), metavar="SECONDS", help=idle)
    drain = "time after SIGTERM in which /ready is 503 while requests are still accepted (default: %(default)s)"
    add("--drain", type=_number(0), default=0, metavar="SECONDS", help=drain)
    log = (
        "write a line to stderr for each stream and each other request, and warnings likewise (default: warnings only)"
    )
    add("--log-format", choices=FORMATS, help=log)
    workers = "processes that serve the same port, each with its copy of the voices (default: %(default)s; Linux only)"
    add("--workers", type=_number(1, 64), default=1, metavar="N", help=workers)
    pools = "synthesize on a Ray cluster, by the pools of replicas in a JSON file; without it, by one for all voices"
    add("--ray", nargs="?", const="", metavar="CONFIG", help=pools)
    add("--ray-address", metavar="ADDRESS", help="of that cluster; default: $RAY_ADDRESS, or that of this machine")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal, and return the exit status."""
    from voxstack_serve.server import listening_socket
    from voxstack_serve.workers import run_workers

    configure_logging(options.log_format)
    if options.workers > 1:
        run_workers(options, is_open(options))
    else:
        with listening_socket(options.host, options.port) as listener:
            serve(options, lambda: listener)
    return 0


def serve(options: argparse.Namespace, listen: Callable[[], socket.socket], worker: Worker | None = None) -> None:
    """Serve by this process until a signal.

    :param listen: returns the socket of the service.
    :param worker: the connection to the supervisor, if this process is one of several.
    """
    from voxstack import Registry
    from voxstack_serve.backend import open_backend
    from voxstack_serve.server import run as run_server
    from voxstack_serve.startup import load_voices

    registry = options.registry or Registry.installed()
    with open_backend(options, registry) as (voices, backend_jobs):
        service = make_service(options, voices, registry)
        service.readiness.state = "loading"
        wyoming = _wyoming(options, service)
        jobs: list[Job] = [*backend_jobs, partial(service.tend, options.idle_unload)]
        if worker is not None:
            worker.prepare(service)
            jobs.append(partial(worker.follow, service))
        listener = listen()
        on_ready = partial(_report_ready, options, listener, wyoming) if worker is None else worker.report_ready
        jobs.append(partial(load_voices, service, on_ready))
        stop = partial(service.readiness.stop, options.drain)
        run_server(make_app(service, keys_of(options)), listener, options.grace, wyoming, jobs=jobs, on_stop=stop)


def keys_of(options: argparse.Namespace) -> list[str]:
    """Return the keys of the service."""
    return [*options.api_key, *filter(None, os.environ.get(KEYS, "").split(","))]


def is_open(options: argparse.Namespace) -> bool:
    """Return whether other machines reach the service, and need no key."""
    return not keys_of(options) and options.host not in ("127.0.0.1", "localhost", "::1")


def _report_ready(
    options: argparse.Namespace, listener: socket.socket, wyoming: WyomingServer | None, voices: Iterable[str]
) -> None:
    from voxstack_serve.server import address_of
    from voxstack_serve.startup import report_ready

    place = None if wyoming is None else (wyoming.host, wyoming.port)
    report_ready(address_of(listener), voices, place, is_open(options))


def _wyoming(options: argparse.Namespace, service: Service) -> WyomingServer | None:
    """Return the server for clients of the Wyoming protocol, if there is to be one."""
    if options.wyoming_port is None:
        return None
    from voxstack_serve.wyoming import WyomingServer

    port, is_shared = options.wyoming_port, options.workers > 1
    return WyomingServer(service, options.host, port, grace=options.grace, announce=options.announce, shared=is_shared)


def make_app(service: Service, keys: Iterable[str]) -> Starlette:
    """Return the application with all protocols."""
    from voxstack_serve import elevenlabs
    from voxstack_serve.app import build_app

    return build_app(service, keys, elevenlabs.routes(service))


def make_service(options: argparse.Namespace, voices: ServedVoices, registry: Registry) -> Service:
    """Return the service that the options describe.

    :raises VoxstackError: if a voice does not exist, or there is no voice at all.
    """
    from voxstack import VoxstackError
    from voxstack_serve.limits import Limits
    from voxstack_serve.service import Service

    names = options.voice or sorted(registry.addons())
    limits = Limits(options.max_characters, options.max_streams)
    service = Service(
        voices, names, dict(options.alias), limits=limits, registry=registry, contexts=options.offer_context
    )
    if not service.voices():
        raise VoxstackError("there is no voice to serve; try: pip install voxstack-voice-amber, or give --voice FOLDER")
    for alias, _ in options.alias:
        service.resolve(alias)
    return service


def _alias(text: str) -> tuple[str, str]:
    name, found, voice = text.partition("=")
    if not (name and found and voice):
        raise argparse.ArgumentTypeError(f"{text!r} is no alias; write NAME=VOICE")
    return name, voice


def _number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a type of whole numbers for argparse."""

    def read(text: str) -> int:
        value = int(text) if text.strip().isascii() and text.strip().isdigit() else -1
        if value < least or (most is not None and value > most):
            bounds = f"of {least} or more" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"{text!r} is not valid; write a whole number {bounds}")
        return value

    return read
