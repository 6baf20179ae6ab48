"""The process that one context runs in: reads requests, a line of JSON each, from stdin, and writes replies to stdout.

It ends with its parent: when stdin ends, whatever it is doing. What libraries print goes to stderr.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any


def main() -> int:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts its whole group; the parent decides
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    from voxstack_bench.work import Work

    work = Work()
    while True:
        replies.write(json.dumps(_answer(work, json.loads(requests.get()))) + "\n")
        replies.flush()


def _read(requests: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # nobody is there to be told anything; a network that is running is left alone


def _answer(work: Any, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": getattr(work, request.pop("do"))(**request)}
    except Exception as error:  # all of them are told to the parent
        from voxstack_bench.comparing import is_unavailable, told

        return {"error": told(error), "unavailable": is_unavailable(error), "trace": traceback.format_exc()}


if __name__ == "__main__":
    sys.exit(main())
