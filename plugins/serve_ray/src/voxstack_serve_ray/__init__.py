"""The speech service on a Ray cluster: replicas that synthesize, and streams that survive them."""

from __future__ import annotations
