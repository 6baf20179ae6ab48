"""Checks of the states that a source declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxstack.networks import Tensor
from voxstack_packager.errors import PackagingError

if TYPE_CHECKING:
    from voxstack_packager.sources import Source


def check_states(source: Source) -> None:
    """Check the states of a network that streams with states of its own.

    :raises PackagingError: for the first mistake.
    """
    signature, name = source.signature, source.name
    if source.streaming is None or not source.states:
        problem = "'states', 'initial' and 'end' are of a network that streams with states of its own"
        raise PackagingError(name, f"{problem}; set 'streaming' to the axis of the stream, and name the 'states'")
    if source.autoregressive is not None:
        raise PackagingError(name, "has 'states' and 'autoregressive', which names states, too; leave one out")
    outputs = [state.next for state in source.states.values()]
    for where, wanted, known in (("input", source.states, signature.inputs), ("output", outputs, signature.outputs)):
        missing = [one for one in wanted if one not in known]
        if missing:
            raise PackagingError(name, f"'states' names the {where} {missing[0]!r}; it has {list(known)}")
    if source.end is not None and signature.inputs.get(source.end) != Tensor("int64", (1,)):
        raise PackagingError(name, f"'end' names {source.end!r}, and must name an input of int64 [1]; declare it so")
