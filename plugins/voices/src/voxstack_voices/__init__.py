"""Many voices in one process."""

from __future__ import annotations

from voxstack_voices.status import Loaded
from voxstack_voices.voices import Voices

__all__ = ["Loaded", "Voices"]
