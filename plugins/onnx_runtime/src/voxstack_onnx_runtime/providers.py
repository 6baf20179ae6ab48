"""Which provider of ONNX Runtime runs what a context calls a device, and with which options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voxstack import ContextError, did_you_mean
from voxstack.networks import Context, NetworkSpec

OPTIONS = ("provider", "session")


@dataclass(frozen=True)
class Provider:
    """What runs networks on one kind of device.

    :param name: as ONNX Runtime calls it.
    :param package: that brings it.
    :param which: the option that says which of several devices; they are numbers where ``places`` is empty.
    :param places: what may stand behind the name of the device, the first if nothing does.
    :param precisions: the options that make it compute in a precision, where its documentation says which.
    :param per_size: it compiles for sizes: a session for each. The others plan at each call, and one session serves all sizes.
    :param fixed_only: it takes tensors of fixed size only.
    :param at_a_time: whether calls to one session may run at a time.
    :param helper: the device that runs what this one does not take, before the CPU does.
    """

    name: str
    package: str
    which: str = ""
    places: tuple[str, ...] = ()
    precisions: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {"float32": {}})
    per_size: bool = True
    fixed_only: bool = False
    at_a_time: bool = True
    helper: str = ""


PROVIDERS = {
    "cpu": Provider("CPUExecutionProvider", "onnxruntime", per_size=False),
    # left to itself, CUDA multiplies in tf32: 10 bits of mantissa
    "cuda": Provider(
        "CUDAExecutionProvider", "onnxruntime-gpu", "device_id", (), {"float32": {"use_tf32": "0"}}, per_size=False
    ),
    "tensorrt": Provider(
        "TensorrtExecutionProvider",
        "onnxruntime-gpu",
        "device_id",
        precisions={"float32": {}, "float16": {"trt_fp16_enable": "True"}, "bfloat16": {"trt_bf16_enable": "True"}},
        helper="cuda",
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
        "'onnxruntime-qnn<2'",  # from 2 on it is a plug-in of its own, with another interface
        "backend_type",
        ("htp", "gpu", "cpu"),
        {"float32": {"enable_htp_fp16_precision": "0"}, "float16": {"enable_htp_fp16_precision": "1"}},
        fixed_only=True,
    ),
    "directml": Provider("DmlExecutionProvider", "onnxruntime-directml", "device_id", at_a_time=False),
    "coreml": Provider("CoreMLExecutionProvider", "onnxruntime"),
}
"""Providers by what a context calls the device; ``cuda:1`` is the second of a kind, ``openvino:GPU`` one by name."""


def find_provider(spec: NetworkSpec, device: str, available: list[str]) -> tuple[str, str]:
    """Return the name of a device in ``PROVIDERS``, and which of its kind; a context may write it in any case.

    :param available: providers of this ONNX Runtime.
    :raises ContextError: naming what there is, and the package that brings what is not.
    """
    kind, colon, which = device.partition(":")
    kind = kind.lower()
    there = [name for name, provider in PROVIDERS.items() if provider.name in available]
    where = f"network {spec.name!r}: ONNX Runtime has no device {device!r}"
    if kind not in PROVIDERS:
        raise ContextError(
            f"{where}{did_you_mean(kind, PROVIDERS)}; here it has {there}, and with more packages {sorted(PROVIDERS)}"
        )
    provider = PROVIDERS[kind]
    if provider.name not in available:
        if provider.package == "onnxruntime":
            raise ContextError(f"{where} here; it has {there}; onnxruntime has it on Apple's computers")
        raise ContextError(
            f"{where} here; it has {there}; {provider.package} has it, in place of onnxruntime: "
            f"pip uninstall -y onnxruntime && pip install {provider.package}"
        )
    if not colon:
        return kind, provider.places[0] if provider.places else "0" if provider.which else ""
    named = next((place for place in provider.places if place.lower() == which.lower().partition(".")[0]), "")
    if named:
        return kind, named + which[len(named) :]
    if provider.places or not provider.which or not which.isdecimal():
        can = [f"{kind}:{place}" for place in provider.places] or ([kind, f"{kind}:1"] if provider.which else [kind])
        raise ContextError(f"{where}; write one of {can}")
    return kind, which


def provider_options(spec: NetworkSpec, context: Context, kind: str, which: str) -> dict[str, Any]:
    """What the provider is told.

    :raises ContextError: for a precision that it is not known to compute in, or options that there are not or that contradict the context.
    """
    provider = PROVIDERS[kind]
    where = f"network {spec.name!r}: the runtime 'onnx'"
    check_options(spec, context, kind)
    if context.precision not in provider.precisions:
        raise ContextError(
            f"{where} computes in {' or '.join(provider.precisions)} on {kind!r}, not in {context.precision}; change the context's "
            "'precision', or its 'runtime': 'openvino' and 'torch' know more of them"
        )
    told: dict[str, Any] = {provider.which: which} if provider.which else {}
    told |= provider.precisions[context.precision]
    if kind == "openvino" and which == "CPU":
        told["num_of_threads"] = str(context.threads)
    given = context.options.get("provider", {})
    if both := sorted(told.keys() & given.keys()):
        raise ContextError(
            f"{where}: 'options' gives {both} to the provider, which follows from the context's device, precision and threads"
        )
    return told | dict(given)


def check_options(spec: NetworkSpec, context: Context, kind: str) -> None:
    """Check the context's ``options``.

    They can name files and libraries; the core takes none from an addon that is not trusted.

    :raises ContextError: for a key that there is not, or a value that it cannot have.
    """
    where = f"network {spec.name!r}: the runtime 'onnx'"
    for key, value in context.options.items():
        if key not in OPTIONS:
            raise ContextError(f"{where} has no option {key!r}{did_you_mean(key, OPTIONS)}; it has {list(OPTIONS)}")
        if not isinstance(value, Mapping):
            raise ContextError(f"{where}: the option {key!r} is an object of what the {key} takes, not {value!r}")
        if key == "provider" and kind == "cpu" and value:
            raise ContextError(f"{where}: {PROVIDERS['cpu'].name} takes no options, and it is given {sorted(value)}")
