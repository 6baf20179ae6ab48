"""The serving of one parent process: opens networks for it and runs them."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from voxstack import ContextError, NetworkError, Registry
from voxstack.errors import describe
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack_isolation.failures import failure_to_json, raise_failure
from voxstack_isolation.messages import Row, encoded, parsed, receive_arrays, receive_header, rows_of, send
from voxstack_isolation.outputs import OutputChecks
from voxstack_isolation.specs import spec_from_json

MAX_REQUEST = 2**26
"""Bytes of the header of a request. The parent is trusted; this finds a connection that is out of step."""
OUT_OF_MEMORY = ("bad_alloc", "bad allocation", "allocate memory")
"""What the errors of runtimes say where an allocation failed."""

Arrays = Mapping[str, np.ndarray]


class Server:
    """The networks of this process, by the numbers that the parent gave them. Any number of threads serve.

    :param memory: MB that this process may allocate, for messages.
    """

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._networks: dict[int, OpenedNetwork] = {}

    def serve(self, connection: socket.socket) -> None:
        """Answer the requests of one connection, one after the other, until it ends."""
        with contextlib.suppress(EOFError, OSError), connection:
            while True:
                self._answer_next(connection)

    def _answer_next(self, connection: socket.socket) -> None:
        request = parsed(receive_header(connection, MAX_REQUEST))
        arrays = receive_arrays(connection, request.get("arrays", ()))
        for number in request.get("drop", ()):
            self._networks.pop(number, None)
        outputs: Arrays = {}
        try:
            if request["do"] == "open":
                self._networks[request["network"]], reply = _opened(request, connection)
            else:
                reply, outputs = self._networks[request["network"]].run(arrays)
        except (EOFError, OSError):
            raise
        except Exception as error:
            reply = encoded(failure_to_json(self._explained(error, request["name"])))
        send(connection, reply, outputs.values())

    def _explained(self, error: Exception, name: str) -> Exception:
        """Return the error to report: with the limit, if memory ran out."""
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in OUT_OF_MEMORY):
            return error
        limit = f"its process may allocate {self._memory} MB, 'memory' in the context"
        return NetworkError(f"network {name!r}: out of memory; {limit} ({describe(error)})")


class OpenedNetwork:
    """A network in this process."""

    def __init__(self, spec: NetworkSpec, runner: Runner) -> None:
        self._runner, self._checks = runner, OutputChecks(spec)
        self._reported: dict[str, Any] = {}

    def run(self, tensors: Arrays) -> tuple[bytes, Arrays]:
        """Run once, and return the header of the reply, and the outputs, which are as declared."""
        outputs = self._checks.arrays(self._runner(**tensors))
        rows, news = rows_of(outputs), self.news()
        return encoded({"arrays": rows, **news}) if news else _plain_reply(rows), outputs

    def news(self) -> dict[str, Any]:
        """Return the report of the runner, as far as it has changed since the last one."""
        report = {name: getattr(self._runner, name, {}) for name in ("effective", "stats")}
        if report == self._reported:
            return {}
        news = {name: dict(value) for name, value in report.items() if value != self._reported.get(name)}
        self._reported = {name: dict(value) for name, value in report.items()}
        return news


@functools.lru_cache(256)
def _plain_reply(rows: tuple[Row, ...]) -> bytes:
    return encoded({"arrays": rows})


def _opened(request: Mapping[str, Any], connection: socket.socket) -> tuple[OpenedNetwork, bytes]:
    context = Context.of(request["context"], {}, "an isolated network")
    files = Files(connection)
    spec = spec_from_json(request["spec"], files.path)
    runner = Registry.installed().hook.voxstack_open_network(spec=spec, context=context)
    if runner is None:
        raise ContextError(
            f"network {spec.name!r}: no runtime named {context.runtime!r} is installed; an isolated network runs only "
            "in a runtime that is; choose another runtime, or 'isolate': false"
        )
    files.close()
    network = OpenedNetwork(spec, runner)
    return network, encoded({"opened": True, **network.news()})


class Files:
    """The files of a network that is being opened, whose verified paths the parent knows."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection: socket.socket | None = connection
        self._paths: dict[str, Path] = {}

    def path(self, name: str) -> Path:
        """Return the path of a file.

        :raises AddonError: if it is not as the addon lists it.
        :raises NetworkError: for another file than those that the network was opened from.
        """
        if self._connection is None and name not in self._paths:
            raise NetworkError(f"an isolated network asks for {name!r}, which it was not opened from")
        if self._connection is not None:  # each time: it may have changed
            send(self._connection, encoded({"file": name}))
            answer = parsed(receive_header(self._connection, MAX_REQUEST))
            raise_failure(answer)
            self._paths[name] = Path(answer["path"])
        return self._paths[name]

    def close(self) -> None:
        """Ask the parent no more: it expects outputs from now on."""
        self._connection = None
