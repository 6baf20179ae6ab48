"""A speech service for the clients of other speech services."""

from __future__ import annotations

from voxstack_serve.catalogue import VoiceInfo
from voxstack_serve.service import Service

__all__ = ["Service", "VoiceInfo"]
