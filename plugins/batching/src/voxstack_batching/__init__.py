"""Batching of the calls that concurrent streams make to one network."""

from __future__ import annotations

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import fixed_axes
from voxstack.streaming.turn import available_cores
from voxstack_batching.network import MAX_STEPS, BatchingNetwork, is_batchable

MAX_BATCH_ERROR = 1e-5
"""Difference between a row alone and in a batch, relative to its scale, above which a network is not batched."""

__all__ = ["MAX_BATCH_ERROR", "MAX_STEPS", "BatchingNetwork", "voxstack_wrap_network"]


@voxstack.hookimpl
def voxstack_wrap_network(network: Runner, spec: NetworkSpec, context: Context) -> Runner | None:
    """Batch concurrent calls, if the context's ``batch`` asks for it and a batch yields what single calls yield.

    Every output of the network must have a batch axis. Where the context fixes the sizes of the network, no more calls
    are joined than its largest batch has rows; that is one unless the context says otherwise, and then nothing is
    joined. Autoregressive networks are left unwrapped: the block that runs their steps joins streams for many steps at
    a time.
    """
    if (
        context.batch == 1
        or spec.autoregressive is not None
        or not is_batchable(spec)
        or (spec.batch_error or 0.0) > MAX_BATCH_ERROR
    ):
        return None
    rows = fixed_axes(spec, context).get("batch", (context.batch,))
    max_rows = min(context.batch, rows[-1])
    return BatchingNetwork(network, spec, max_rows, _lanes(context)) if max_rows > 1 else None


def _lanes(context: Context) -> int:
    """Return the number of batches of one network that compute at once before other calls wait.

    An accelerator runs one batch after the other. On the processor one worker is left free to gather the calls of the
    next batch; with a call on every worker, streams would wait for turns, where no calls can be gathered.
    """
    return max(1, available_cores() - 1) if context.device.lower() == "cpu" else 1
