#!/usr/bin/env bash
# ONNX Runtime computes a convolution over one axis differently at different lengths, and the same one written over images
# that are one row high equally at all of them, and faster.
#
# Guess:    a Conv of rank 3 and the same Conv of rank 4 with a height of 1 run in the same kernels: the same time, and each
#           step the same whatever surrounds it.
# Versions: onnxruntime 1.32.0, onnx 1.23.2, numpy 2.3.5, CPU of x86-64 with AVX2, one thread, Python 3.11.
# Seen:     with 64 channels and a kernel of 7, steps of 64 or fewer inputs differ from those of 700 in the last bits at
#           rank 3; at rank 4 every step is equal, bit for bit, at every length. Rank 4 takes 0.7 to 0.95 of the time of rank 3
#           (0.86 for 64 channels and 4096 steps). The blocked kernels (NCHWc) accept only rank 4.
# Matters:  where streams must equal the whole, write Conv1d as Conv2d of one row, between Unsqueeze and Squeeze.
#
# Exits with 0 while the results are so, and with 1 if they have changed. The times are only printed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnxruntime==1.32.0 onnx==1.23.2 numpy==2.3.5
cat > "$work/convolutions.py" <<'PYTHON'
import statistics
import sys
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

CHANNELS, KERNEL, SIDE = 64, 7, 3
random = np.random.default_rng(0)
weights = (random.standard_normal((CHANNELS, CHANNELS, KERNEL)) / 20).astype(np.float32)
stream = random.standard_normal((1, CHANNELS, 700)).astype(np.float32)


def session(rank):
    filters, row = (weights, []) if rank == 3 else (weights[:, :, None], [1])
    pads = [SIDE, SIDE] if rank == 3 else [0, SIDE, 0, SIDE]
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=pads)
    shape = ["batch", CHANNELS, *row, "steps"]
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    graph = helper.make_graph([node], "conv", infos[:1], infos[1:], [numpy_helper.from_array(filters, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def compute(opened, rank, steps):
    given = np.ascontiguousarray(steps if rank == 3 else steps[:, :, None])
    return opened.run(None, {"x": given})[0].reshape(1, CHANNELS, -1)


def differing(opened, rank):
    whole, found = compute(opened, rank, stream), []
    for length in (20, 40, 64, 65, 80, 97, 128, 200, 512):
        part = compute(opened, rank, stream[:, :, 100 : 100 + length])
        if not np.array_equal(part[:, :, SIDE:-SIDE], whole[:, :, 100 + SIDE : 100 + length - SIDE]):
            found.append(length)
    return found


sessions = {rank: session(rank) for rank in (3, 4)}
found = {rank: differing(opened, rank) for rank, opened in sessions.items()}
for rank, lengths in found.items():
    print(f"rank {rank}: other results than of 700 steps at lengths {lengths}")
long, times = random.standard_normal((1, CHANNELS, 4096)).astype(np.float32), {3: [], 4: []}
for _ in range(15):
    for rank, opened in sessions.items():
        start = time.perf_counter()
        compute(opened, rank, long)
        times[rank].append(time.perf_counter() - start)
print(f"time of rank 4: {statistics.median(times[4]) / statistics.median(times[3]):.2f} of that of rank 3")
sys.exit(0 if found == {3: [20, 40, 64], 4: []} else 1)
PYTHON
"$work/venv/bin/python" "$work/convolutions.py"
