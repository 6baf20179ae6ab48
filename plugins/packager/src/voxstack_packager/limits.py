"""Limits that packaging has unless a caller sets others."""

from __future__ import annotations

TIME_LIMIT = 900.0
"""Seconds that exporting and measuring one network may take."""
