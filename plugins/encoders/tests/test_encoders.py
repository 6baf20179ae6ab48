from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, tensor

import voxstack
import voxstack_encoders
from voxstack import AddonError, NetworkError
from voxstack.testing import Case, parametrize_with_checks
from voxstack_encoders.encoders import Encoders

TOKENS = np.arange(6, dtype=np.int64)
NETWORKS = {
    "durations": network(
        "encoder", {"encoded": tensor("batch", "tokens", 2)}, {"durations": tensor("batch", "tokens")}
    ),
    "text": network(
        "encoder", {"tokens": tensor("batch", "tokens", dtype="int64")}, {"encoded": tensor("batch", "tokens", 2)}
    ),
    "vocoder": network("vocoder", {"mel": tensor("batch", "frames", 2)}, {"spectra": tensor("batch", "frames", 2)}),
}
RUNNERS: dict[str, Any] = {
    "text": lambda tokens: {"encoded": np.stack([tokens, tokens + 1], 2).astype(np.float32)},
    "durations": lambda encoded: {"durations": encoded.sum(2)},
    "vocoder": lambda mel: {"spectra": mel},
}


def encoders(block: Encoders | None = None) -> Encoders:
    return loaded(block or Encoders(), addon([], RUNNERS, networks=NETWORKS))


@parametrize_with_checks(
    [Case(encoders(), {"tokens": TOKENS}), Case(encoders(Encoders(["text"], "other")), {"tokens": TOKENS})]
)
def test_contract(case: Case, check: Any) -> None:
    check(case)


def test_all_networks_of_the_role_run_in_the_order_of_their_inputs() -> None:
    block = encoders()
    assert (block.needs, block.gives) == ({"tokens"}, {"encoded", "durations"})
    results = block({"tokens": TOKENS})
    np.testing.assert_array_equal(results["durations"], 2 * TOKENS + 1)


def test_networks_can_be_named() -> None:
    assert encoders(Encoders(["text"])).gives == {"encoded"}
    with pytest.raises(AddonError, match="no network named 'txt'; did you mean 'text'"):
        encoders(Encoders(["txt"]))


def test_an_addon_without_encoders_says_so() -> None:
    with pytest.raises(AddonError, match="there is no network of role 'encoder'"):
        loaded(Encoders(), addon([], RUNNERS, networks={"vocoder": NETWORKS["vocoder"]}))


def test_a_tensor_of_the_wrong_shape_names_network_and_input() -> None:
    with pytest.raises(NetworkError, match="network 'text', input 'tokens'"):
        encoders()({"tokens": TOKENS[None]})


def test_the_plugin_brings_its_block() -> None:
    assert list(voxstack.Registry({"encoders": voxstack_encoders}).distributions_of("Encoders").split()) == ["encoders"]
