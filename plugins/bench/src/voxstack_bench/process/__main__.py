"""The worker process: answers requests on stdin with replies on stdout, one line of JSON each.

It exits as soon as stdin ends, even during a request, so it never outlives its parent. Output of libraries goes to
stderr.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import traceback
from typing import Any, NoReturn

from voxstack_bench.process.session import Session


def main() -> NoReturn:
    """Answer requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts the whole process group; the parent decides
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests,), daemon=True).start()
    session = Session()
    while True:
        replies.write(json.dumps(_answer(session, json.loads(requests.get()))) + "\n")
        replies.flush()


def _read(requests: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)  # the parent is gone; a running network cannot be interrupted in another way


def _answer(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a request, which names a ``method`` of the session and its ``arguments``."""
    try:
        return {"result": getattr(session, request["method"])(**request["arguments"])}
    except Exception as error:  # reported to the parent
        from voxstack_bench.golden.golden_checks import describe_error, is_unavailable

        trace = traceback.format_exc()
        return {"error": describe_error(error), "unavailable": is_unavailable(error), "trace": trace}


if __name__ == "__main__":
    main()
