"""The distributions that the blocks of a stack come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from tiny import plugin

import voxstack
from voxstack import Registry, StackError, StreamableBlock
from voxstack.stack_plugins import missing_plugins, plugins_of
from voxstack_addon_spec import AddonError


@dataclass
class Tone(StreamableBlock):
    """Yields nothing."""

    head = True
    makes = "samples"

    def stream(self, source: Any, utterance: Any) -> Iterator[Any]:
        yield from ()


HERE = version("pluggy")
PLUGINS = {"pluggy": HERE, "my-blocks": "0.3", "jsonschema": "0.0.1"}
"""Installed; not installed; installed in another version."""


@pytest.fixture
def registry() -> Registry:
    return Registry({"tone": plugin([Tone])}, distribution_of=lambda name: "pluggy")


def test_the_distributions_of_a_stack_are_listed_with_their_versions(registry: Registry) -> None:
    stack = [{"type": "StreamableStack", "stack": [{"type": "Tone"}, {"type": "Sparkle"}]}]
    assert plugins_of(stack, registry) == {"pluggy": HERE}
    assert plugins_of(None, registry) == {}


def test_what_is_missing_is_listed() -> None:
    first, second = missing_plugins({"plugins": PLUGINS})
    assert first == "my-blocks 0.3 (not installed)"
    assert second == f"jsonschema 0.0.1 ({version('jsonschema')} is installed)"
    assert missing_plugins({}) == []


def test_an_unknown_block_names_the_plugins_that_are_missing(
    write_addon: Callable[..., Path], registry: Registry
) -> None:
    folder = write_addon(stack=[{"type": "Tone"}, {"type": "Sparkle"}], plugins=PLUGINS, spec_version=3)
    with pytest.raises(StackError, match=r"no block named 'Sparkle'.*made with my-blocks 0\.3 \(not installed\), json"):
        voxstack.load(folder, registry=registry)
    older = write_addon("older", stack=[{"type": "Tone"}], plugins=PLUGINS, spec_version=2)
    with pytest.raises(AddonError, match='plugins: needs version 3 of the format; write "spec_version": 3'):
        voxstack.load(older, registry=registry)
    wrong = write_addon("wrong", stack=[{"type": "Tone"}], plugins={"my blocks": "1"}, spec_version=3)
    with pytest.raises(AddonError, match="'my blocks' is not valid"):
        voxstack.load(wrong, registry=registry)
