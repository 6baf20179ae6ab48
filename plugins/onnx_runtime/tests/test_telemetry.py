"""ONNX Runtime records nothing about the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from voxstack_onnx_runtime.telemetry import SWITCH, switch_off_telemetry

SYNTHESIZE = "import voxstack; voxstack.load('amber').synthesize('Hello.')"
PACKAGE = """
import numpy as np, onnx
from voxstack_packager.runners import model_runner
value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in "xy"]
graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "net", value[:1], value[1:])
model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
model_runner(model, "net")(x=np.ones(2, np.float32))
"""


@pytest.mark.parametrize("program", [SYNTHESIZE, PACKAGE])
def test_nothing_is_written_about_the_machine(program: str, tmp_path: Path) -> None:
    if program is PACKAGE:
        pytest.importorskip("onnx", reason="onnx makes the network of this test")
    kept = {name: value for name, value in os.environ.items() if name not in (SWITCH, "XDG_CACHE_HOME")}
    subprocess.run([sys.executable, "-c", program], env={**kept, "HOME": str(tmp_path)}, check=True)
    written = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if "voxstack" not in path]


def test_who_runs_the_program_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "0")
    switch_off_telemetry()
    assert os.environ[SWITCH] == "0"
