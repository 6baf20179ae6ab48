"""The replicas that a stream goes to."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ray", reason="other software: pip install -r plugins/serve_ray/tests/ray.txt")
from voxstack_serve_ray.routing import FRESH, VoiceRouter


class Router(VoiceRouter):
    """The router, without the calls to replicas."""

    def __init__(self, *replicas: Any) -> None:
        self.present = list(replicas)
        self.initialize_state()

    def ranks(self, call: str = "next", **keys: Any) -> list[list[str]]:
        context, metadata = SimpleNamespace(should_backoff=False), SimpleNamespace(internal_request_id=call)
        request = SimpleNamespace(kwargs=keys, routing_context=context, metadata=metadata)
        found = asyncio.run(self.choose_replicas(self.present, request))
        assert request.routing_context.should_backoff, "or Ray asks again for ever, without a pause"
        return [[one.replica_id.unique_id for one in rank] for rank in found]

    def route(self, replica: Any, call: str, **keys: Any) -> None:
        metadata = SimpleNamespace(internal_request_id=call)
        self.on_request_routed(SimpleNamespace(kwargs=keys, metadata=metadata), replica.replica_id, None)


class Id(str):
    """The id of a replica."""

    @property
    def unique_id(self) -> str:
        return str(self)


def replica(name: str, load: float = 0.0, *voices: str) -> Any:
    return SimpleNamespace(replica_id=Id(name), routing_stats={"load": load, "voices": list(voices)})


def test_a_stream_goes_where_its_voice_is_loaded_and_there_is_time() -> None:
    router = Router(replica("a"), replica("b", 0.5, "amber"), replica("c", 0.9, "amber"))
    assert router.ranks(source="amber") == [["b"], ["b"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c"]]
    assert router.ranks(source="cobalt")[:2] == [["a"], ["a", "b"]]
    assert router.ranks(source="amber", avoid=["b"]) == [["a"], ["a"], ["a", "c"], ["a", "b", "c"]]


def test_a_voice_that_is_being_loaded_counts() -> None:
    one = replica("a")
    router = Router(one, replica("b"))
    router.route(one, "call", source="amber")
    assert router.ranks(source="amber")[1] == ["a"]
    assert router.ranks(source="cobalt")[:2] == [["b"], ["a", "b"]]


def test_streams_that_begin_at_once_are_spread_evenly() -> None:
    one, other = replica("a", 0.0, "amber"), replica("b", 0.1, "amber")
    router = Router(one, other)
    chosen = [router.ranks(str(number), source="amber")[0] for number in range(16)]
    assert [chosen.count([name]) for name in ("a", "b")] == [8, 8]


def test_streams_count_until_they_end_or_are_lost() -> None:
    one, other = replica("a", 0.0, "amber"), replica("b", 0.1, "amber")
    router = Router(one, other)
    router.route(one, "first", source="amber")
    assert router.ranks(source="amber")[0] == ["b"]
    router.on_request_completed(one.replica_id, "first")
    assert router.ranks(source="amber")[0] == ["a"]
    router.route(one, "second", source="amber")
    router.present = [other]
    assert router.ranks(source="amber")[0] == ["b"]
    router.present = [one, other]
    assert router.ranks(source="amber")[0] == ["a"], "what ran on a replica that is gone is forgotten"


def test_a_stream_that_was_never_sent_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    router = Router(replica("a", 0.0, "amber"), replica("b", 0.1, "amber"))
    assert router.ranks("cancelled", source="amber")[0] == ["a"]
    assert router.ranks("other", source="amber")[0] == ["b"]
    later = time.monotonic() + FRESH + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert router.ranks("third", source="amber")[0] == ["a"]
