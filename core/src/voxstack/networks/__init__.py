"""Networks: opened in a context, shared between voices, and fitted to fixed sizes."""

from __future__ import annotations

from voxstack.networks.effective import Effective
from voxstack.networks.network import Network, Runner
from voxstack.networks.states import States, first_states, provided_states
from voxstack_addon_spec import Autoregressive, Context, ContextLike, Length, NetworkSpec, State, Streaming, Tensor

__all__ = [
    "Autoregressive",
    "Context",
    "ContextLike",
    "Effective",
    "Length",
    "Network",
    "NetworkSpec",
    "Runner",
    "State",
    "States",
    "Streaming",
    "Tensor",
    "first_states",
    "provided_states",
]
