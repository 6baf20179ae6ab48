"""Versions of voices, equal where a stream of one goes on in a stream of the other."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from weakref import WeakKeyDictionary

from voxstack import Voice


class Versions:
    """The versions of loaded voices, each computed once."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Voice, str] = WeakKeyDictionary()

    def of(self, voice: Voice) -> str:
        """Return the version of a voice: a hash of its addon, of the networks that it borrows, and of voxstack."""
        if voice not in self._known:
            addon = voice.addon
            networks = {name: spec.digest for name, spec in addon.networks.items()}
            parts = [addon.files.config_sha256, networks, importlib.metadata.version("voxstack-core")]
            self._known[voice] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
        return self._known[voice]
