"""The process that isolated networks run in. It runs by its file: its limits hold before anything else is imported.

Arguments are the number of the file of its control connection, and the MB that it may allocate. Each connection that
arrives over the control connection is served by a thread. The process ends with its parent: nothing is ever written to
its standard input, which ends then, and the kernel signals that with SIGIO, whatever this process is computing.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading

MEGABYTE = 2**20


def end_with_parent() -> None:
    """Let the kernel end this process when its standard input ends."""
    import fcntl

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGIO})
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)


def limit_resources(memory: int) -> None:
    """Limit the memory that this process allocates, and make it the first that a system out of memory ends.

    Memory that is only reserved, or mapped from files, is not limited.
    """
    import resource

    def limit(what: int, size: int) -> None:
        hard = resource.getrlimit(what)[1]
        size = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(what, (size, size))

    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_DATA, memory * MEGABYTE)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def main(control: socket.socket, memory: int) -> None:
    """Serve the connections that arrive over ``control``, until that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt ends
    limit_resources(memory)
    end_with_parent()
    from voxstack_isolation.serving import Server

    server = Server(memory)
    while True:
        received, numbers, _, _ = socket.recv_fds(control, 1, 1)
        if not received:
            os._exit(0)
        for number in numbers:
            connection = socket.socket(fileno=number)
            try:
                threading.Thread(target=server.serve, args=(connection,), daemon=True).start()
            except RuntimeError:  # no thread can be started; the parent finds the connection closed
                connection.close()


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
