"""Mutated ONNX files: a typed error, or outputs that no undeclared file has touched.

The mutations are those that ONNX Runtime reports: external data, names, types, shapes, versions, metadata, and files
that are cut off. What a malformed graph does inside ONNX Runtime is not the matter here.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from random import Random

import numpy as np
import onnxruntime

import voxstack
import voxstack_onnx_runtime
from tests.campaign.graph_faults import SECRET, WEIGHTS, faulty_model
from tests.campaign.report import Report
from tests.support.tiny import network, tensor
from voxstack.networks.addon import Addon
from voxstack_addon_spec import open_addon

FULL, SHORT, LIMIT = 20_000, 150, 60.0


def run(report: Report, cases: range) -> None:
    """Run the cases."""
    onnxruntime.set_default_logger_severity(4)
    registry = voxstack.Registry({"onnx_runtime": voxstack_onnx_runtime})
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "addon")
        (folder / "deep").mkdir(parents=True)
        for place in (
            folder / "secret.bin",
            folder / "deep/secret.bin",
            Path(root, "secret.bin"),
            folder / "listed.bin",
        ):
            place.write_bytes(SECRET.tobytes())
        (folder / "net.onnx.data").write_bytes(WEIGHTS.tobytes())
        (folder / "link.bin").symlink_to("secret.bin")
        for _, chance in report.each(cases):
            _write(folder, chance)
            report.outcome(lambda: _use(folder, registry))


def _use(folder: Path, registry: voxstack.Registry) -> str:
    """Open the network and run it; return what came of it."""
    addon = Addon(open_addon(folder), registry)
    outputs = addon.network("net").run_single(frames=np.ones((3, 2), np.float32))["mel"]
    if (np.abs(outputs) > 1000).any():
        raise ValueError("the weights are those of a file that the export does not declare")
    return "outputs"


def _write(folder: Path, chance: Random) -> None:
    """Write an addon with one to three faults in its ONNX file."""
    data: bytes = faulty_model(chance).SerializeToString()
    if chance.random() < 0.15:
        data = chance.choice((data[: chance.randrange(len(data))], data + data, data + b"\0", b"", data[1:], b"<net>"))
    (folder / "net.onnx").write_bytes(data)
    spec = network("decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)})
    export = {"format": "onnx", "symbol": "net.onnx"}
    spec["exports"] = [export | {"parameters": "net.onnx.data"} if chance.random() < 0.7 else export]
    listed = {name: (folder / name).read_bytes() for name in ("net.onnx", "net.onnx.data", "listed.bin")}
    files = {name: {"sha256": hashlib.sha256(x).hexdigest(), "size": len(x)} for name, x in listed.items()}
    base = {"spec_version": 1, "name": "net", "version": "1", "license": "MIT", "languages": [], "sample_rate": 8000}
    base |= {"hop_length": 1, "controls": {}, "contexts": {"default": {"runtime": "onnx"}}}
    (folder / "addon.json").write_text(json.dumps({**base, "networks": {"net": spec}, "files": files}))
