from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, plugin, tensor

from voxstack import AddonError, NetworkError, Registry
from voxstack.networks.addon import Addon
from voxstack.testing import Case, parametrize_with_checks
from voxstack_customized_encoders.customized_encoders import CustomizedEncoders

TOKENS = np.arange(6, dtype=np.float32)


def encoder(source: str, target: str) -> dict[str, Any]:
    return network("encoder", {source: tensor("batch", "tokens")}, {target: tensor("batch", "tokens")})


NETWORKS = {"c": encoder("b", "c"), "b": encoder("tokens", "b"), "d": encoder("tokens", "d"), "e": encoder("c", "e")}
RUNNERS: dict[str, Any] = {
    "b": lambda tokens: {"b": tokens + 1},
    "c": lambda b: {"c": b * 2},
    "d": lambda tokens: {"d": tokens - 1},
    "e": lambda c: {"e": c + 0.5},
}


def customized(
    runners: dict[str, Any] = RUNNERS, networks: dict[str, Any] = NETWORKS, **fields: Any
) -> CustomizedEncoders:
    return loaded(CustomizedEncoders(**fields), addon([], runners, networks=networks))


@parametrize_with_checks([Case(customized(), {"tokens": TOKENS}), Case(customized(workers=1), {"tokens": TOKENS})])
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_networks_run_as_their_inputs_come() -> None:
    block = customized()
    assert (block.needs, block.gives) == ({"tokens"}, {"b", "c", "d", "e"})
    results = block({"tokens": TOKENS})
    np.testing.assert_array_equal(results["e"], (TOKENS + 1) * 2 + 0.5)
    np.testing.assert_array_equal(results["d"], TOKENS - 1)


def test_networks_that_change_a_name_run_in_the_order_of_the_list_and_what_reads_it_after_them() -> None:
    networks = {
        "read": encoder("b", "c"),
        "twice": encoder("b", "b"),
        "more": encoder("b", "b"),
        "b": encoder("tokens", "b"),
    }
    networks["more"]["exports"] = [
        {"format": "python", "symbol": "more.txt"}
    ]  # or it would be the same network as "twice"
    runners = {
        "read": lambda b: {"c": b},
        "twice": lambda b: {"b": 2 * b},
        "more": lambda b: {"b": b + 1},
        "b": lambda tokens: {"b": tokens},
    }
    block = customized(runners, networks)
    assert (block.needs, block.gives) == ({"tokens"}, {"b", "c"})
    for results in (block({"tokens": TOKENS}), customized(runners, networks, workers=1)({"tokens": TOKENS})):
        np.testing.assert_array_equal(results["c"], 2 * TOKENS + 1)
        np.testing.assert_array_equal(results["b"], 2 * TOKENS + 1)
    changing = customized({"more": runners["more"]}, {"more": networks["more"]})
    assert (changing.needs, changing.gives) == ({"b"}, {"b"})


def test_errors_name_the_network_and_the_block_goes_on() -> None:
    def fail(tokens: np.ndarray) -> Any:
        if tokens[0, 0]:
            raise ValueError("no luck")
        return {"d": tokens}

    for workers in (1, 4):
        block = customized({**RUNNERS, "d": fail}, workers=workers)
        with pytest.raises(NetworkError, match="network 'd' failed: ValueError: no luck"):
            block({"tokens": TOKENS + 1})
        np.testing.assert_array_equal(block({"tokens": TOKENS})["d"], TOKENS)


def test_the_context_of_the_block_goes_before_that_of_the_voice() -> None:
    seen: list[Any] = []
    runtime = plugin(
        [CustomizedEncoders], voxstack_open_network=lambda spec, context: seen.append(context) or RUNNERS[spec.name]
    )
    files = SimpleNamespace(location="tiny", config=addon([], RUNNERS, networks=NETWORKS).config, path=Path)
    voice = {"runtime": "python", "networks": {"d": "python:npu"}}
    for context, expected in (
        (None, {"b": ("cpu", 1), "d": ("npu", 1)}),
        ("other", {"b": ("cpu", 2), "d": ("cpu", 2)}),
    ):
        seen.clear()
        block = loaded(CustomizedEncoders(["b", "d"], context), Addon(files, Registry({"tiny": runtime}), voice))
        assert {name: (at.device, at.threads) for name, at in zip("bd", seen, strict=True)} == expected
        assert len(block({"tokens": TOKENS})) == 2


def test_limits_are_those_of_the_sizes_that_are_fixed() -> None:
    assert customized().limits == {}
    runtime = plugin([], RUNNERS, voxstack_wrap_network=lambda network, spec, context: Fixed(network))
    files = SimpleNamespace(location="tiny", config=addon([], RUNNERS, networks=NETWORKS).config, path=Path)
    fixed = Addon(files, Registry({"tiny": runtime}), {"runtime": "python", "shapes": {"tokens": [8, 40]}})
    assert loaded(CustomizedEncoders(), fixed).limits == {"tokens": 40, "b": 40, "c": 40}


class Fixed:
    """Stands in for a network with fixed sizes."""

    fixed_shapes = True

    def __init__(self, network: Any) -> None:
        self.network = network

    def __call__(self, **tensors: np.ndarray) -> Any:
        return self.network(**tensors)


@pytest.mark.parametrize(
    ("networks", "problem"),
    [
        ({}, "there is no network of role 'encoder'"),
        (
            {"b": encoder("c", "b"), "c": encoder("b", "c")},
            "these networks need each other: b -> c -> b|these networks need each other: c -> b -> c",
        ),
        ({"b": encoder("x", "b"), "c": encoder("y", "b")}, "both networks 'b' and 'c' give 'b'"),
    ],
)
def test_networks_that_have_no_order_are_named(networks: dict[str, Any], problem: str) -> None:
    with pytest.raises(AddonError, match=problem):
        customized(networks=networks)
