"""Sessions of ONNX Runtime as callables on named arrays."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from voxstack import ContextError, NetworkError
from voxstack.networks import Context, NetworkSpec
from voxstack_onnx_runtime.providers import PROVIDERS, Provider

if TYPE_CHECKING:
    import onnxruntime


class Session:
    """A session as a callable on named arrays, which any number of threads may call at once.

    :param device: its effective name.
    :param session: opened with ``provider``.
    :param sizes: the sizes that it was compiled for, by axis; empty: any.
    :raises ContextError: if it does not run on the provider. ONNX Runtime continues without a provider that does not
        load, and only logs a warning.
    :raises NetworkError: if its inputs, outputs or axes are not those that the addon declares.
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
        effective_provider = _effective_provider(spec, context, device, provider, session)
        _check_sizes(spec, {i.name: i.shape for i in inputs}, sizes)
        self._exclusive: AbstractContextManager[Any] = nullcontext() if provider.concurrent else threading.Lock()
        self.stats = {"compilations": 1}
        self.effective = {"device": device, "provider": effective_provider, "version": onnxruntime.__version__}

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once.

        :raises NetworkError: if ONNX Runtime fails.
        """
        try:
            with self._exclusive:
                outputs = self._session.run(self._outputs, tensors)
        except Exception as error:  # the errors of ONNX Runtime share no base class of their own
            raise NetworkError(f"network {self._spec.name!r}: ONNX Runtime failed: {error}") from error
        return dict(zip(self._outputs, outputs, strict=True))


def _effective_provider(
    spec: NetworkSpec, context: Context, device: str, provider: Provider, session: onnxruntime.InferenceSession
) -> str:
    """Return the provider and, if it does not run all of the network, the number of nodes that other providers run.

    :raises ContextError: if it runs no part of the network.
    """
    where = f"network {spec.name!r}: ONNX Runtime"
    running = session.get_providers()
    if running[:1] != [provider.name]:
        precision = "" if context.precision == "float32" else f", and does it compute in {context.precision}"
        raise ContextError(
            f"{where} has {provider.name}, and it does not start on {device!r}; {running[0]} would run instead. Is the "
            f"device available, with its driver and libraries{precision}? ONNX Runtime logged the cause"
        )
    if provider.name == PROVIDERS["cpu"].name or not hasattr(session, "get_provider_graph_assignment_info"):
        return provider.name
    nodes: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        nodes[part.ep_name] += len(part.get_nodes())
    own = nodes.pop(provider.name, 0)
    if not own and nodes:
        raise ContextError(
            f"{where}: {provider.name} supports no part of this network; all of it would run on {', '.join(nodes)}; "
            "choose another device"
        )
    others = ", ".join(f"{count} on {name}" for name, count in nodes.items())
    return f"{provider.name} ({own} nodes; {others})" if others else provider.name


def _check_names(spec: NetworkSpec, inputs: list[str], outputs: list[str]) -> None:
    for side, declared, found in (("inputs", spec.inputs, inputs), ("outputs", spec.outputs, outputs)):
        if set(declared) != set(found):
            raise NetworkError(
                f"network {spec.name!r}: the file has the {side} {sorted(found)}, and the addon declares "
                f"{sorted(declared)}; package the network again"
            )


def _check_sizes(spec: NetworkSpec, shapes: Mapping[str, Sequence[Any]], sizes: Mapping[str, int]) -> None:
    """Check that the file names its axes as the addon does: sizes are set by name, and other axes would stay free.

    :param shapes: of the inputs of the session.
    """
    for name, tensor in spec.inputs.items():
        for axis, found in zip(tensor.shape, shapes[name], strict=False):
            if isinstance(axis, str) and axis in sizes and found != sizes[axis]:
                raise NetworkError(
                    f"network {spec.name!r}, input {name!r}: the file names an axis {found!r} that the addon declares "
                    f"as {axis!r}; export it with the same names, as sizes are set by them"
                )
