"""What ``pytest --voxstack-contract`` tries of speech servers."""

from __future__ import annotations

import unittest

import pytest

from voxstack_serve.contract import clauses, trials


def test_the_service_is_tried_in_every_clause_and_other_plugins_in_none() -> None:
    assert [name for name, _ in trials.trials("voxstack-serve")] == [clause.name for clause in clauses()]
    assert list(trials.trials("voxstack-dsp")) == []


def test_a_backend_is_skipped_until_its_option_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    ((name, run),) = trials.trials("voxstack-serve-ray")
    assert name == "backend_ray"
    with pytest.raises(unittest.SkipTest, match="set VOXSTACK_CONTRACT_SERVE='--ray VALUE'"):
        run()
    monkeypatch.setenv(trials.OPTIONS, "--ray pools.json")
    assert len(list(trials.trials("voxstack-serve-ray"))) == len(list(clauses()))


def test_a_clause_is_tried_at_a_server_that_is_started_for_it() -> None:
    found = dict(trials.trials("voxstack-serve"))
    assert trials._target.cache_info().currsize == 0
    found["openai.default-format-is-mp3"]()
    found[next(name for name in found if name.startswith("wyoming."))]()
    assert trials._target.cache_info().currsize == 1


def test_a_server_that_does_not_start_is_a_reason_to_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(trials.OPTIONS, "--no-such-option")
    with pytest.raises(unittest.SkipTest, match=r"(?s)the server ended with the status 2: .*--no-such-option"):
        dict(trials.trials("voxstack-serve"))["openai.default-format-is-mp3"]()
