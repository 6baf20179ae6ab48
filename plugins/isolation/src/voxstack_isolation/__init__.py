"""Isolation: networks that run in another process, so that one which crashes or hangs ends only that process."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner

NAME = "isolated"
"""The context that runs the networks of any addon isolated, on the CPU, in ONNX Runtime."""


@voxstack.hookimpl(tryfirst=True)
def voxstack_open_network(spec: NetworkSpec, context: Context) -> Runner | None:
    """Open a network in another process, if the context isolates it; that process opens it in the context's runtime.

    :raises ContextError: if that is impossible on this system, or something that the context requests is unavailable.
    :raises NetworkError: if the network cannot be opened, or its process ends or takes too long.
    """
    if not context.isolate:
        return None
    if not hasattr(socket, "send_fds"):
        raise voxstack.ContextError(
            f"network {spec.name!r}: networks can be isolated on Linux and macOS only; leave 'isolate' out of the "
            "context"
        )
    from voxstack_isolation.network import IsolatedNetwork

    return IsolatedNetwork(spec, context)


@voxstack.hookimpl
def voxstack_contract_cases() -> list[Any]:
    """Return the cases of the contract kit: the networks of the kit, isolated."""
    from voxstack.testing import RuntimeCase
    from voxstack.testing.samples import frames_network, tokens_network

    context = Context("onnx", isolate=True)
    samples = (frames_network(), tokens_network())
    return [RuntimeCase(voxstack_open_network, sample, context, every_runtime=True) for sample in samples]


@voxstack.hookimpl
def voxstack_context(name: str, addon: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the context ``isolated``, which no addon need define."""
    return {"runtime": "onnx", "isolate": True} if name == NAME else None
