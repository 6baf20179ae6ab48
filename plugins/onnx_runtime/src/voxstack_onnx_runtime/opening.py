"""Opening of networks in ONNX Runtime, with one session for all sizes or one for each declared size."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxstack import ContextError, NetworkError, VoxstackError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import PerSize, fixed_axes, require_all_fixed
from voxstack_addon_spec.wording import short_repr
from voxstack_onnx_runtime.devices import find_device, provider_options
from voxstack_onnx_runtime.graph_cache import GraphCache, graph_key, has_content_hash, store_optimized, user_cache
from voxstack_onnx_runtime.providers import PROVIDERS
from voxstack_onnx_runtime.session import Session
from voxstack_onnx_runtime.spare_core import THREADS, SpareCore, is_worthwhile
from voxstack_onnx_runtime.telemetry import switch_off_telemetry

if TYPE_CHECKING:
    import onnxruntime

Providers = Sequence[tuple[str, dict[str, Any]]]
"""Providers in order of preference, each with its options, as a session accepts them."""


def open_network(spec: NetworkSpec, context: Context) -> Runner:
    """Return the network as a callable on named arrays.

    A call uses one thread unless the context requests more, and idle threads never spin: two sessions that spin are
    slower than one thread. An ONNX file holds no code, and refers to no file but the declared parameters.

    :raises ContextError: if something that the context requests is unavailable, or the network has no ``onnx`` export.
    :raises AddonError: if the files are not those that the addon lists, or refer to others.
    :raises NetworkError: if the file cannot be read, or holds another network than the addon declares.
    """
    switch_off_telemetry()
    import onnxruntime

    available = onnxruntime.get_available_providers()
    kind, selected = find_device(spec, context.device, available)
    provider = PROVIDERS[kind]
    device = kind if selected in ("", "0") else f"{kind}:{selected}"
    providers = [(provider.name, provider_options(spec, context, kind, selected))]
    if provider.fallback and PROVIDERS[provider.fallback].name in available:
        providers.append((PROVIDERS[provider.fallback].name, {"device_id": selected}))
    if provider.fixed_only:
        require_all_fixed(spec, context, f"ONNX Runtime's {provider.name}")

    def reopen(context: Context, sizes: Mapping[str, int]) -> onnxruntime.InferenceSession:
        with spec.opening("onnx", "onnx") as path:
            return _inference_session(spec, context, path, providers, sizes)

    with spec.opening("onnx", "onnx") as path:

        def open_session(sizes: Mapping[str, int], context: Context = context) -> Runner:
            session = _inference_session(spec, context, path, providers, sizes)
            return Session(spec, context, device, provider, session, sizes, lambda: reopen(context, sizes))

        if not fixed_axes(spec, context):
            one = open_session({})
            if not is_worthwhile(spec, context, provider):
                return one
            return SpareCore(one, open_session({}, replace(context, threads=THREADS)))
        if provider.per_size:
            return PerSize(spec, context, open_session)
        return SharedSession(spec, context, open_session({}))


class SharedSession(PerSize):
    """One session that accepts the declared sizes and no others, for providers that plan at each call.

    A session for each size would take as long per call, and hold the weights once more.
    """

    def __init__(self, spec: NetworkSpec, context: Context, session: Runner) -> None:
        super().__init__(spec, context, lambda sizes: session)

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counters: ``compilations``, one, which happened when the network was opened."""
        return {"compilations": 1}


def _inference_session(
    spec: NetworkSpec, context: Context, path: Path, providers: Providers, sizes: Mapping[str, int]
) -> onnxruntime.InferenceSession:
    import onnxruntime

    first = providers[0][0]
    cache = user_cache() if first == PROVIDERS["cpu"].name and has_content_hash(spec) else None
    try:
        if cache is not None and (session := _cached_session(cache, spec, context, path, providers, sizes)):
            return session
        options = _session_options(spec, context, first, sizes)
        return onnxruntime.InferenceSession(str(path), options, providers=list(providers), enable_fallback=0)
    except VoxstackError:
        raise
    except Exception as error:  # the errors of ONNX Runtime share no base class of their own
        if first == PROVIDERS["cpu"].name:
            raise NetworkError(f"network {spec.name!r}: ONNX Runtime cannot open {path.name}: {error}") from error
        at = f" at the sizes {dict(sizes)}" if sizes else ""
        raise ContextError(
            f"network {spec.name!r}: ONNX Runtime cannot open {path.name} on {context.device!r}{at} ({first}): {error}"
        ) from error


def _cached_session(
    cache: GraphCache,
    spec: NetworkSpec,
    context: Context,
    path: Path,
    providers: Providers,
    sizes: Mapping[str, int],
) -> onnxruntime.InferenceSession | None:
    """Return a session with the graph as this machine has optimized it before, or optimize and keep it now.

    None if neither can be done.
    """
    import onnxruntime

    def open_session(graph: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(str(graph), options, providers=list(providers), enable_fallback=0)

    options = _session_options(spec, context, providers[0][0], sizes)
    key = graph_key(spec, providers[0][0], sizes, context.options.get("session", {}))
    optimized = cache.find(key)
    if optimized is not None:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            return open_session(optimized, options)
        except Exception:  # the errors of ONNX Runtime share no base class of their own
            cache.discard(key, unusable=True)
    with contextlib.suppress(Exception), cache.storing(key) as target:  # the disk may be full
        if target is not None:
            options = _session_options(spec, context, providers[0][0], sizes)
            store_optimized(options, target)
            return open_session(path, options)
    return None


def _session_options(
    spec: NetworkSpec, context: Context, provider: str, sizes: Mapping[str, int]
) -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = context.usable_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if provider == PROVIDERS["directml"].name:
        options.enable_mem_pattern = False  # DirectML does not support it
    entries = {
        "session.force_spinning_stop": "1",
        "session.intra_op.allow_spinning": "1" if context.usable_threads <= (os.cpu_count() or 1) else "0",
        "session.load_model_format": "ONNX",  # whatever the file's name
        "session.record_ep_graph_assignment_info": "0" if provider == PROVIDERS["cpu"].name else "1",
    }
    for axis, size in sizes.items():
        options.add_free_dimension_override_by_name(axis, size)
    for key, value in {**entries, **context.options.get("session", {})}.items():
        try:
            options.add_session_config_entry(key, str(value))
        except Exception as error:
            raise ContextError(
                f"network {spec.name!r}: ONNX Runtime accepts no 'session' option {short_repr(key)} that is "
                f"{short_repr(value)}; write text of at most 1024 and 8192 characters"
            ) from error
    return options
