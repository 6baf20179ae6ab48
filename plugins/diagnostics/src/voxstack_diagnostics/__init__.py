"""Diagnostics: blocks that observe a running stack and change nothing."""

from __future__ import annotations

import voxstack
from voxstack_diagnostics.attention_alarms import AttentionAlarms
from voxstack_diagnostics.probe import Probe
from voxstack_diagnostics.probe_sequence import ProbeSequence
from voxstack_diagnostics.stopwatch import Stopwatch


@voxstack.hookimpl
def voxstack_blocks() -> list[type[voxstack.Block]]:
    """Return the blocks of this plugin."""
    return [AttentionAlarms, Probe, ProbeSequence, Stopwatch]
