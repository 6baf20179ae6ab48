"""Opens networks with the runtimes and wrappers of the installed plugins."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from voxstack.errors import ContextError
from voxstack.networks.network import Network
from voxstack.streaming.forks import renew_after_fork
from voxstack_addon_spec import Context, NetworkSpec
from voxstack_addon_spec.contexts import MEANT
from voxstack_addon_spec.refusals import find_refusal
from voxstack_addon_spec.sizes import fixed_axes
from voxstack_addon_spec.wording import did_you_mean

if TYPE_CHECKING:
    from voxstack.registry import Registry


_HOMES = {"onnx": "voxstack-onnx-runtime", "openvino": "voxstack-openvino-runtime", "torch": "voxstack-torch-runtime"}
"""The distributions of this project that bring runtimes."""


class NetworkPool:
    """Opens each network once per context while it is in use, so that voices share their common networks."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._networks: WeakValueDictionary[tuple[object, ...], Network] = WeakValueDictionary()
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Renew the lock: who held it in the parent is gone."""
        self._lock = threading.Lock()

    def open(self, spec: NetworkSpec, context: Context) -> Network:
        """Open a network in a context, or return the one that is open.

        :raises ContextError: if no plugin brings the runtime, or none fits calls to the fixed shapes of the context; or
            if the network was measured to compute something else there.
        """
        if refusal := find_refusal(spec.refusals, context):
            raise ContextError(
                f"network {spec.name!r} is refused in {refusal.context}: when the addon was made, {refusal.reason}; "
                "choose another context, such as 'onnx:cpu', or measure it again with the version that is installed: "
                "python -m voxstack_packager FOLDER"
            )
        key = (spec.digest, spec.trusted, context.key())
        with self._lock:
            network = self._networks.get(key)
            if network is None:
                layers = self._layers(spec, context)
                network = self._networks[key] = Network(spec, context, [*layers.values()][-1], layers)
        return network

    def _layers(self, spec: NetworkSpec, context: Context) -> dict[str, Any]:
        """Return what opened the network and what wraps it, by plugin, the runtime first."""
        registry = self._registry
        layers: dict[str, Any] = {}
        for impl in registry.implementations("voxstack_open_network"):
            run = registry.call(impl, spec=spec, context=context)
            if run is not None:
                layers[impl.plugin_name] = run
                break
        else:
            raise ContextError(f"network {spec.name!r}: {_unknown_runtime(context.runtime, registry)}")
        fixed = False
        for impl in registry.implementations("voxstack_wrap_network"):
            wrapper = registry.call(impl, network=[*layers.values()][-1], spec=spec, context=context)
            if wrapper is not None:
                layers[impl.plugin_name] = wrapper
                fixed = fixed or getattr(wrapper, "fixed_shapes", False)
        if not fixed and (axes := fixed_axes(spec, context)):
            raise ContextError(
                f"network {spec.name!r}: the context asks for fixed shapes {axes}, and no plugin keeps to them; "
                "try: pip install voxstack-fixed-shapes"
            )
        return layers


def _unknown_runtime(runtime: str, registry: Registry) -> str:
    """Return an error message for a runtime that no plugin brings."""
    problem, broken = f"no runtime named {runtime!r} is installed", registry.broken_plugins_note()
    if runtime in _HOMES:
        return f"{problem}; try: pip install {_HOMES[runtime]}{broken}"
    if meant := MEANT.get(runtime.lower()):
        return f"{problem}; did you mean {meant!r}?{broken}"
    if advice := did_you_mean(runtime, _HOMES):
        return f"{problem}{advice}{broken}"
    found = sorted({device.partition(":")[0] for device in available_devices(registry)})  # imports them
    advice = did_you_mean(runtime, found, f"there are {', '.join(found) or 'none'}")
    return f"{problem}{advice}{broken}"


def available_devices(registry: Registry, formats: Collection[str] | None = None) -> dict[str, str]:
    """Return the devices that can be used on this machine, as ``runtime:device``, each with the plugin that brings it.

    Runtimes are imported for it. A plugin that fails is added to ``registry.broken``; the others are still listed.

    :param formats: of the exports that are to be run; runtimes that run none of them may be left out.
    """
    found: dict[str, str] = {}
    for impl in registry.implementations("voxstack_devices"):
        try:
            devices = impl.function(*([formats] if "formats" in impl.argnames else []))
            found.update({str(device): impl.plugin_name for device in devices})
        except Exception as error:  # a third party's mistake must not take the others down; it is reported
            registry.broken[impl.plugin_name] = error
    return dict(sorted(found.items()))


def resolve_context(registry: Registry, name: str, config: Mapping[str, Any]) -> str | Mapping[str, Any] | None:
    """Return the context that a plugin gives for a name which the addon does not define; None if none knows it."""
    answers = (registry.call(impl, name=name, addon=config) for impl in registry.implementations("voxstack_context"))
    found: str | Mapping[str, Any] | None = next((answer for answer in answers if answer is not None), None)
    return found
