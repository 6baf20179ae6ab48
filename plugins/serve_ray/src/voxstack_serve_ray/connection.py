"""The connection of a speech service to a Ray cluster: ``voxstack serve --ray``."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from voxstack import Registry, VoxstackError
from voxstack_addon_spec import parse_context
from voxstack_serve.backend import Backend
from voxstack_serve.catalogue import Catalogue
from voxstack_serve_ray.environment import set_environment
from voxstack_serve_ray.pools import Pool, pool_of, read_pools
from voxstack_serve_ray.remote_voices import RemoteVoices

CONNECT = 5.0
"""Seconds in which a cluster answers."""

ADVICE = "start a cluster by `ray start --head`, or give the address of one as --ray-address"


@contextlib.contextmanager
def connect(options: argparse.Namespace, registry: Registry) -> Iterator[Backend]:
    """Provide the voices of a cluster, whose pools are started unless they run there.

    :param options: of ``voxstack serve``.
    :raises VoxstackError: if there is no cluster, or a pool does not start.
    """
    pools = read_pools(options.ray) if options.ray else [_default_pool(options)]
    warm = voices_of(pools, options.voice or sorted(registry.addons()), registry)
    with cluster(options.ray_address):
        from voxstack_serve_ray.deployments import deploy

        deploy(pools, warm)
        voices = RemoteVoices(pools, handle_of)
        yield Backend(voices, [voices.tend])


def _default_pool(options: argparse.Namespace) -> Pool:
    context = None if options.context is None else parse_context(options.context)
    return Pool(context=context, budget=options.budget)


def voices_of(pools: Sequence[Pool], names: Sequence[str], registry: Registry) -> Mapping[str, Sequence[str]]:
    """Return the voices on offer by the name of their pool.

    :raises RequestError: if one has no pool.
    """
    found: dict[str, list[str]] = {}
    for offer in Catalogue(names, registry).offers().values():
        found.setdefault(pool_of(offer.source, pools).name, []).append(offer.source)
    return found


@contextlib.contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Connect this process to a cluster, or start one on this machine, which ends with the block inside.

    :param address: of the cluster; None: that of ``RAY_ADDRESS``, or one that runs on this machine.
    :raises VoxstackError: if it cannot be reached.
    """
    set_environment()
    try:
        import ray
    except ImportError as error:
        raise VoxstackError(f"Ray cannot be imported ({error}); try: pip install 'voxstack-serve-ray[ray]'") from error
    _check_address(address)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING, include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"--ray-address {address}" if address else "Ray"
        raise VoxstackError(f"{where}: {error}; {ADVICE}") from error
    with contextlib.suppress(ValueError):  # this is not the main thread
        signal.signal(signal.SIGTERM, handler)  # Ray's own would end the program with another status
    try:
        yield
    finally:
        ray.shutdown()


def _check_address(address: str | None) -> None:
    """Check that something listens there: Ray itself tries for minutes.

    :raises VoxstackError: if nothing does.
    """
    host, found, port = (address or os.environ.get("RAY_ADDRESS", "")).rpartition(":")
    if not (found and port.isdigit()) or "/" in host:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT).close()
    except OSError as error:
        raise VoxstackError(f"no Ray cluster answers at {host}:{port} ({error}); {ADVICE}") from error


def handle_of(pool: Pool) -> Any:
    """Return a handle of the replicas of a pool, for the running event loop."""
    from ray import serve

    return serve.get_deployment_handle(pool.application, pool.application)
