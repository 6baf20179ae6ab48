#!/usr/bin/env bash
# A convolution whose window is longer than 64 steps runs in OpenVINO's reference kernel where its axis has no known size.
#
# Guess:    a dilated convolution takes the same kernel, and the same time, whether the size of its axis is known or not.
# Versions: openvino 2026.4.1, numpy 2.3.5, CPU, Python 3.11.
# Seen:     kernel 7, dilation 12 (a window of 73 steps), 32 channels, 8192 steps, float32: ref_any_f32 and 480 to 540 ms
#           at an unknown size, brgconv_avx512_f32 and 1.3 ms at the known size. With 4 zeros of padding on each side it
#           cannot be compiled at all ("incompatible with provided dimensions: {64, 32, 1, 0}"); with 5 (64 + 10 > 73) it
#           takes the fast kernel again. The CPU plugin chooses kernels as if an unknown size were 64.
# Matters:  where graphs keep states and convolutions have no padding (the stateful form of a HiFi-GAN was 20 times slower):
#           pad the input, and crop the output.
#
# Exits with 0 while this is so, and with 1 if it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q openvino==2026.4.1 numpy==2.3.5
cat > "$work/convolution.py" <<'PYTHON'
import sys

import numpy as np
import openvino
from openvino import opset13 as op

CHANNELS, STEPS = 32, 8192
filters = np.random.default_rng(0).standard_normal((CHANNELS, CHANNELS, 1, 7), np.float32)


def kernel(size, pad):
    x = op.parameter([-1, CHANNELS, 1, size], np.float32)
    y = op.convolution(x, op.constant(filters), [1, 1], [0, pad], [0, pad], [1, 12])
    properties = {"PERF_COUNT": True, "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    try:
        request = openvino.Core().compile_model(openvino.Model([y], [x]), "CPU", properties).create_infer_request()
    except RuntimeError as error:
        return f"cannot be compiled: {str(error).strip().splitlines()[-1]}"
    request.infer([np.zeros((1, CHANNELS, 1, STEPS), np.float32)])
    (node,) = [node for node in request.profiling_info if node.node_type == "Convolution"]
    return f"{node.exec_type}, {node.real_time.total_seconds() * 1000:.1f} ms"


found = {name: kernel(*arguments) for name, arguments in {
    "unknown size": (-1, 0), "known size": (STEPS, 0), "unknown size, padding 4": (-1, 4), "unknown size, padding 5": (-1, 5)
}.items()}
for name, result in found.items():
    print(f"{name}: {result}")
slow, fast = found["unknown size"].startswith("ref"), found["unknown size, padding 5"].startswith("ref")
sys.exit(0 if slow and not fast else 1)
PYTHON
"$work/venv/bin/python" "$work/convolution.py"
