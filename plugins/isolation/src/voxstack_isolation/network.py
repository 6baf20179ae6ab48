"""A network that runs in another process."""

from __future__ import annotations

import contextlib
import functools
import socket
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from voxstack import NetworkError
from voxstack.networks import Context, NetworkSpec
from voxstack.streaming.turn import interruptible
from voxstack_isolation.failures import failure_to_json, raise_failure
from voxstack_isolation.host import Hosts, Interruption
from voxstack_isolation.messages import (
    MessageError,
    Row,
    encoded,
    parsed,
    receive_arrays,
    receive_header,
    rows_of,
    send,
)
from voxstack_isolation.outputs import OutputChecks
from voxstack_isolation.process import ProcessEndedError, WorkerProcess
from voxstack_isolation.reports import checked_effective, checked_stats
from voxstack_isolation.specs import request_to_open

OPEN_SECONDS = 300.0
"""Seconds that opening a network may take."""
CALL_SECONDS = 300.0
"""Seconds that a call may take to its first output, whether its stream has a deadline or not."""
MAX_FILES = 256
"""Files that a network may be opened from."""
MAX_REPLY = 2**18
"""Bytes of the header of a reply."""
ATTEMPTS = 5
"""Times that a call starts, if its process is ended because of the deadlines of other streams."""


class IsolatedNetwork:
    """A network in a worker process, which any number of threads may call at once.

    Nothing that the process sends is trusted: what it may send is known from ``spec``, and limited.

    :raises NetworkError: if it cannot be opened, or its process ends or takes too long.
    :raises ContextError: if something that the context requests is unavailable.
    """

    def __init__(self, spec: NetworkSpec, context: Context) -> None:
        self.effective: Mapping[str, Any] = {}
        self._spec = spec
        self._stats: Mapping[str, Any] = {}
        self._to_open = request_to_open(spec, context)
        self._checks = OutputChecks(spec)
        self._dtypes = {name: np.dtype(tensor.dtype) for name, tensor in spec.inputs.items()}
        self._host = Hosts.shared().host(spec.path, context.memory)
        self._number = Hosts.shared().number()
        self._call(None)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # it failed before it had a number
            self._host.dropped.append(self._number)

    def __call__(self, **tensors: np.ndarray) -> Mapping[str, np.ndarray]:
        """Run once. If its stream misses its deadline, the call ends, and the process with it.

        Calls of other streams that were in that process run again, in another one.

        :raises NetworkError: if the network fails, the process ends, or the outputs are not as declared.
        :raises CancelledError: if the stream has missed its deadline before the call begins.
        """
        dtypes = self._dtypes
        return self._call({name: np.asarray(array, dtypes.get(name), "C") for name, array in tensors.items()})

    @property
    def stats(self) -> Mapping[str, Any]:
        """Counters of the runtime, and ``process_starts``: how often the process of the addon was started."""
        return {**self._stats, "process_starts": self._host.starts}

    @property
    def pid(self) -> int | None:
        """ID of the process, if one is running."""
        return self._host.pid

    def _call(self, tensors: Mapping[str, np.ndarray] | None) -> Mapping[str, np.ndarray]:
        """Run once, or, with None, only open the network."""
        interruption = Interruption()
        with interruptible(interruption):
            for _ in range(ATTEMPTS):
                try:
                    process = self._host.process(self._number, self._open, interruption)
                    return {} if tensors is None else self._run(process, tensors)
                except ProcessEndedError as error:
                    if interruption.happened:
                        raise self._error("ended before it was done, because its stream missed its deadline") from error
                    if not error.process.interrupted:
                        raise self._error(self._crash(error.process)) from error
                except MessageError as error:
                    raise self._error(f"its process sent {error}, and was ended; do not trust this addon") from error
                except TimeoutError as error:
                    raise self._error(f"{error}, and its process was ended") from error
        raise self._error("its process was ended again and again, because of the deadlines of other streams")

    def _open(self, process: WorkerProcess) -> None:
        request = encoded({"do": "open", "network": self._number, "name": self._spec.name, **self._to_open})
        until = time.monotonic() + OPEN_SECONDS
        try:
            with process.connection() as connection:
                send(connection, request)
                reply = self._reply_to_open(connection, until)
        except TimeoutError as error:
            raise TimeoutError(f"did not open within {OPEN_SECONDS:g} s") from error
        raise_failure(reply)
        self._read_report(reply)

    def _reply_to_open(self, connection: socket.socket, until: float) -> dict[str, Any]:
        """Return the reply, after locating the files that the network is opened from."""
        for _ in range(MAX_FILES):
            connection.settimeout(max(0.001, until - time.monotonic()))
            reply = parsed(receive_header(connection, MAX_REPLY))
            if "file" not in reply:
                return reply
            send(connection, encoded(self._located(reply["file"])))
        raise MessageError(f"requests for more than {MAX_FILES} files")

    def _located(self, name: object) -> dict[str, Any]:
        """Return the path of a file of the addon, which has been verified."""
        if not isinstance(name, str):
            raise MessageError("a request for no file")
        try:
            return {"path": str(self._spec.path(name))}
        except Exception as error:
            return failure_to_json(error)

    def _run(self, process: WorkerProcess, tensors: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        request, outputs = self._request_to_run(rows_of(tensors)), {}
        try:
            with process.connection() as connection:
                if connection.gettimeout() != CALL_SECONDS:
                    connection.settimeout(CALL_SECONDS)
                send(connection, request, tensors.values())
                header = receive_header(connection, MAX_REPLY)
                reply = parsed(header)
                if "error" not in reply:
                    outputs = receive_arrays(connection, self._checks.rows(header, reply.get("arrays")))
        except TimeoutError as error:
            raise TimeoutError(f"gave nothing within {CALL_SECONDS:g} s") from error
        raise_failure(reply)
        if len(reply) > 1:
            self._read_report(reply)
        return outputs

    def _request_to_run(self, rows: tuple[Row, ...]) -> bytes:
        """Return the header of a request, with the networks that are no longer needed."""
        dropped, drop = self._host.dropped, []
        while dropped:
            with contextlib.suppress(IndexError):  # another thread takes them, too
                drop.append(dropped.popleft())
        return request_to_run(self._number, self._spec.name, rows, tuple(drop))

    def _read_report(self, reply: Mapping[str, Any]) -> None:
        if "effective" in reply:
            self.effective = checked_effective(reply["effective"])
        if "stats" in reply:
            self._stats = checked_stats(reply["stats"])

    def _crash(self, process: WorkerProcess) -> str:
        return (
            f"its process ended ({process.end}) before it was done, with all calls in it; the next call starts another "
            f"one. If that ends, too, the network is at fault, or {self._host.memory} MB are too little for it: raise "
            "'memory' in the context"
        )

    def _error(self, problem: str) -> NetworkError:
        return NetworkError(f"network {self._spec.name!r}: {problem}")


@functools.lru_cache(1024)
def request_to_run(number: int, name: str, rows: tuple[Row, ...], drop: tuple[int, ...]) -> bytes:
    """Return the header of a request.

    :param number: of the network.
    :param drop: numbers of networks that are no longer needed.
    """
    return encoded({"do": "run", "network": number, "name": name, "arrays": rows, "drop": drop})
