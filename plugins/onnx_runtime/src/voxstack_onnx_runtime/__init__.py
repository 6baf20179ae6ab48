"""The ``onnx`` runtime: networks in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import voxstack
from voxstack.networks import Context, NetworkSpec, Runner

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
"""What ONNX Runtime calls the devices that a context may name."""


@voxstack.hookimpl
def voxstack_open_network(spec: NetworkSpec, context: Context) -> Runner | None:
    """Open the ``onnx`` export of a network, if the context's runtime is ``onnx``."""
    if context.runtime != "onnx":
        return None
    return open_session(spec, context)


def open_session(spec: NetworkSpec, context: Context) -> Runner:
    """Return the network as a callable on named arrays.

    One thread a call unless the context asks for more, and idle threads never spin: two sessions that spin are slower than
    one thread. An ONNX file holds no code; its external data must lie in the addon, which ONNX Runtime checks.

    :raises ContextError: for a device that is not there, or a network without an ``onnx`` export.
    """
    path = spec.export("onnx", "onnx")
    import onnxruntime

    provider = PROVIDERS.get(context.device)
    available = onnxruntime.get_available_providers()
    if provider not in available:
        known = [device for device, name in PROVIDERS.items() if name in available]
        raise voxstack.ContextError(
            f"network {spec.name!r}: ONNX Runtime has no device {context.device!r} here; it has {known}"
            + ("; try: pip install onnxruntime-gpu" if context.device == "cuda" else "")
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = context.threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # its errors share no base class of their own
        raise voxstack.NetworkError(f"network {spec.name!r}: ONNX Runtime cannot open {path.name}: {error}") from error
    outputs = [output.name for output in session.get_outputs()]
    _check_names(spec, [i.name for i in session.get_inputs()], outputs)

    def run(**tensors: Any) -> Mapping[str, Any]:
        try:
            return dict(zip(outputs, session.run(outputs, tensors), strict=True))
        except Exception as error:
            raise voxstack.NetworkError(f"network {spec.name!r}: ONNX Runtime failed: {error}") from error

    return run


def _check_names(spec: NetworkSpec, inputs: list[str], outputs: list[str]) -> None:
    for side, declared, found in (("inputs", spec.inputs, inputs), ("outputs", spec.outputs, outputs)):
        if set(declared) != set(found):
            raise voxstack.NetworkError(
                f"network {spec.name!r}: the file has the {side} {sorted(found)}, and the addon declares {sorted(declared)}"
            )
