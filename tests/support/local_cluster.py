"""A Ray cluster of several nodes on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OBJECT_STORE = 100_000_000
"""Bytes of memory of a node for objects, which a speech service does not use."""


@contextmanager
def local_cluster(nodes: int, cpus: float, **options: Any) -> Iterator[Any]:
    """Run a cluster, to which this process is connected, while the block inside runs; provide Ray's ``Cluster``."""
    from voxstack_serve_ray.environment import set_environment

    set_environment()
    import ray
    from ray.cluster_utils import Cluster

    found = Cluster()
    try:
        for number in range(nodes):
            head: dict[str, Any] = {"include_dashboard": False} if number == 0 else {}
            found.add_node(num_cpus=cpus, object_store_memory=OBJECT_STORE, **head, **options)
        ray.init(address=found.address, log_to_driver=False, logging_level=logging.WARNING)
        yield found
    finally:
        ray.shutdown()
        found.shutdown()
