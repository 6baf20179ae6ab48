"""The ``torch`` runtime: networks exported as ``.pt2``, on the CPU or on CUDA."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterable
from typing import Any

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner


@voxstack.hookimpl
def voxstack_open_network(spec: NetworkSpec, context: Context) -> Runner | None:
    """Open the ``pt2`` export of a network, if the context's runtime is ``torch``.

    A ``.pt2`` holds code that runs when it is opened, so it is opened only from a trusted addon.

    :raises ContextError: for an untrusted addon, a network without that export, or an unavailable device, precision or
        option.
    """
    if context.runtime != "torch":
        return None
    if "pt2" in spec.exports and not spec.trusted:
        raise voxstack.ContextError(
            f"network {spec.name!r}: a .pt2 holds code that runs when it is opened, and this addon was not installed "
            "with pip; load(..., trust=True) if you trust this addon, or choose the runtime 'onnx'"
        )
    from voxstack_torch_runtime.opening import open_program

    return open_program(spec, context)


@voxstack.hookimpl
def voxstack_devices(formats: Collection[str] | None) -> Iterable[str]:
    """Return ``torch:cpu`` and a ``torch:cuda:N`` for each GPU; nothing without torch, or if no pt2 is to be run."""
    if formats is not None and "pt2" not in formats:
        return []
    try:
        from voxstack_torch_runtime.devices import available_devices
    except ImportError:
        return []
    return [f"torch:{device}" for device in available_devices()]


@voxstack.hookimpl
def voxstack_contract_cases() -> Iterable[Any]:
    """Return the case of the contract kit: its network of frames, exported as ``.pt2``; none without torch."""
    if importlib.util.find_spec("torch") is None:
        return []
    from voxstack_torch_runtime.contract_case import contract_case

    return [contract_case(voxstack_open_network, voxstack_devices)]
