from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tiny import addon, loaded, network, tensor

from voxstack import AddonError, RequestError
from voxstack.errors import VoxstackError
from voxstack.streaming import turn
from voxstack.testing import Case, parametrize_with_checks
from voxstack_encoders.iterate import Iterate

NOISE = np.arange(8, dtype=np.float32).reshape(4, 2)
UTTERANCE = {"latents": NOISE, "style": np.array([1.0, 3.0], np.float32)}
INPUTS = {
    "latents": tensor("batch", "frames", 2),
    "style": tensor("batch", 2),
    "current_step": tensor("batch"),
    "total_step": tensor("batch"),
}
NETWORKS = {
    "flow": network("flow", INPUTS, {"next": tensor("batch", "frames", 2)}),
    "wide": network("flow", INPUTS, {"next": tensor("batch", "frames", 3)}),
}


def flow(latents: Any, style: Any, current_step: Any, total_step: Any) -> dict[str, Any]:
    return {"next": latents + (style * (current_step + 1) / total_step)[:, None]}


def iterate(**fields: Any) -> Iterate:
    names = {"state": "latents", "output": "next", "step": "current_step", "total": "total_step"}
    block = Iterate(**{"network": "flow", **names, "steps": 4, **fields})
    return loaded(block, addon([], {"flow": flow, "wide": flow}, networks=NETWORKS))


@parametrize_with_checks([Case(iterate(), UTTERANCE), Case(iterate(), {**UTTERANCE, "steps": 2})])
def test_contract(case: Case, check: Any) -> None:
    check(case)


@pytest.mark.parametrize("steps", [1, 2, 4, 9])
def test_every_step_reads_the_last_result_and_its_number(steps: int) -> None:
    state = NOISE[None]
    for step in range(steps):
        state = flow(state, UTTERANCE["style"][None], np.float32([step]), np.float32([steps]))["next"]
    block = iterate()
    assert (block.needs, block.gives) == ({"latents", "style"}, {"next"})
    np.testing.assert_array_equal(block({**UTTERANCE, "steps": steps})["next"], state[0])


def test_without_a_request_there_are_as_many_steps_as_the_stack_says() -> None:
    np.testing.assert_array_equal(iterate()(UTTERANCE)["next"], iterate()({**UTTERANCE, "steps": 4})["next"])


@pytest.mark.parametrize("steps", [0, -1, 101, 2.0, "4", True, None])
def test_a_number_of_steps_that_cannot_be_is_refused(steps: object) -> None:
    with pytest.raises(RequestError, match=r"steps is .*, and must be a whole number from 1 to 100"):
        iterate()({**UTTERANCE, "steps": steps})


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"state": "x"}, "names 'x', which the network does not have; it takes"),
        ({"step": "t"}, "names 't'"),
        ({"output": "latents"}, "names 'latents'"),
        ({"network": "wide"}, "runs a network on its own result"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_when_it_is_loaded(fields: dict[str, str], problem: str) -> None:
    with pytest.raises(AddonError, match=problem):
        iterate(**fields)


def test_it_can_be_cancelled_between_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from voxstack_encoders import iterate as module

    done = []

    def cancelled() -> None:
        done.append(1)
        if len(done) == 3:
            raise VoxstackError("cancelled")

    assert module.check_cancelled is turn.check_cancelled
    monkeypatch.setattr(module, "check_cancelled", cancelled)
    with pytest.raises(VoxstackError, match="cancelled"):
        iterate()({**UTTERANCE, "steps": 100})
    assert len(done) == 3
