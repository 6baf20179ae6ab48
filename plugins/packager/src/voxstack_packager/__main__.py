"""``python -m voxstack_packager FOLDER --version 0.2.0 --lender ../prism``: upgrades an addon in its place."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import NoReturn

from voxstack import VoxstackError
from voxstack_packager.upgrading import upgrade

DESCRIPTION = (
    "Give an addon what packaging would give it now: stateful forms, lengths of output axes, and golden speech."
)


def end(number: int, frame: object) -> NoReturn:
    """End in order, so that no folder is left beside the addon."""
    sys.exit(128 + number)


for name in ("SIGTERM", "SIGHUP"):
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) == signal.SIG_DFL:
        signal.signal(getattr(signal, name), end)
parser = argparse.ArgumentParser(prog="python -m voxstack_packager", description=DESCRIPTION)
parser.add_argument("folder", type=Path, help="folder of the addon")
parser.add_argument("--version", help="its new version (default: the version that it has)")
parser.add_argument("--lender", type=Path, action="append", default=[], help="folder of an addon that it borrows from")
options = parser.parse_args()
try:
    upgrade(options.folder, version=options.version, lenders=options.lender)
except (VoxstackError, OSError) as error:
    sys.exit(f"error: {error}")
