"""Diagnostics: blocks that observe a running stack."""

from __future__ import annotations

import voxstack


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the blocks of this plugin, which are imported when a stack names them."""
    return [
        "voxstack_diagnostics.attention_alarms:AttentionAlarms",
        "voxstack_diagnostics.histogram:Histogram",
        "voxstack_diagnostics.nan_guard:NanGuard",
        "voxstack_diagnostics.probe:Probe",
        "voxstack_diagnostics.probe_sequence:ProbeSequence",
        "voxstack_diagnostics.spectrogram:Spectrogram",
        "voxstack_diagnostics.stopwatch:Stopwatch",
    ]
