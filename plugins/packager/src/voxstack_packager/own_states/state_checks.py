"""Checks of the states that a source declares."""

from __future__ import annotations

from collections.abc import Mapping

from voxstack.networks import State, Tensor
from voxstack_packager.errors import PackagingError
from voxstack_packager.signature import Signature


def check_states(
    name: str, signature: Signature, states: Mapping[str, State], end: str | None, streams: bool, steps: bool
) -> None:
    """Check the states of a network that streams with states of its own.

    :param name: of the network; ``streams``: whether it has an axis that is the stream; ``steps``: whether it is
        autoregressive.
    :raises PackagingError: for the first mistake.
    """
    if not (streams and states):
        problem = "'states', 'initial' and 'end' are of a network that streams with states of its own"
        raise PackagingError(name, f"{problem}; set 'streaming' to the axis of the stream, and name the 'states'")
    if steps:
        raise PackagingError(name, "has 'states' and 'autoregressive', which names states, too; leave one out")
    outputs = [state.next for state in states.values()]
    for where, wanted, known in (("input", states, signature.inputs), ("output", outputs, signature.outputs)):
        missing = [one for one in wanted if one not in known]
        if missing:
            raise PackagingError(name, f"'states' names the {where} {missing[0]!r}; it has {list(known)}")
    if end is not None and signature.inputs.get(end) != Tensor("int64", (1,)):
        raise PackagingError(name, f"'end' names {end!r}, and must name an input of int64 [1]; declare it so")
