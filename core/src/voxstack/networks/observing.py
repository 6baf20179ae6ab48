"""The observer of network calls: code that records them for a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

Outputs = Mapping[str, Any]

Observer = Callable[[str, Callable[..., Outputs], dict[str, Any]], Outputs]
"""Receives the name of a network, its runner and its named inputs; returns the outputs of the runner."""

OBSERVER: ContextVar[Observer | None] = ContextVar("voxstack_network_observer", default=None)
"""The observer of the calls of the current code; a trace that records them sets it around the code."""


def observed(name: str, run: Callable[..., Outputs]) -> Callable[..., Outputs]:
    """Return a runner whose calls the observer of the calling code receives, if it has one."""

    def call(**tensors: Any) -> Outputs:
        observe = OBSERVER.get()
        return run(**tensors) if observe is None else observe(name, run, tensors)

    return call
