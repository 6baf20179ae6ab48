"""The ElevenLabs WebSocket protocol: text in parts to audio with the times of its characters."""

from __future__ import annotations

from voxstack_serve.elevenlabs.endpoints import routes

__all__ = ["routes"]
