"""Deployments of pools on a Ray cluster."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from voxstack import VoxstackError
from voxstack_serve_ray.environment import SETTINGS
from voxstack_serve_ray.pools import Pool
from voxstack_serve_ray.replica import SpeechReplica

if TYPE_CHECKING:
    from ray.serve import Application

MOST_CALLS = 10_000
"""Calls that a replica takes at once. Its scheduler refuses streams long before: here they would wait."""

PAUSE = 0.2
"""Seconds between two looks at an application that is being started."""

STATS_PERIOD = 0.5
"""Seconds after which replicas report what requests are routed by."""


def application_of(pool: Pool, warm: Sequence[str]) -> Application:
    """Return the application of a pool, for ``serve.run`` or to be bound to an ingress.

    :param warm: voices that each replica loads before it takes requests.
    """
    from ray import serve
    from ray.serve.config import RequestRouterConfig
    from ray.serve.schema import LoggingConfig

    environment = {**pool.runtime_env, "env_vars": {**SETTINGS, **pool.runtime_env.get("env_vars", {})}}
    options: dict[str, Any] = {"num_cpus": pool.cpus, "num_gpus": pool.gpus, "runtime_env": environment}
    deployment = serve.deployment(
        SpeechReplica,
        name=pool.application,
        max_ongoing_requests=MOST_CALLS,
        ray_actor_options={**options, **({"resources": dict(pool.resources)} if pool.resources else {})},
        graceful_shutdown_wait_loop_s=0.5,
        graceful_shutdown_timeout_s=pool.drain,
        health_check_period_s=2,
        health_check_timeout_s=10,
        request_router_config=RequestRouterConfig(
            request_router_class="voxstack_serve_ray.routing:VoiceRouter", request_routing_stats_period_s=STATS_PERIOD
        ),
        logging_config=LoggingConfig(enable_access_log=False),
        **_scaling(pool),
    )
    workers = max(1, math.ceil(pool.cpus))
    budget = None if pool.budget is None else pool.budget * 10**6
    return deployment.bind(warm=list(warm), budget=budget, context=pool.context, workers=workers)


def _scaling(pool: Pool) -> Mapping[str, Any]:
    from ray.serve.config import AutoscalingConfig, AutoscalingPolicy

    bounds = pool.replicas
    if bounds.min == bounds.max:
        return {"num_replicas": bounds.min}
    policy = AutoscalingPolicy(
        policy_function="voxstack_serve_ray.scaling:LoadPolicy", policy_kwargs={"load": bounds.load}
    )
    scaling = AutoscalingConfig(
        min_replicas=bounds.min,
        max_replicas=bounds.max,
        upscale_delay_s=bounds.up_after,
        downscale_delay_s=bounds.down_after,
        metrics_interval_s=1,
        look_back_period_s=3,
        policy=policy,
    )
    return {"autoscaling_config": scaling}


def deploy(pools: Sequence[Pool], warm: Mapping[str, Sequence[str]], renew: bool = False) -> None:
    """Run pools on the cluster of this process, and wait until their replicas have loaded their voices.

    :param warm: voices to load, by pool.
    :param renew: whether to replace the replicas of pools that run already, as well; their streams go on.
    :raises VoxstackError: if a pool does not start.
    """
    from ray import serve

    serve.start(proxy_location="Disabled")  # of a Serve that runs, nothing changes
    for pool in pools:
        if not renew and _is_there(pool.application):
            continue
        try:
            serve.run(application_of(pool, warm.get(pool.name, ())), name=pool.application, route_prefix=None)
        except RuntimeError as error:  # Ray's own, with the log of the replica
            raise VoxstackError(f"the pool {pool.name} does not start: {error}") from error


def _is_there(name: str) -> bool:
    """Return whether an application runs, after the time that it needs if it is being started."""
    from ray import serve

    while (found := serve.status().applications.get(name)) is not None and found.status in ("NOT_STARTED", "DEPLOYING"):
        time.sleep(PAUSE)
    return found is not None and found.status in ("RUNNING", "UNHEALTHY")
