"""The voices of a service: those of its own process, or those that a plugin provides."""

from __future__ import annotations

import argparse
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from voxstack import Chunk, PluginError, Registry
from voxstack.entry_points import select_entry_points

if TYPE_CHECKING:
    from typing import TypeAlias

GROUP = "voxstack.serve.backends"
"""The group of entry points of plugins: functions of the options and the registry that provide a :class:`Backend`."""

Job: TypeAlias = "Callable[[], Coroutine[Any, Any, None]]"


class LoadedVoice(Protocol):
    """The state of a loaded voice, as ``VoiceStatus`` has it."""

    @property
    def name(self) -> str: ...
    @property
    def users(self) -> int: ...
    @property
    def idle(self) -> float: ...
    @property
    def own(self) -> int: ...
    @property
    def shared(self) -> int: ...
    @property
    def problem(self) -> str: ...


class VoiceWork(Protocol):
    """The work of streams that have ended."""

    @property
    def seconds(self) -> float: ...
    @property
    def audio(self) -> float: ...


class Load(Protocol):
    """The counts of a scheduler."""

    @property
    def workers(self) -> int: ...
    def demand(self) -> float: ...
    def work(self) -> Mapping[str, VoiceWork]: ...


class ServedVoices(Protocol):
    """The voices of a service, as far as it uses them; :class:`voxstack.Voices` are such."""

    @property
    def scheduler(self) -> Load: ...
    def astream(self, name: str, text: Any, **request: Any) -> AsyncGenerator[Chunk, None]: ...
    def check_capacity(self, name: str, context: str | None = None) -> None: ...
    def warm(self, *names: str, context: str | None = None) -> None: ...
    def unload(self, name: str) -> bool: ...
    def unload_idle(self, seconds: float) -> list[str]: ...
    def status(self) -> Sequence[LoadedVoice]: ...


class Backend(NamedTuple):
    """Voices, and jobs that run in the event loop of the service beside it."""

    voices: ServedVoices
    jobs: Sequence[Job] = ()


@contextmanager
def open_backend(options: argparse.Namespace, registry: Registry) -> Iterator[Backend]:
    """Provide the voices of this process, or those of a cluster.

    :param options: of ``voxstack serve``.
    """
    from voxstack import Voices
    from voxstack_addon_spec import parse_context

    context = None if options.context is None else parse_context(options.context)
    if options.ray is not None:
        with _plugin_backend("ray", "pip install 'voxstack[ray]'", options, registry) as backend:
            yield backend
        return
    budget = None if options.budget is None else options.budget * 10**6
    with Voices(budget, registry=registry, context=context) as voices:
        yield Backend(voices)


def _plugin_backend(
    name: str, advice: str, options: argparse.Namespace, registry: Registry
) -> AbstractContextManager[Backend]:
    """Return the backend that a plugin provides.

    :param advice: how to install the plugin.
    :raises PluginError: if it is not installed, or cannot be imported.
    """
    points = list(select_entry_points(GROUP, name))
    if not points:
        raise PluginError(f"--{name} is part of a plugin, which is not installed; try: {advice}")
    try:
        connect = points[0].load()
    except Exception as error:
        raise PluginError(
            f"--{name} is part of {points[0].distribution}, which cannot be imported: {error!r}"
        ) from error
    found: AbstractContextManager[Backend] = connect(options, registry)
    return found
