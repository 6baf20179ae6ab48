"""The devices that contexts name, the properties that networks are compiled with, and the context in effect."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from voxstack import ContextError, did_you_mean
from voxstack.networks import Context, NetworkSpec

if TYPE_CHECKING:
    import openvino

PRECISIONS = {"float32": ("f32", "FP32"), "bfloat16": ("bf16", "BF16"), "float16": ("f16", "FP16")}
"""By precision: its name in OpenVINO's precision hint, and its name in the capabilities of a device."""

AUTOMATIC_DEVICES = ("AUTO", "MULTI", "HETERO", "BATCH")
OPTIONS = ("cache", "properties", "streams")
MAX_STREAMS = 8
"""Concurrent calls, unless a context requests more: each holds the network's intermediate results."""


_CORE_LOCK = threading.Lock()


def shared_core() -> openvino.Core:
    """Return the one ``Core`` of this process, which is never freed.

    OpenVINO gives the thread that first uses the CPU in a ``Core`` another stack for signals, and frees that with the
    ``Core``. It takes the stack back only on that thread, and only if no other ``Core`` has replaced it since;
    otherwise the next Ctrl-C would end the process with a segmentation fault.
    """
    with _CORE_LOCK:
        return _core()


@functools.cache
def _core() -> openvino.Core:
    import openvino

    return openvino.Core()


def find_device(core: openvino.Core, spec: NetworkSpec, context: Context) -> str:
    """Return OpenVINO's name of the device, such as ``CPU`` or ``GPU.1``; the context may name it in any case.

    :raises ContextError: listing the available devices, if this one is unavailable or would choose by itself.
    """
    device = context.device.upper()
    available = list(core.available_devices)
    where = f"network {spec.name!r}: OpenVINO"
    if device.partition(":")[0] in AUTOMATIC_DEVICES:
        raise ContextError(
            f"{where}'s {context.device!r} chooses a device by itself, and changes to another silently; name one of "
            f"{available}"
        )
    kind, _, number = device.partition(".")
    present = device in available or (not number and f"{kind}.0" in available)
    if present or (number == "0" and kind != "CPU" and kind in available):
        return device
    requirements = {
        "GPU": "; it needs an Intel graphics processor and its driver",
        "NPU": "; it needs a processor with an NPU and its driver",
    }
    raise ContextError(f"{where} has no device {context.device!r} here; it has {available}{requirements.get(kind, '')}")


def compile_properties(core: openvino.Core, device: str, spec: NetworkSpec, context: Context) -> dict[str, Any]:
    """Return the properties that OpenVINO compiles a network with.

    The precision is always set: by default, OpenVINO chooses the fastest that the hardware has. A CPU has a stream for
    each concurrent call, as calls that share one wait for each other; a stream has the context's threads, bound to no
    core.

    :raises ContextError: for a precision that the device does not compute in, or an option that does not exist.
    """
    where = f"network {spec.name!r}: OpenVINO"
    _check_options(spec, context)
    hint, capability = PRECISIONS[context.precision]
    capabilities = core.get_property(device, "OPTIMIZATION_CAPABILITIES")
    if capability not in capabilities:
        supported = [name for name, (_, known) in PRECISIONS.items() if known in capabilities]
        raise ContextError(
            f"{where}'s {device} does not compute in {context.precision} here; set 'precision' in the context to one "
            f"of {supported}"
        )
    properties: dict[str, Any] = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"}
    streams = context.options.get("streams")
    if device == "CPU":
        streams = streams or max(1, min(MAX_STREAMS, (os.cpu_count() or 1) // context.usable_threads))
        properties |= {"INFERENCE_NUM_THREADS": streams * context.usable_threads, "ENABLE_CPU_PINNING": False}
    if streams:
        properties["NUM_STREAMS"] = streams
    if "cache" in context.options:
        properties["CACHE_DIR"] = os.path.expanduser(context.options["cache"])
    return properties | dict(context.options.get("properties", {}))


def _check_options(spec: NetworkSpec, context: Context) -> None:
    """Check the context's ``options``.

    They can name files; the core accepts none from an untrusted addon.

    :raises ContextError: for an unknown key, or a value that it cannot have.
    """
    where = f"network {spec.name!r}: the runtime 'openvino'"
    for key, value in context.options.items():
        if key not in OPTIONS:
            raise ContextError(f"{where} has no option {key!r}{did_you_mean(key, OPTIONS)}; it has {list(OPTIONS)}")
        valid, description = {
            "cache": (isinstance(value, str) and value != "", "a folder"),
            "properties": (isinstance(value, Mapping), "an object of OpenVINO's properties"),
            "streams": (
                isinstance(value, int) and not isinstance(value, bool) and value >= 1,
                "a number of concurrent calls, 1 or more",
            ),
        }[key]
        if not valid:
            raise ContextError(f"{where}: the option {key!r} is {description}, not {value!r}")


def effective_context(
    core: openvino.Core, device: str, compiled: openvino.CompiledModel, spec: NetworkSpec, context: Context
) -> dict[str, Any]:
    """Return ``device``, ``provider``, ``precision`` and ``version`` of a compiled network, and on a CPU ``threads``.

    :raises ContextError: if the precision is not the context's; OpenVINO does not report it when it chooses another.
    """
    import openvino

    effective: dict[str, Any] = {
        "device": device,
        "provider": str(core.get_property(device, "FULL_DEVICE_NAME")),
        "precision": _precision(compiled) or context.precision,
        "version": openvino.__version__.partition("-")[0],
    }
    if effective["precision"] != context.precision:
        raise ContextError(
            f"network {spec.name!r}: OpenVINO computes in {effective['precision']} on {device}, and the context "
            f"requests {context.precision}; change its 'precision', or the conflicting property in its 'options'"
        )
    if device == "CPU":
        threads = compiled.get_property("INFERENCE_NUM_THREADS") // compiled.get_property("NUM_STREAMS")
        effective["threads"] = max(1, threads)
    return effective


def _precision(compiled: openvino.CompiledModel) -> str | None:
    """Return the precision that a network computes in; None if the device does not report it."""
    try:
        hint = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    except RuntimeError:
        return None
    return next((name for name, (known, _) in PRECISIONS.items() if known == hint), hint)
