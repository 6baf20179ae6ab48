"""The beginning of a server that listens already: its voices are loaded, then it is ready."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from voxstack_serve.logs import STARTUP
from voxstack_serve.service import Service

Job = Callable[[], Coroutine[Any, Any, None]]


async def load_voices(service: Service, on_ready: Callable[[list[str]], None]) -> None:
    """Load each voice on offer by a thread, report that, and make the service ready.

    :param on_ready: is called with the ids of the voices when it is.
    :raises VoxstackError: if a voice cannot be opened.
    """
    for voice in service.voices():
        report(f"loading {voice.id}")
        await service.manager.load(voice.id)
    if service.readiness.state == "loading":
        service.readiness.state = "ready"
        service.take_figures()
    on_ready([voice.id for voice in service.voices()])


@asynccontextmanager
async def running(jobs: Sequence[Job], stop: Callable[[], None]) -> AsyncIterator[None]:
    """Run jobs beside the block inside, and cancel them at its end.

    :param stop: ends the block; called when a job fails, whose error is raised then.
    """
    tasks = [asyncio.create_task(job()) for job in jobs]
    for task in tasks:
        task.add_done_callback(lambda done: None if done.cancelled() or done.exception() is None else stop())
    try:
        yield
    finally:
        failures = [task.exception() for task in tasks if task.done() and not task.cancelled()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for failure in failures:
        if failure is not None:
            raise failure


def report_ready(address: str, voices: Iterable[str], wyoming: tuple[str, int] | None, is_open: bool) -> None:
    """Report where the voices are served.

    :param wyoming: host and port at which clients of Wyoming are served.
    :param is_open: whether other machines reach the service, and need no key.
    """
    report(f"{address} serves {', '.join(voices)}")
    if wyoming is not None:
        report("tcp://{}:{} serves clients of Wyoming".format(*wyoming))
    if is_open:
        report("warning: any client is accepted; --api-key KEY requires a key")


def report(line: str) -> None:
    """Report a line to who runs the service."""
    logging.getLogger(STARTUP).info(line)
