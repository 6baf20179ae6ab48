"""The ``onnx`` runtime: networks in ONNX Runtime, on any of its installed providers."""

from __future__ import annotations

import importlib.util

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner


@voxstack.hookimpl
def voxstack_open_network(spec: NetworkSpec, context: Context) -> Runner | None:
    """Open the ``onnx`` export of a network, if the context's runtime is ``onnx``.

    :raises ContextError: for an unavailable device, precision or option, or a network without that export.
    """
    if context.runtime != "onnx":
        return None
    if importlib.util.find_spec("onnxruntime") is None:
        raise voxstack.ContextError(
            f"network {spec.name!r}: the runtime 'onnx' needs ONNX Runtime; try: pip install onnxruntime"
        )
    from voxstack_onnx_runtime.opening import open_network

    return open_network(spec, context)


@voxstack.hookimpl
def voxstack_devices() -> list[str]:
    """Return the devices on which ONNX Runtime can run a network on this machine."""
    if importlib.util.find_spec("onnxruntime") is None:
        return []
    from voxstack_onnx_runtime.probing import available_devices

    return [f"onnx:{device}" for device in available_devices()]
