"""The table of ONNX Runtime's providers, by the kind of device that they run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Provider:
    """An execution provider of ONNX Runtime, which runs networks on one kind of device.

    :param name: in ONNX Runtime.
    :param package: the package that provides it.
    :param selector: the option that selects one of several devices, by number where ``device_names`` is empty.
    :param device_names: what may follow the kind in a context's device, the first by default.
    :param precisions: by precision, the options that make the provider compute in it, where its documentation states
        them.
    :param per_size: whether it compiles for sizes, with a session for each. Other providers plan at each call, and one
        session serves all sizes.
    :param fixed_only: whether it accepts only tensors of fixed size.
    :param concurrent: whether calls of one session may run concurrently.
    :param fallback: the kind of device that runs what this provider does not support, before the CPU does.
    """

    name: str
    package: str
    selector: str = ""
    device_names: tuple[str, ...] = ()
    precisions: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {"float32": {}})
    per_size: bool = True
    fixed_only: bool = False
    concurrent: bool = True
    fallback: str = ""


PROVIDERS = {
    "cpu": Provider("CPUExecutionProvider", "onnxruntime", per_size=False),
    # by default, CUDA multiplies in TF32, with 10 bits of mantissa
    "cuda": Provider(
        "CUDAExecutionProvider", "onnxruntime-gpu", "device_id", (), {"float32": {"use_tf32": "0"}}, per_size=False
    ),
    "tensorrt": Provider(
        "TensorrtExecutionProvider",
        "onnxruntime-gpu",
        "device_id",
        precisions={"float32": {}, "float16": {"trt_fp16_enable": "True"}, "bfloat16": {"trt_bf16_enable": "True"}},
        fallback="cuda",
    ),
    "migraphx": Provider(
        "MIGraphXExecutionProvider",
        "onnxruntime-migraphx",
        "device_id",
        precisions={"float32": {}, "float16": {"migraphx_fp16_enable": "1"}},
    ),
    "openvino": Provider(
        "OpenVINOExecutionProvider",
        "onnxruntime-openvino",
        "device_type",
        ("CPU", "GPU", "NPU"),
        {"float32": {"precision": "FP32"}, "float16": {"precision": "FP16"}},
    ),
    "qnn": Provider(
        "QNNExecutionProvider",
        "'onnxruntime-qnn<2'",  # from version 2 on it is a plug-in library with another interface
        "backend_type",
        ("htp", "gpu", "cpu"),
        {"float32": {"enable_htp_fp16_precision": "0"}, "float16": {"enable_htp_fp16_precision": "1"}},
        fixed_only=True,
    ),
    "directml": Provider("DmlExecutionProvider", "onnxruntime-directml", "device_id", concurrent=False),
    "coreml": Provider("CoreMLExecutionProvider", "onnxruntime"),
}
"""Providers by kind of device: ``cuda:1`` is the second device of a kind, ``openvino:GPU`` one by name."""
