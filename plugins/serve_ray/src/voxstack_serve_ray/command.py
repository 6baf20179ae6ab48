"""``voxstack deploy-ray``: pools of replicas on a Ray cluster, started or replaced while their streams go on."""

from __future__ import annotations

import argparse
import sys


def command(parser: argparse.ArgumentParser) -> None:
    """Start pools of replicas on a Ray cluster; replace the replicas of those that run there.

    New replicas take the streams that begin; those that run go on to their end, or for as long as the pool's "drain".
    """
    add = parser.add_argument
    add("config", nargs="?", metavar="CONFIG", help="a JSON file with pools; default: one replica for all voices")
    voices = "a voice to load: its name, a folder, a .zip, or a folder of voices; default: all installed"
    add("--voice", action="append", default=[], metavar="VOICE", help=voices)
    add("--ray-address", metavar="ADDRESS", help="of the cluster; default: $RAY_ADDRESS, or that of this machine")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Deploy, and return the exit status."""
    from voxstack import Registry
    from voxstack_serve_ray.connection import cluster, voices_of
    from voxstack_serve_ray.pools import Pool, read_pools

    registry = options.registry or Registry.installed()
    pools = read_pools(options.config) if options.config else [Pool()]
    warm = voices_of(pools, options.voice or sorted(registry.addons()), registry)
    with cluster(options.ray_address or "auto"):
        from voxstack_serve_ray.deployments import deploy

        deploy(pools, warm, renew=True)
    for pool in pools:
        print(f"{pool.name}: {', '.join(warm.get(pool.name, ())) or 'no voice'}", file=sys.stderr)
    return 0
