"""The stack of a voice whose networks are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voxstack_packager.errors import PackagingError

Spec = dict[str, Any]


@dataclass
class StackPlan:
    """The blocks of a voice, as far as they are known before its networks are measured.

    :param reading: blocks that read the text.
    :param encoders: names of the networks that run on the tokens.
    :param chain: the networks that the stream passes through, with the name of the stream that each gives.
    :param upsampler: fields of the ``Upsampler``; None if an encoder gives the stream at once.
    :param whole: the entry that such an encoder gives.
    :param end: blocks after the networks.
    """

    reading: list[Spec]
    encoders: list[str] = field(default_factory=list)
    chain: list[tuple[str, str]] = field(default_factory=list)
    upsampler: dict[str, Any] | None = None
    whole: str | None = None
    end: list[Spec] = field(default_factory=list)
    language: str = "en"

    def stack(self, networks: Mapping[str, Any]) -> list[Spec]:
        """Return the stack for the ``networks`` of addon.json, as they were measured.

        A network that does not stream runs on the whole utterance, with all networks before it.

        :raises PackagingError: for such a network whose frames have contours.
        """
        last = max((i for i, (name, _) in enumerate(self.chain) if not _streams(networks[name])), default=-1)
        at_once, streamed = self.chain[: last + 1], self.chain[last + 1 :]
        sequence = [*self.reading, {"type": "Encoders", "networks": self.encoders}]
        if self.whole is None:
            sequence.append({"type": "Pace"})
        if at_once:
            sequence += self._at_once([name for name, _ in at_once])
        stream: list[Spec] = [self._head(at_once[-1][1] if at_once else None)]
        stream += [{"type": "Decoder", "network": name} for name, _ in streamed]
        pipeline = {
            "type": "StreamablePipeline",
            "sequence_block": {"type": "SequenceBlockContainer", "blocks": sequence},
            "streamable_block": {"type": "StreamableStack", "stack": [*stream, *self.end]},
        }
        language = {} if self.language == "en" else {"language": self.language}
        return [{"type": "Sentences", **language, "block": pipeline}]

    def _at_once(self, names: Sequence[str]) -> list[Spec]:
        fields, expand = self.upsampler, []
        if fields is not None:
            if fields.get("contours"):
                problem = (
                    f"runs on whole utterances, and reads the contours {fields['contours']}, which only streams have"
                )
                raise PackagingError(names[-1], f"{problem}; let the encoder add them to 'encoded'")
            positions = {"positions": fields.get("positions", True)}
            expand = [{"type": "Expand", "name": "frames", **positions}]
        return [*expand, {"type": "Encoders", "networks": list(names)}]

    def _head(self, at_once: str | None) -> Spec:
        whole = at_once or self.whole
        if whole is not None:
            return {"type": "WholeFrames", "tensor": whole, "makes_stream": whole}
        return {"type": "Upsampler", **(self.upsampler or {})}


def _streams(network: Mapping[str, Any]) -> bool:
    return "addon" in network or "streaming" in network
