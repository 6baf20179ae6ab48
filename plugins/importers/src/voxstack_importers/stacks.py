"""The stack that all imported voices have, and the inputs that it computes for the original of a voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import voxstack
from voxstack.networks.addon import Addon
from voxstack_packager import Reference

Spec = Mapping[str, Any]


def by_sentence(
    language: str, whole: Sequence[Spec], streamed: Spec | Sequence[Spec], **fields: Any
) -> list[dict[str, Any]]:
    """The stack of a voice.

    :param whole: sequence blocks of a sentence; ``streamed``: what gives out the stream that they begin.
    :param fields: of ``Sentences``.
    """
    behind = streamed if isinstance(streamed, Mapping) else {"type": "StreamableStack", "stack": [*streamed]}
    pipeline = {
        "type": "StreamablePipeline",
        "sequence_block": {"type": "SequenceBlockContainer", "blocks": [*whole]},
        "streamable_block": behind,
    }
    return [{"type": "Sentences", "language": language, **fields, "block": pipeline}]


@dataclass(frozen=True)
class SentenceReference(Reference):
    """An original that synthesizes one sentence from the tokens, the speaker and the noise that blocks of the voice compute.

    :param blocks: the sequence blocks that compute them, in the order of the stack.
    """

    blocks: Sequence[Spec]

    def utterance(self, addon: Addon, request: voxstack.Utterance) -> voxstack.Utterance:
        """Return the request with everything that the blocks compute for it."""
        block = voxstack.build({"type": "SequenceBlockContainer", "blocks": [*self.blocks]}, addon)
        return {**request, **block(request)}
