"""The stack that all imported voices have: sentence by sentence, what runs whole, and then what streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import voxstack

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


def made_whole(voice: voxstack.Voice, utterance: voxstack.Utterance) -> Mapping[str, Any]:
    """What the sequence blocks of such a voice make of a sentence."""
    block = voxstack.build(voice.addon.config["stack"][0]["block"]["sequence_block"], voice.addon)
    made: Mapping[str, Any] = block(utterance)
    return made
