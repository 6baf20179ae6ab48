"""A program on ONNX Runtime without an option for threads, with one thread a call: ``MODULE [ARGUMENTS]``."""

from __future__ import annotations

import runpy
import sys
from typing import Any

import onnxruntime


def options(make: Any = onnxruntime.SessionOptions) -> Any:
    """Return options of a session for one thread."""
    made = make()
    made.intra_op_num_threads = made.inter_op_num_threads = 1
    return made


if __name__ == "__main__":
    onnxruntime.SessionOptions = options
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
