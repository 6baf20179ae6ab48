"""Contexts whose networks run in another process."""

from __future__ import annotations

from typing import Any

import pytest

from voxstack_addon_spec import Context, ContextError


def context(**config: Any) -> Context:
    return Context.of({"runtime": "onnx", **config}, {"npu": {"runtime": "openvino"}}, "tiny")


def test_isolation_and_its_memory_are_part_of_how_a_network_is_opened():
    keys = [context().key(), context(isolate=True).key(), context(isolate=True, memory=512).key()]
    assert len(set(keys)) == 3
    assert context(isolate=False).key() == context().key()


def test_all_networks_of_an_isolated_context_are_isolated():
    mixed = context(isolate=True, memory=512, networks={"decoder": "npu", "vocoder": {"isolate": True, "memory": 4096}})
    decoder, vocoder = mixed.for_network("decoder", "decoder"), mixed.for_network("x", "vocoder")
    assert (decoder.runtime, decoder.isolate, decoder.memory) == ("openvino", True, 512)
    assert (vocoder.isolate, vocoder.memory) == (True, 512)
    assert context(isolate=True, memory=8192, networks={"vocoder": {"isolate": True, "memory": 256}}).for_network(
        "x", "vocoder"
    ) == context(isolate=True, memory=256)


def test_one_network_may_be_isolated_alone():
    mixed = context(networks={"vocoder": {"isolate": True}})
    assert not mixed.for_network("decoder", "decoder").isolate
    assert mixed.for_network("x", "vocoder").isolate


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"isolate": 1}, "'isolate' is true or false, not 1"),
        ({"isolate": True, "memory": 0}, r"'memory' is a number of MB from 1 to 1048576, not 0"),
        ({"isolate": True, "memory": 10**400}, "'memory' is a number of MB"),
        ({"isolate": True, "memory": True}, "'memory' is a number of MB"),
        ({"memory": 512}, "'memory' limits an isolated process; add 'isolate': true"),
        ({"isolate": False, "memory": 512}, "add 'isolate': true"),
    ],
)
def test_what_isolation_refuses(config: dict[str, Any], problem: str):
    with pytest.raises(ContextError, match=problem):
        context(**config)
