"""The ``openvino`` runtime: networks on Intel's processors, graphics and NPUs, and on any x86-64 or Arm CPU."""

from __future__ import annotations

import importlib.util

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner


@voxstack.hookimpl
def voxstack_open_network(spec: NetworkSpec, context: Context) -> Runner | None:
    """Open the ``onnx`` export of a network, if the context's runtime is ``openvino``.

    :raises ContextError: for an unavailable device, precision or option, or a network without that export.
    """
    if context.runtime != "openvino":
        return None
    if importlib.util.find_spec("openvino") is None:
        raise voxstack.ContextError(
            f"network {spec.name!r}: the runtime 'openvino' needs OpenVINO; try: pip install openvino"
        )
    from voxstack_openvino_runtime.compiling import open_model

    return open_model(spec, context)


@voxstack.hookimpl
def voxstack_devices() -> list[str]:
    """Return the devices that OpenVINO finds on this machine."""
    if importlib.util.find_spec("openvino") is None:
        return []
    from voxstack_openvino_runtime.devices import shared_core

    return [f"openvino:{device}" for device in shared_core().available_devices]
