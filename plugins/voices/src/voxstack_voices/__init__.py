"""Many voices in one process, within a memory budget."""

from __future__ import annotations

from voxstack_voices.status import VoiceStatus
from voxstack_voices.voices import Voices

__all__ = ["VoiceStatus", "Voices"]
