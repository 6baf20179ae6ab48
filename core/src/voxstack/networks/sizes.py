"""Networks of fixed sizes.

A runtime compiles exactly the sizes that a context declares and accepts no others; the ``fixed_shapes`` plugin wraps it
and accepts any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from voxstack.errors import ContextError, NetworkError
from voxstack.networks.network import Network, Runner
from voxstack_addon_spec import Context, NetworkSpec
from voxstack_addon_spec.sizes import axis_position, combinations, fixed_axes, free_axes, named_axes, require_all_fixed

__all__ = [
    "PerSize",
    "axis_position",
    "combinations",
    "fixed_axes",
    "free_axes",
    "limits_of",
    "require_all_fixed",
    "require_any_length",
]


def limits_of(network: Network) -> dict[str, int]:
    """Return the most steps that a network of fixed sizes accepts of each utterance entry it reads.

    Empty where its context does not allow longer input to be cut: the network then refuses it.
    """
    spec, context = network.spec, network.context
    if not context.split or (spec.streaming and not spec.streaming.states):
        return {}
    fixed = fixed_axes(spec, context)
    limits = {}
    for name in spec.needs:
        tensor = spec.inputs[name]
        steps = tensor.shape[1 if tensor.batched else 0 :][:1]
        if steps and steps[0] in fixed:
            limits[name] = fixed[str(steps[0])][-1]
    return limits


def require_any_length(network: Network) -> None:
    """Refuse a network that accepts some lengths only in its context; a block calls it in its ``load``.

    A block that reads text of any length would otherwise fail while it synthesizes.

    :raises ContextError: saying why, and what helps.
    """
    if network.restriction:
        raise ContextError(network.restriction)


class PerSize:
    """A network compiled, when it is opened, for each size that its context declares.

    :param compile: returns the runner for one size of each fixed axis.
    :raises ContextError: if the context fixes no axis of this network.
    """

    def __init__(self, spec: NetworkSpec, context: Context, compile: Callable[[Mapping[str, int]], Runner]) -> None:
        self._spec, self._axes = spec, fixed_axes(spec, context)
        if not self._axes:
            raise ContextError(f"network {spec.name!r}: the context fixes none of its axes {named_axes(spec)}")
        self._positions = [axis_position(spec, axis) for axis in self._axes]
        self._runs = {tuple(sizes.values()): compile(sizes) for sizes in combinations(self._axes)}

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run at the sizes of the tensors.

        :raises NetworkError: for undeclared sizes.
        """
        key = tuple(tensors[name].shape[position] for name, position in self._positions)
        run = self._runs.get(key)
        if run is None:
            requested = dict(zip(self._axes, key, strict=True))
            declared = {axis: list(sizes) for axis, sizes in self._axes.items()}
            raise NetworkError(
                f"network {self._spec.name!r}: compiled for the sizes {declared}, and asked for {requested}; "
                "declare this size in the context's 'shapes', or try: pip install voxstack-fixed-shapes"
            )
        return run(**tensors)

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counters: ``compilations``, all of which happened when the network was opened."""
        return {"compilations": len(self._runs)}

    @property
    def effective(self) -> Mapping[str, Any]:
        """The report of its runners, with the sizes."""
        return {**getattr(next(iter(self._runs.values())), "effective", {}), "shapes": self._axes}
