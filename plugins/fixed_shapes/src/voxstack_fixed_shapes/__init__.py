"""Fixed shapes: networks that run at a few declared sizes only take any length, and give what they would give without."""

from __future__ import annotations

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import fixed_axes
from voxstack_fixed_shapes.axes import MOST_ERROR
from voxstack_fixed_shapes.network import FixedShapesNetwork

__all__ = ["MOST_ERROR", "FixedShapesNetwork", "voxstack_wrap_network"]


@voxstack.hookimpl(tryfirst=True)
def voxstack_wrap_network(network: Runner, spec: NetworkSpec, context: Context) -> Runner | None:
    """Keep a network to the sizes of its context, if the context fixes one of its axes; nearest to the runtime of all.

    :raises ContextError: if that would not be exact for this network, or its sizes are too small for what it needs around them.
    """
    return FixedShapesNetwork(network, spec, context) if fixed_axes(spec, context) else None
