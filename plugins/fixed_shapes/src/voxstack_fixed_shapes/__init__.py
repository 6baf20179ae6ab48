"""Fixed shapes: networks that run only at a few declared sizes accept any length, with unchanged results."""

from __future__ import annotations

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import fixed_axes
from voxstack_fixed_shapes.axes import MAX_MEASURED_ERROR
from voxstack_fixed_shapes.network import FixedShapesNetwork

__all__ = ["MAX_MEASURED_ERROR", "FixedShapesNetwork", "voxstack_wrap_network"]


@voxstack.hookimpl(tryfirst=True)
def voxstack_wrap_network(network: Runner, spec: NetworkSpec, context: Context) -> Runner | None:
    """Run a network only at the sizes of its context, if the context fixes one of its axes.

    This wrapper is the one closest to the runtime.

    :raises ContextError: if that would not be exact for this network, or its sizes are too small for the context that
        its outputs see.
    """
    return FixedShapesNetwork(network, spec, context) if fixed_axes(spec, context) else None
