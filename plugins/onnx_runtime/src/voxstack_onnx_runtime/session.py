"""Sessions of ONNX Runtime as callables on named arrays."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from voxstack import ContextError, NetworkError, VoxstackError
from voxstack.networks import Context, NetworkSpec
from voxstack.streaming.forks import renew_after_fork
from voxstack.streaming.turn import CURRENT_TURN, check_cancelled, interruptible
from voxstack_onnx_runtime.declarations import check_declarations
from voxstack_onnx_runtime.providers import PROVIDERS, Provider

if TYPE_CHECKING:
    import onnxruntime

POLL = 0.05
"""Seconds between two looks at the deadline of a stream that waits for another call to end."""


_ABANDONED: list[onnxruntime.InferenceSession] = []
"""Sessions whose locks may be held by threads that are gone: even to free them could hang."""


class Session:
    """A session as a callable on named arrays, which any number of threads may call at once.

    :param device: its effective name.
    :param session: opened with ``provider``.
    :param sizes: the sizes that it was compiled for, by axis; empty: any.
    :param reopen: opens the same session once more, for a forked child.
    :raises ContextError: if it does not run on the provider. ONNX Runtime continues without a provider that does not
        load, and only logs a warning.
    :raises NetworkError: if its inputs, outputs or their axes are not those that the addon declares.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        context: Context,
        device: str,
        provider: Provider,
        session: onnxruntime.InferenceSession,
        sizes: Mapping[str, int],
        reopen: Callable[[], onnxruntime.InferenceSession],
    ) -> None:
        import onnxruntime

        self._spec, self._session, self._reopen = spec, session, reopen
        self._calls: list[None] = []  # one for each call that runs; append and pop are atomic
        self._outputs = [output.name for output in session.get_outputs()]
        check_declarations(spec, session, sizes)
        effective_provider = _effective_provider(spec, context, device, provider, session)
        self._exclusive = None if provider.concurrent else threading.Lock()
        self.stats = {"compilations": 1}
        self.effective = {
            "device": device,
            "provider": effective_provider,
            "threads": context.usable_threads,
            "version": onnxruntime.__version__,
        }
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Open the session again if threads that are gone were in it: they may have held its locks.

        Otherwise the child goes on with the weights that it shares with its parent.
        """
        if self._exclusive is not None:
            self._exclusive = threading.Lock()
        if self._calls:
            _ABANDONED.append(self._session)
            self._session, self._calls = None, []

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once. The call ends early if its stream misses its deadline, as soon as the node that runs then is done.

        :raises NetworkError: if ONNX Runtime fails, or the call ends early.
        :raises CancelledError: if the stream has missed its deadline before the call begins.
        """
        turn = CURRENT_TURN.get()
        if self._session is None:
            self._session = self._reopen()
        calls = self._calls
        calls.append(None)
        try:
            if turn is not None and turn.limited:
                outputs = self._run_limited(tensors)
            elif self._exclusive is None:
                outputs = self._session.run(self._outputs, tensors)
            else:
                with self._exclusive:
                    outputs = self._session.run(self._outputs, tensors)
        except VoxstackError:
            raise
        except Exception as error:  # the errors of ONNX Runtime share no base class of their own
            raise NetworkError(f"network {self._spec.name!r}: ONNX Runtime failed: {error}") from error
        finally:
            calls.pop()
        return dict(zip(self._outputs, outputs, strict=True))

    def _run_limited(self, tensors: Mapping[str, np.ndarray]) -> Sequence[np.ndarray]:
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.log_severity_level = 4  # ONNX Runtime would log that it was interrupted

        def interrupt() -> None:
            options.terminate = True

        try:
            with interruptible(interrupt), self._exclusively():
                outputs: Sequence[np.ndarray] = self._session.run(self._outputs, tensors, options)
        except Exception as error:
            if options.terminate and not isinstance(error, VoxstackError):
                problem = "ended before it was done, because its stream missed its deadline"
                raise NetworkError(f"network {self._spec.name!r}: {problem}") from error
            raise
        return outputs

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Run alone where the provider demands it; wait for that no longer than the stream's deadline."""
        if self._exclusive is None:
            yield
            return
        while not self._exclusive.acquire(timeout=POLL):
            check_cancelled()
        try:
            yield
        finally:
            self._exclusive.release()


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
