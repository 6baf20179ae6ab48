"""Which devices there are: those on which something small opens."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from voxstack_onnx_runtime.providers import PROVIDERS, Provider

_NETWORK = bytes.fromhex(
    "08083a350a0c0a0178120179220452656c751201675a100a0178120b0a09080112050a0312016e62100a0179120b0a09080112050a0312016e42040a00100d"
)
"""A network of one node, Relu from x to y."""

MOST = 16
"""Devices of one kind that are looked for."""


def devices() -> Iterator[str]:
    """Names of the devices, as a context gives them."""
    import onnxruntime

    available = onnxruntime.get_available_providers()
    for kind, provider in PROVIDERS.items():
        if provider.name in available:
            yield from _of_kind(kind, provider)


def _of_kind(kind: str, provider: Provider) -> Iterator[str]:
    if provider.places:
        yield from (f"{kind}:{place}" for place in provider.places if _opens(provider, place))
    elif not provider.which:
        yield from [kind] if _opens(provider, "") else []
    else:
        numbers = itertools.takewhile(lambda number: _opens(provider, str(number)), range(MOST))
        yield from (f"{kind}:{number}" if number else kind for number in numbers)


def _opens(provider: Provider, which: str) -> bool:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.enable_mem_pattern = False
    told = (provider.name, {provider.which: which} if provider.which else {})
    try:
        session = onnxruntime.InferenceSession(_NETWORK, options, providers=[told], enable_fallback=0)
    except Exception:  # whatever it says, the device cannot be had
        return False
    return bool(session.get_providers()[:1] == [provider.name])
