#!/usr/bin/env bash
# OpenVINO ignores the input sequence_lens of an ONNX LSTM where the sizes of the graph are free, and reads it where they are
# fixed.
#
# Guess:    an LSTM with sequence_lens computes the same in OpenVINO and in ONNX Runtime, whether sizes are free or fixed:
#           steps after the end of a row are zeros, and its last state is that of its own end.
# Versions: openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2, numpy 2.4.6, CPU of x86-64, float32, Python 3.11.
# Seen:     with free sizes the row that ends after 3 of 5 steps has values up to some 0.3 in its last two steps, where ONNX
#           Runtime has zeros; reshaped to fixed sizes, the outputs of the same file agree within 1e-6.
# Matters:  a padded batch of a recurrent encoder is wrong without an error; write packed sequences with other operators.
#
# Exits with 0 while the results are so, and with 1 if they have changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat > "$work/lengths.py" <<'PYTHON'
import sys

import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

INPUTS, HIDDEN, STEPS, ROWS = 3, 4, 5, 2
random = np.random.default_rng(0)
sizes = {"W": (1, 4 * HIDDEN, INPUTS), "R": (1, 4 * HIDDEN, HIDDEN), "B": (1, 8 * HIDDEN)}
weights = [numpy_helper.from_array(random.standard_normal(size).astype(np.float32), name) for name, size in sizes.items()]
node = helper.make_node("LSTM", ["X", "W", "R", "B", "L"], ["Y", "H"], hidden_size=HIDDEN)
given = [
    helper.make_tensor_value_info("X", TensorProto.FLOAT, ["steps", "rows", INPUTS]),
    helper.make_tensor_value_info("L", TensorProto.INT32, ["rows"]),
]
made = [
    helper.make_tensor_value_info("Y", TensorProto.FLOAT, ["steps", 1, "rows", HIDDEN]),
    helper.make_tensor_value_info("H", TensorProto.FLOAT, [1, "rows", HIDDEN]),
]
graph = helper.make_graph([node], "lengths", given, made, weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
feed = {"X": random.standard_normal((STEPS, ROWS, INPUTS)).astype(np.float32), "L": np.array([5, 3], np.int32)}
expected = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, feed)
core, errors = openvino.Core(), {}
for kind in ("free", "fixed"):
    read = core.read_model(model)
    if kind == "fixed":
        read.reshape({"X": [STEPS, ROWS, INPUTS], "L": [ROWS]})
    found = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(feed)
    errors[kind] = max(float(np.abs(found[place] - value).max()) for place, value in enumerate(expected))
    late = float(np.abs(found[0][3:, 0, 1]).max())
    print(f"{kind} sizes: differs from ONNX Runtime by {errors[kind]:.2g}; after its end, row 1 has up to {late:.2g}")
sys.exit(0 if errors["free"] > 0.01 and errors["fixed"] < 1e-5 else 1)
PYTHON
"$work/venv/bin/python" "$work/lengths.py"
