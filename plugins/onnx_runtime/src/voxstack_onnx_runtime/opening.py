"""Opens a network in ONNX Runtime: one session for all sizes, or one for each that a context declares."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import ContextError, NetworkError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import PerSize, fixed_axes, require_all_fixed
from voxstack_onnx_runtime.providers import PROVIDERS, Provider, find_provider, provider_options

if TYPE_CHECKING:
    import onnxruntime

Told = Sequence[tuple[str, dict[str, Any]]]
"""Providers with their options, as a session takes them."""


def open_network(spec: NetworkSpec, context: Context) -> Runner:
    """Return the network as a callable on named arrays.

    One thread a call unless the context asks for more, and idle threads never spin: two sessions that spin are slower than
    one thread. An ONNX file holds no code; its external data must lie in the addon, which ONNX Runtime checks.

    :raises ContextError: for what the context asks and cannot be had here, or a network without an ``onnx`` export.
    :raises NetworkError: if the file cannot be read, or it is another network than the addon declares.
    """
    import onnxruntime

    available = onnxruntime.get_available_providers()
    kind, which = find_provider(spec, context.device, available)
    provider = PROVIDERS[kind]
    device = kind if which in ("", "0") else f"{kind}:{which}"
    told = [(provider.name, provider_options(spec, context, kind, which))]
    if provider.helper and PROVIDERS[provider.helper].name in available:
        told.append((PROVIDERS[provider.helper].name, {"device_id": which}))
    if provider.fixed_only:
        require_all_fixed(spec, context, f"ONNX Runtime's {provider.name}")
    path = spec.export("onnx", "onnx")

    def opened(sizes: Mapping[str, int]) -> Runner:
        return Session(spec, context, device, provider, _session(spec, context, path, told, sizes), sizes)

    if not fixed_axes(spec, context):
        return opened({})
    if provider.per_size:
        return PerSize(spec, context, opened)
    return AllSizes(spec, context, opened({}))


class AllSizes(PerSize):
    """One session that takes the declared sizes and no others, for providers that plan at each call.

    A session for each size would take no less time a call, and hold the weights once more.
    """

    def __init__(self, spec: NetworkSpec, context: Context, session: Runner) -> None:
        super().__init__(spec, context, lambda sizes: session)

    @property
    def stats(self) -> Mapping[str, Any]:
        """``compilations``: the one, when it was opened."""
        return {"compilations": 1}


class Session:
    """A session as a callable on named arrays, from any number of threads at once.

    :param sizes: that it was made for; empty: any.
    :raises ContextError: if it does not run on the provider. ONNX Runtime goes on without one that does not load, and only warns.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        context: Context,
        device: str,
        provider: Provider,
        session: onnxruntime.InferenceSession,
        sizes: Mapping[str, int],
    ) -> None:
        import onnxruntime

        self._spec, self._session = spec, session
        inputs, outputs = session.get_inputs(), [output.name for output in session.get_outputs()]
        self._outputs = outputs
        _check_names(spec, [i.name for i in inputs], outputs)
        runs_on = _runs_on(spec, context, device, provider, session)
        _check_sizes(spec, {i.name: i.shape for i in inputs}, sizes)
        self._turn = None if provider.at_a_time else threading.Lock()
        self.stats = {"compilations": 1}
        self.effective = {"device": device, "provider": runs_on, "version": onnxruntime.__version__}

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: if ONNX Runtime fails.
        """
        try:
            if self._turn is None:
                made = self._session.run(self._outputs, tensors)
            else:
                with self._turn:
                    made = self._session.run(self._outputs, tensors)
        except Exception as error:  # its errors share no base class of their own
            raise NetworkError(f"network {self._spec.name!r}: ONNX Runtime failed: {error}") from error
        return dict(zip(self._outputs, made, strict=True))


def _session(
    spec: NetworkSpec, context: Context, path: Path, told: Told, sizes: Mapping[str, int]
) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = context.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    first = told[0][0]
    if first == PROVIDERS["directml"].name:
        options.enable_mem_pattern = False  # it knows none
    entries = {
        "session.force_spinning_stop": "1",
        "session.record_ep_graph_assignment_info": "0" if first == PROVIDERS["cpu"].name else "1",
    }
    for key, value in {**entries, **context.options.get("session", {})}.items():
        options.add_session_config_entry(key, str(value))
    for axis, size in sizes.items():
        options.add_free_dimension_override_by_name(axis, size)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=list(told), enable_fallback=0)
    except Exception as error:  # its errors share no base class of their own
        if first == PROVIDERS["cpu"].name:
            raise NetworkError(f"network {spec.name!r}: ONNX Runtime cannot open {path.name}: {error}") from error
        at = f" at the sizes {dict(sizes)}" if sizes else ""
        raise ContextError(
            f"network {spec.name!r}: ONNX Runtime cannot open {path.name} on {context.device!r}{at} ({first}): {error}"
        ) from error


def _runs_on(
    spec: NetworkSpec, context: Context, device: str, provider: Provider, session: onnxruntime.InferenceSession
) -> str:
    """The provider, and how much of the network others run where it does not take all.

    :raises ContextError: if it runs nothing of it.
    """
    where = f"network {spec.name!r}: ONNX Runtime"
    running = session.get_providers()
    if running[:1] != [provider.name]:
        asked = "" if context.precision == "float32" else f", and does it compute in {context.precision}"
        raise ContextError(
            f"{where} has {provider.name}, and it does not start on {device!r}; instead of it there would be {running[0]}. Is the "
            f"device there, with its driver and libraries{asked}? ONNX Runtime logged the cause"
        )
    if provider.name == PROVIDERS["cpu"].name or not hasattr(session, "get_provider_graph_assignment_info"):
        return provider.name
    nodes: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        nodes[part.ep_name] += len(part.get_nodes())
    own = nodes.pop(provider.name, 0)
    if not own and nodes:
        raise ContextError(
            f"{where}: {provider.name} takes no part of this network; all of it would run on {', '.join(nodes)}"
        )
    others = ", ".join(f"{count} on {name}" for name, count in nodes.items())
    return f"{provider.name} ({own} nodes; {others})" if others else provider.name


def _check_names(spec: NetworkSpec, inputs: list[str], outputs: list[str]) -> None:
    for side, declared, found in (("inputs", spec.inputs, inputs), ("outputs", spec.outputs, outputs)):
        if set(declared) != set(found):
            raise NetworkError(
                f"network {spec.name!r}: the file has the {side} {sorted(found)}, and the addon declares {sorted(declared)}"
            )


def _check_sizes(spec: NetworkSpec, found: Mapping[str, Sequence[Any]], sizes: Mapping[str, int]) -> None:
    """Sizes are given by the names of axes, and what has another name in the file would stay free."""
    for name, tensor in spec.inputs.items():
        for axis, has in zip(tensor.shape, found[name], strict=False):
            if axis in sizes and has != sizes[axis]:
                raise NetworkError(
                    f"network {spec.name!r}, input {name!r}: the file calls {has!r} the axis that the addon declares as {axis!r}; "
                    "export it with the same names, as sizes are given by them"
                )
