"""Which device a context names, and what it is told to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from voxstack import ContextError, did_you_mean
from voxstack.networks import Context, NetworkSpec

if TYPE_CHECKING:
    import openvino

PRECISIONS = {"float32": ("f32", "FP32"), "bfloat16": ("bf16", "BF16"), "float16": ("f16", "FP16")}
"""What OpenVINO calls a precision when it is told one, and when a device lists what it can do."""

CHOOSERS = ("AUTO", "MULTI", "HETERO", "BATCH")
OPTIONS = ("cache", "properties", "streams")
MOST_STREAMS = 8
"""Calls at a time, unless a context asks for more: each holds the network's intermediate results."""


def find_device(core: openvino.Core, spec: NetworkSpec, context: Context) -> str:
    """Return the device as OpenVINO calls it, such as ``CPU`` or ``GPU.1``; the context may write it in any case.

    :raises ContextError: naming the devices that there are, if this one is not there or would choose by itself.
    """
    device = context.device.upper()
    there = list(core.available_devices)
    where = f"network {spec.name!r}: OpenVINO"
    if device.partition(":")[0] in CHOOSERS:
        raise ContextError(
            f"{where}'s {context.device!r} chooses a device by itself, and takes another in silence; name one of {there}"
        )
    kind, _, number = device.partition(".")
    if device in there or (not number and f"{kind}.0" in there) or (number == "0" and kind != "CPU" and kind in there):
        return device
    needs = {
        "GPU": "; it needs a graphics card of Intel's and its driver",
        "NPU": "; it needs a processor with an NPU and its driver",
    }
    raise ContextError(f"{where} has no device {context.device!r} here; it has {there}{needs.get(kind, '')}")


def properties_of(core: openvino.Core, device: str, spec: NetworkSpec, context: Context) -> dict[str, Any]:
    """What OpenVINO is told when it compiles a network.

    The precision is always told: left to itself, OpenVINO takes the fastest that the hardware has. A CPU has a stream for each call
    that may run at a time, as calls that share one wait for each other; a stream has the context's threads, bound to no core.

    :raises ContextError: for a precision that the device does not compute in, or an option that there is not.
    """
    where = f"network {spec.name!r}: OpenVINO"
    check_options(spec, context)
    told, capability = PRECISIONS[context.precision]
    capabilities = core.get_property(device, "OPTIMIZATION_CAPABILITIES")
    if capability not in capabilities:
        can = [name for name, (_, known) in PRECISIONS.items() if known in capabilities]
        raise ContextError(
            f"{where}'s {device} does not compute in {context.precision} here; set 'precision' in the context to one of {can}"
        )
    properties: dict[str, Any] = {"INFERENCE_PRECISION_HINT": told, "PERFORMANCE_HINT": "LATENCY"}
    streams = context.options.get("streams")
    if device == "CPU":
        streams = streams or max(1, min(MOST_STREAMS, (os.cpu_count() or 1) // context.threads))
        properties |= {"INFERENCE_NUM_THREADS": streams * context.threads, "ENABLE_CPU_PINNING": False}
    if streams:
        properties["NUM_STREAMS"] = streams
    if "cache" in context.options:
        properties["CACHE_DIR"] = os.path.expanduser(context.options["cache"])
    return properties | dict(context.options.get("properties", {}))


def check_options(spec: NetworkSpec, context: Context) -> None:
    """Check the context's ``options``.

    They can name files; the core takes none from an addon that is not trusted.

    :raises ContextError: for a key that there is not, or a value that it cannot have.
    """
    where = f"network {spec.name!r}: the runtime 'openvino'"
    for key, value in context.options.items():
        if key not in OPTIONS:
            raise ContextError(f"{where} has no option {key!r}{did_you_mean(key, OPTIONS)}; it has {list(OPTIONS)}")
        fits, wanted = {
            "cache": (isinstance(value, str) and value != "", "a folder"),
            "properties": (isinstance(value, Mapping), "an object of OpenVINO's properties"),
            "streams": (
                isinstance(value, int) and not isinstance(value, bool) and value >= 1,
                "a number of calls at a time from 1 up",
            ),
        }[key]
        if not fits:
            raise ContextError(f"{where}: the option {key!r} is {wanted}, not {value!r}")


def found(
    core: openvino.Core, device: str, compiled: openvino.CompiledModel, spec: NetworkSpec, context: Context
) -> dict[str, Any]:
    """What a compiled network runs in: ``device``, ``provider``, ``precision``, ``version``, and on a CPU ``threads``.

    :raises ContextError: if that is another precision than the context's; OpenVINO says nothing when it takes another.
    """
    import openvino

    facts = {
        "device": device,
        "provider": str(core.get_property(device, "FULL_DEVICE_NAME")),
        "precision": _precision(compiled) or context.precision,
        "version": openvino.__version__.partition("-")[0],
    }
    if facts["precision"] != context.precision:
        raise ContextError(
            f"network {spec.name!r}: OpenVINO computes in {facts['precision']} on {device}, and the context asks for {context.precision}; "
            "change its 'precision', or the property that says otherwise in its 'options'"
        )
    if device == "CPU":
        facts["threads"] = max(
            1, compiled.get_property("INFERENCE_NUM_THREADS") // compiled.get_property("NUM_STREAMS")
        )
    return facts


def _precision(compiled: openvino.CompiledModel) -> str | None:
    """What the network is computed in; None where the device does not say."""
    try:
        hint = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    except RuntimeError:
        return None
    return next((name for name, (told, _) in PRECISIONS.items() if told == hint), hint)
