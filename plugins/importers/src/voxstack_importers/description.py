"""The controls, the text blocks and the stack of imported voices, as addon.json has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from voxstack import Registry
from voxstack_packager import PackagingError

Spec = Mapping[str, Any]
"""JSON of one block."""

GOLDEN_TEXT = "This is what the voice says, as the original says it."
"""The golden speech of voices that can read it."""

GENERATOR_SCHEDULE: Mapping[str, Any] = {"first": 12, "largest": 64}
"""The chunk schedule of voices with a HiFi-GAN, which costs most of their first audio: so that is short. Chunks longer
than 64 save no work, and take memory in proportion."""

SEED: Mapping[str, Any] = {
    "seed": {"type": "integer", "default": 0, "minimum": 0, "description": "Selects the noise, and so the rendition."},
}


def number(default: float, minimum: float, maximum: float, description: str) -> dict[str, Any]:
    """Return a control that is a number; a default above the maximum raises the maximum."""
    bounds = {"minimum": minimum, "maximum": max(maximum, default)}
    return {"type": "number", "default": default, **bounds, "description": description}


def rate(minimum: float = 0.25, maximum: float = 4.0) -> dict[str, Any]:
    """Return the control of the speed."""
    return {"rate": number(1.0, minimum, maximum, "Speed, as a factor.")}


def noise_scale(default: float) -> dict[str, Any]:
    """Return the control of the scale of the noise."""
    description = "Liveliness of the voice: 0 is always the same, larger numbers vary more."
    return {"noise_scale": number(default, 0.0, 2.0, description)}


def speaker(names: Sequence[str], default: str | None = None) -> dict[str, Any]:
    """Return the control of the speaker; the default is the first one, unless another is given."""
    first = default or names[0]
    return {"speaker": {"type": "string", "default": first, "enum": list(names), "description": "Name of the speaker."}}


def phoneme_blocks(voice: str, table: Spec, *, glides: bool = False, pauses: bool = True) -> list[Spec]:
    """Return the blocks that read text by the phonemes of espeak-ng.

    :param voice: name of a voice of espeak-ng.
    :param table: the fields of the ``Characters`` that turns phonemes into tokens.
    :param glides: whether the voice reads the glides that espeak-ng writes from version 1.52.0.1 on.
    :param pauses: whether dashes, ellipses and parentheses are pauses, and abbreviations end no clause.
    :raises PackagingError: if the plugin that computes them is not installed.
    """
    if "EspeakPhonemes" not in Registry.installed():
        problem = (
            "the voice reads phonemes of espeak-ng, and no installed plugin computes them: pip install voxstack-espeak"
        )
        raise PackagingError("phonemes", problem)
    fields = {name: True for name, used in (("glides", glides), ("written_pauses", pauses)) if used}
    reader = {"type": "EspeakPhonemes", "voice": voice, **fields}
    return [reader, {"type": "Characters", **table, "source": "phonemes"}]


def character_blocks(table: Spec) -> list[Spec]:
    """Return the block that reads text as it is written.

    :param table: the fields of ``Characters``.
    """
    return [{"type": "Characters", **table}]


def readable_text(symbols: Iterable[str]) -> str:
    """Return a text that a voice with these symbols can read: a sentence, or else groups of its letters."""
    letters = [symbol for symbol in symbols if len(symbol) == 1 and symbol.isalpha()]
    for text in (GOLDEN_TEXT, GOLDEN_TEXT.lower()):
        if {character for character in text if character.isalpha()} <= set(letters):
            return text
    return " ".join("".join(letters[start : start + 4]) for start in range(0, min(40, len(letters)), 4))


def sentence_stack(language: str, blocks: Sequence[Spec], streamed: Spec | Sequence[Spec], **fields: Any) -> list[Spec]:
    """Return the stack of a voice, which synthesizes sentence by sentence.

    :param blocks: sequence blocks of a sentence.
    :param streamed: the streamable block, or those in a row, after them.
    :param fields: more fields of ``Sentences``.
    """
    pipeline = {
        "type": "StreamablePipeline",
        "sequence_block": {"type": "SequenceBlockContainer", "blocks": [*blocks]},
        "streamable_block": streamed
        if isinstance(streamed, Mapping)
        else {"type": "StreamableStack", "stack": [*streamed]},
    }
    return [{"type": "Sentences", "language": language, **fields, "block": pipeline}]
