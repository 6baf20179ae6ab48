"""The synthesizer espeak-ng: its speech and its phonemes."""

from __future__ import annotations

from pathlib import Path

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return ["voxstack_espeak.espeak:Espeak", "voxstack_espeak.phonemes:EspeakPhonemes"]


@voxstack.hookimpl
def voxstack_addons() -> list[Path]:
    """Return the folder of the voice of this distribution."""
    return [Path(__file__).parent / "espeak"]
