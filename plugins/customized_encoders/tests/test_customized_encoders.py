from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, tensor

from voxstack import AddonError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_customized_encoders import CustomizedEncoders

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


def customized(runners: dict[str, Any] = RUNNERS, networks: dict[str, Any] = NETWORKS, **fields: Any) -> CustomizedEncoders:
    return loaded(CustomizedEncoders(**fields), addon([], runners, networks=networks))


@parametrize_with_checks([Case(customized(), {"tokens": TOKENS}), Case(customized(workers=1), {"tokens": TOKENS})])
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_networks_run_as_their_inputs_come() -> None:
    block = customized()
    assert (block.needs, block.gives) == ({"tokens"}, {"b", "c", "d", "e"})
    made = block({"tokens": TOKENS})
    np.testing.assert_array_equal(made["e"], (TOKENS + 1) * 2 + 0.5)
    np.testing.assert_array_equal(made["d"], TOKENS - 1)


def test_independent_networks_run_at_the_same_time() -> None:
    both_are_in = threading.Barrier(2, timeout=10)

    def meet(**tensors: np.ndarray) -> dict[str, np.ndarray]:
        both_are_in.wait()
        (value,) = tensors.values()
        return {"b": value, "d": value}

    runners = {"b": lambda **t: {"b": meet(**t)["b"]}, "d": lambda **t: {"d": meet(**t)["d"]}}
    block = customized(runners, {name: NETWORKS[name] for name in "bd"})
    assert set(block({"tokens": TOKENS})) == {"b", "d"}


def test_an_error_in_one_network_reaches_the_caller_and_the_block_goes_on() -> None:
    def fail(tokens: np.ndarray) -> Any:
        if tokens[0, 0]:
            raise ValueError("no luck")
        return {"d": tokens}

    block = customized({**RUNNERS, "d": fail})
    with pytest.raises(ValueError, match="no luck"):
        block({"tokens": TOKENS + 1})
    np.testing.assert_array_equal(block({"tokens": TOKENS})["d"], TOKENS)


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
