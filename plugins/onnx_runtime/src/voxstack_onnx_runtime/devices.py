"""Resolution of a context's device to a provider of ONNX Runtime, and its options."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from voxstack import ContextError, did_you_mean
from voxstack.networks import Context, NetworkSpec
from voxstack_onnx_runtime.providers import PROVIDERS, Provider

OPTIONS = ("provider", "session")


def find_device(spec: NetworkSpec, device: str, available: Collection[str]) -> tuple[str, str]:
    """Return the kind of a device, a key of ``PROVIDERS``, and the device of that kind that is selected.

    :param device: from a context, in any case.
    :param available: names of the providers of this ONNX Runtime.
    :raises ContextError: stating the available devices, and the package that provides the requested one.
    """
    kind, colon, selected = device.partition(":")
    kind = kind.lower()
    present = [name for name, provider in PROVIDERS.items() if provider.name in available]
    where = f"network {spec.name!r}: ONNX Runtime has no device {device!r}"
    if kind not in PROVIDERS:
        raise ContextError(
            f"{where}{did_you_mean(kind, PROVIDERS)}; here it has {present}, and with more packages {sorted(PROVIDERS)}"
        )
    provider = PROVIDERS[kind]
    if provider.name not in available:
        raise ContextError(f"{where} here; it has {present}; {_remedy(provider)}")
    if not colon:
        return kind, provider.device_names[0] if provider.device_names else "0" if provider.selector else ""
    prefix = selected.lower().partition(".")[0]
    named = next((name for name in provider.device_names if name.lower() == prefix), "")
    if named:
        return kind, named + selected[len(named) :]
    if provider.device_names or not provider.selector or not selected.isdecimal():
        raise ContextError(f"{where}; write one of {_accepted(kind, provider)}")
    return kind, selected


def _remedy(provider: Provider) -> str:
    if provider.package == "onnxruntime":
        return "onnxruntime has it on Apple's computers"
    return (
        f"{provider.package} has it, in place of onnxruntime: "
        f"pip uninstall -y onnxruntime && pip install {provider.package}"
    )


def _accepted(kind: str, provider: Provider) -> list[str]:
    if provider.device_names:
        return [f"{kind}:{name}" for name in provider.device_names]
    return [kind, f"{kind}:1"] if provider.selector else [kind]


def provider_options(spec: NetworkSpec, context: Context, kind: str, selected: str) -> dict[str, Any]:
    """Return the options of the provider.

    :param kind: of the device, and ``selected``, as :func:`find_device` returns them.
    :raises ContextError: for a precision that the provider is not documented to compute in, or options that do not
        exist or contradict the context.
    """
    provider = PROVIDERS[kind]
    where = f"network {spec.name!r}: the runtime 'onnx'"
    _check_options(spec, context, kind)
    if context.precision not in provider.precisions:
        raise ContextError(
            f"{where} computes in {' or '.join(provider.precisions)} on {kind!r}, not in {context.precision}; change "
            "the context's 'precision', or its 'runtime': 'openvino' and 'torch' support more of them"
        )
    options: dict[str, Any] = {provider.selector: selected} if provider.selector else {}
    options |= provider.precisions[context.precision]
    if kind == "openvino" and selected == "CPU":
        options["num_of_threads"] = str(context.usable_threads)
    requested = context.options.get("provider", {})
    if both := sorted(options.keys() & requested.keys()):
        raise ContextError(
            f"{where}: 'options' passes {both} to the provider, which follows from the context's device, precision and "
            "threads; leave it out"
        )
    return options | dict(requested)


def _check_options(spec: NetworkSpec, context: Context, kind: str) -> None:
    """Check the context's ``options``.

    They can name files and libraries; the core accepts none from an untrusted addon.

    :raises ContextError: for an unknown key, or a value of the wrong type.
    """
    where = f"network {spec.name!r}: the runtime 'onnx'"
    for key, value in context.options.items():
        if key not in OPTIONS:
            raise ContextError(f"{where} has no option {key!r}{did_you_mean(key, OPTIONS)}; it has {list(OPTIONS)}")
        if not isinstance(value, Mapping):
            raise ContextError(f"{where}: the option {key!r} is an object with options of the {key}, not {value!r}")
        if key == "provider" and kind == "cpu" and value:
            raise ContextError(
                f"{where}: {PROVIDERS['cpu'].name} has no options, and the context passes {sorted(value)}; leave them "
                "out"
            )
