"""Forced interleavings of everything that has a lock: the tests of interleavings, with many more seeds.

Each case is ``SEEDS`` seeds of the scheduler, Prefetch, both kinds of batches, Voices and the pool of networks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.campaign.report import Report

FULL, SHORT, LIMIT = 25, 1, 900.0

SEEDS = 40
ROOT = Path(__file__).parents[3]


def run(report: Report, cases: Iterable[int]) -> None:
    """Run the cases."""
    tests = sorted(str(path) for path in ROOT.glob("plugins/*/tests/test_interleavings.py"))
    for number, _ in report.each(cases):
        seeds = 5 if report.short else SEEDS
        environment = {**os.environ, "VOXSTACK_SEEDS": str(seeds), "VOXSTACK_FIRST_SEED": str(1000 + number * SEEDS)}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=ROOT, check=False)
        report.count("seeds", seeds)
        report.count("files", len(tests))
        if ended.returncode:
            report.finding(ended.stdout[-4000:])
