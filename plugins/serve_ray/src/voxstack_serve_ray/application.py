"""The service as an application of Ray Serve, behind Ray's own HTTP proxies: for ``serve run`` and RayService."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from voxstack import Registry, VoxstackError, did_you_mean
from voxstack_serve_ray.connection import voices_of
from voxstack_serve_ray.environment import SETTINGS
from voxstack_serve_ray.pools import Pool, parse_pools
from voxstack_serve_ray.remote_voices import RemoteVoices

if TYPE_CHECKING:
    from ray.serve import Application

KEYS = ("pools", "voices", "aliases", "api_keys", "max_characters", "proxies")
"""Keys of the arguments of :func:`build`."""

AHEAD = 2.0
"""Seconds of audio ahead of real time that a client gets: a proxy reads all at once, whatever its client does."""


def build(args: Mapping[str, Any]) -> Application:
    """Return the application.

    :param args: ``pools``, as in a file of pools; ``voices`` on offer, by default all that are installed; ``aliases``
        of voices; ``api_keys``, of which requests carry one; ``max_characters`` of a text; ``proxies``: the number of
        replicas that answer the clients, 1 by default.
    :raises VoxstackError: for bad arguments.
    """
    from ray import serve
    from ray.serve.schema import LoggingConfig

    from voxstack_serve_ray.deployments import MOST_CALLS, application_of

    for key in args:
        if key not in KEYS:
            raise VoxstackError(f"args: {key} is unknown{did_you_mean(key, KEYS, ', '.join(KEYS))}")
    pools = parse_pools({"pools": args.get("pools", {"default": {}})}, "args")
    registry = Registry.installed()
    warm = voices_of(pools, args.get("voices") or sorted(registry.addons()), registry)
    ingress = serve.deployment(
        serve.ingress(lambda: Ingress(dict(args), pools))(),
        name="voxstack",
        num_replicas=args.get("proxies", 1),
        max_ongoing_requests=MOST_CALLS,
        ray_actor_options={"num_cpus": 0.5, "runtime_env": {"env_vars": SETTINGS}},
        logging_config=LoggingConfig(enable_access_log=False),
    )
    return ingress.bind(*(application_of(pool, warm.get(pool.name, ())) for pool in pools))


class Ingress:
    """The application of ``voxstack serve``, whose voices are deployments of the same application of Ray Serve."""

    def __init__(self, args: Mapping[str, Any], pools: list[Pool]) -> None:
        from voxstack_serve import Limits, Service, build_app, elevenlabs

        registry = Registry.installed()
        self._voices = RemoteVoices(pools, _own_handle, AHEAD)
        names, limits = args.get("voices") or sorted(registry.addons()), Limits(args.get("max_characters", 100_000))
        service = Service(self._voices, names, args.get("aliases", {}), limits=limits, registry=registry)
        self._app = build_app(service, args.get("api_keys", ()), elevenlabs.routes(service))
        self._tending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        if self._tending is None:
            self._tending = asyncio.ensure_future(self._voices.tend())
        await self._app(scope, receive, send)


def _own_handle(pool: Pool) -> Any:
    """Return a handle of a pool in the application that this replica belongs to."""
    from ray import serve

    return serve.get_deployment_handle(pool.application, serve.get_replica_context().app_name)
