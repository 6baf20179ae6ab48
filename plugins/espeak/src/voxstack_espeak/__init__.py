"""The synthesizer espeak-ng: its speech and its phonemes."""

from __future__ import annotations

from pathlib import Path

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    names = ["espeak:Espeak", "phonemes:EspeakPhonemes", "sentence_ends:EspeakSentenceEnds"]
    return [f"voxstack_espeak.{name}" for name in names]


@voxstack.hookimpl
def voxstack_addons() -> list[Path]:
    """Return the folder of the voice of this distribution."""
    return [Path(__file__).parent / "espeak"]
