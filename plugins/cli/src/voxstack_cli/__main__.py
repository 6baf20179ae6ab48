"""Runs the ``voxstack`` command as ``python -m voxstack_cli``."""

from __future__ import annotations

import sys

from voxstack_cli.main import main

sys.exit(main())
