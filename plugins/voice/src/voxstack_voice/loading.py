"""Voices by name or path."""

from __future__ import annotations

from pathlib import Path

from voxstack.networks import Context, ContextLike
from voxstack.networks.addon import Addon
from voxstack.registry import Registry
from voxstack.streaming.schedule import Schedule
from voxstack_voice.requests import LexiconLike
from voxstack_voice.scheduler import Scheduler
from voxstack_voice.voice import Voice


def load(
    source: str | Path,
    *,
    context: ContextLike | Context | None = None,
    trust: bool = False,
    registry: Registry | None = None,
    schedule: Schedule | None = None,
    scheduler: Scheduler | None = None,
    timeout: float | None = None,
    lexicon: LexiconLike | None = None,
) -> Voice:
    """Load a voice: an installed one by name, or the folder or ``.zip`` of an addon.

    :param context: where its networks run: a name from the addon's ``contexts``, a shorthand ``runtime:device`` such as
        ``"openvino:NPU"``, or a mapping such as ``{"runtime": "onnx", "threads": 2, "networks": {"decoder":
        "onnx:cuda"}}``.
    :param trust: allow code in the addon to run, as in a ``.pt2``; addons installed with pip are trusted.
    :param registry: plugins to use; by default the installed ones.
    :param schedule: chunk sizes of requests that set none.
    :param scheduler: orders concurrent streams; by default the scheduler of the process.
    :param timeout: seconds in which each chunk of a stream must be computed; by default there is no limit for trusted
        addons, and :data:`.watchdog.UNTRUSTED_TIMEOUT` for others. ``math.inf``: no limit.
    :param lexicon: pronunciations for all requests, as in :meth:`Voice.stream`; those of a request come before them.
    :raises VoxstackError: if something is missing or wrong, with its place.
    """
    addon = Addon.open(source, registry or Registry.installed(), context, trust)
    return Voice(addon, schedule, scheduler, timeout, lexicon)
