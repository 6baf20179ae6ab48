"""References of imported voices: the original software, with the inputs that the addon's blocks compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import voxstack
from voxstack.networks.addon import Addon
from voxstack_packager import Reference


@dataclass(frozen=True)
class SentenceReference(Reference):
    """An original that synthesizes a sentence from the tokens, speaker and noise that the addon's blocks compute.

    :param blocks: the sequence blocks that compute them, in the order of the stack.
    """

    blocks: Sequence[Mapping[str, Any]]

    def utterance(self, addon: Addon, request: voxstack.Utterance) -> voxstack.Utterance:
        """Return the request with all that the blocks compute for it."""
        block = voxstack.build({"type": "SequenceBlockContainer", "blocks": [*self.blocks]}, addon)
        return {**request, **block(request)}
