"""The available devices: those on which a minimal network opens."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from voxstack_onnx_runtime.providers import PROVIDERS, Provider
from voxstack_onnx_runtime.telemetry import switch_off_telemetry

_NETWORK = bytes.fromhex(
    "08083a350a0c0a0178120179220452656c751201675a100a0178120b0a09080112050a0312016e62100a0179120b0a09080112050a0312016e42040a00100d"
)
"""A network of one node, Relu from x to y."""

MAX_DEVICES = 16
"""Devices of one kind that are probed."""


def available_devices() -> Iterator[str]:
    """Yield the names of the devices, as a context names them."""
    switch_off_telemetry()
    import onnxruntime

    available = onnxruntime.get_available_providers()
    for kind, provider in PROVIDERS.items():
        if provider.name in available:
            yield from _devices_of_kind(kind, provider)


def _devices_of_kind(kind: str, provider: Provider) -> Iterator[str]:
    if provider.device_names:
        yield from (f"{kind}:{name}" for name in provider.device_names if _opens(provider, name))
    elif not provider.selector:
        yield from [kind] if _opens(provider, "") else []
    else:
        numbers = itertools.takewhile(lambda number: _opens(provider, str(number)), range(MAX_DEVICES))
        yield from (f"{kind}:{number}" if number else kind for number in numbers)


def _opens(provider: Provider, selected: str) -> bool:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.enable_mem_pattern = False
    requested = (provider.name, {provider.selector: selected} if provider.selector else {})
    try:
        session = onnxruntime.InferenceSession(_NETWORK, options, providers=[requested], enable_fallback=0)
    except Exception:  # whatever the error, the device is unavailable
        return False
    return bool(session.get_providers()[:1] == [provider.name])
