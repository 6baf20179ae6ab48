"""Many voices in one process."""

from __future__ import annotations

from voxstack_voices.voices import Loaded, Voices

__all__ = ["Loaded", "Voices"]
