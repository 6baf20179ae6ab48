"""Batching: calls of concurrent streams to one network, run as one."""

from __future__ import annotations

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import fixed_axes
from voxstack.streaming.turn import available_cores
from voxstack_batching.network import MOST_STEPS, BatchingNetwork, is_batchable

MOST_ERROR = 1e-5
"""How far a row in a batch may be from the row alone, of its scale; networks that were measured to be further stay alone."""

__all__ = ["MOST_ERROR", "MOST_STEPS", "BatchingNetwork", "voxstack_wrap_network"]


@voxstack.hookimpl
def voxstack_wrap_network(network: Runner, spec: NetworkSpec, context: Context) -> Runner | None:
    """Run calls as one if the context's ``batch`` asks for it, every output of the network has a batch axis, and a batch gives what
    single calls give.

    Where the context fixes the sizes of the network, no more calls are joined than its largest batch has rows; that is one, unless
    the context says otherwise, and nothing is joined then. Autoregressive networks are left alone: the block that makes their steps
    joins streams for many steps at a time.
    """
    if (
        context.batch == 1
        or spec.autoregressive is not None
        or not is_batchable(spec)
        or (spec.batch_error or 0.0) > MOST_ERROR
    ):
        return None
    rows = fixed_axes(spec, context).get("batch", (context.batch,))
    most = min(context.batch, rows[-1])
    return BatchingNetwork(network, spec, most, _lanes(context)) if most > 1 else None


def _lanes(context: Context) -> int:
    """How many calls of one network compute at once before others wait.

    An accelerator does one thing after the other. On the processor one worker is left to gather what is run next; with a call on
    every worker, streams would wait for turns, where nothing can be gathered.
    """
    return max(1, available_cores() - 1) if context.device.lower() == "cpu" else 1
