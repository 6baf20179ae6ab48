"""The synthesizer espeak-ng: its speech and its phonemes."""

from __future__ import annotations

from pathlib import Path

import voxstack
from voxstack_espeak.espeak import Espeak
from voxstack_espeak.phonemes import EspeakPhonemes

__all__ = ["Espeak", "EspeakPhonemes", "voxstack_addons", "voxstack_blocks"]


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [Espeak, EspeakPhonemes]


@voxstack.hookimpl
def voxstack_addons() -> list[Path]:
    """Return the folder of the voice of this distribution."""
    return [Path(__file__).parent / "espeak"]
