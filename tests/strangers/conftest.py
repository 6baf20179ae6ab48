"""Projects of other people: ``tests/test_strangers.py`` copies, builds, installs and tests each by itself."""

from __future__ import annotations

collect_ignore_glob = ["*"]
