"""Writes plugins to start from: ``voxstack new block|runtime|importer|voice NAME``."""

from __future__ import annotations
