from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from loop_thread import LoopThread

import voxstack
from voxstack_serve_ray.pools import Bounds, Pool
from voxstack_serve_ray.remote_voices import RemoteVoices

POOL = Pool(voices=("amber",), replicas=Bounds(3, 3), cpus=0.3, drain=60.0)

PROXY = 8465
"""The port of Ray's proxy."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Run two nodes on this machine, with the pool of the tests; the address of the first is provided."""
    pytest.importorskip("ray", reason="other software: pip install -r plugins/serve_ray/tests/ray.txt")
    from local_cluster import local_cluster

    with local_cluster(nodes=2, cpus=1) as found:
        logging.getLogger("ray.serve").setLevel(logging.WARNING)
        from ray import serve

        from voxstack_serve_ray.deployments import deploy

        serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": PROXY})
        deploy([POOL], {POOL.name: ["amber"]})
        yield found.address


@pytest.fixture(scope="session")
def runner(cluster: str) -> Iterator[LoopThread]:
    """Provide the event loop that the handles belong to."""
    with LoopThread() as found:
        yield found


@pytest.fixture(scope="session")
def voices(runner: LoopThread) -> RemoteVoices:
    from voxstack_serve_ray.connection import handle_of

    return RemoteVoices([POOL], handle_of)


@pytest.fixture(scope="session")
def amber() -> voxstack.Voice:
    return voxstack.load("amber")
