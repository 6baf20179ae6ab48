"""Calls that end because their stream misses its deadline."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from deadlines import SAFETY, limited
from tiny import network, tensor

import voxstack_onnx_runtime
from voxstack import NetworkError
from voxstack.errors import CancelledError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack_onnx_runtime.providers import Provider
from voxstack_onnx_runtime.session import Session

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")
X = np.ones((1, 3, 2), np.float32)


def spec_of(folder: Path) -> NetworkSpec:
    config = network(
        "decoder",
        {"frames": tensor("batch", "frames", 2), "trips": tensor(dtype="int64")},
        {"mel": tensor("batch", "frames", 2)},
    )
    config["exports"] = [{"format": "onnx", "symbol": "net.onnx"}]
    return NetworkSpec.of("net", config, "digest", folder.joinpath, True)


@pytest.fixture
def looping(tmp_path: Path) -> Runner:
    """Return a network that negates as often as its input ``trips`` says."""
    helper, proto = onnx.helper, onnx.TensorProto
    value = helper.make_tensor_value_info
    axes = ["batch", "frames", 2]
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["goes"]), helper.make_node("Neg", ["x"], ["y"])],
        "body",
        [value("trip", proto.INT64, []), value("go", proto.BOOL, []), value("x", proto.FLOAT, axes)],
        [value("goes", proto.BOOL, []), value("y", proto.FLOAT, axes)],
    )
    graph = helper.make_graph(
        [helper.make_node("Loop", ["trips", "", "frames"], ["mel"], body=body)],
        "net",
        [value("frames", proto.FLOAT, axes), value("trips", proto.INT64, [])],
        [value("mel", proto.FLOAT, axes)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    run = voxstack_onnx_runtime.voxstack_open_network(spec_of(tmp_path), Context())
    assert run is not None
    return run


def test_an_endless_network_ends_with_its_deadline_and_runs_again(looping: Runner) -> None:
    for _ in range(2):
        with limited() as turn:
            turn.miss_soon()
            with pytest.raises(
                NetworkError, match="'net': ended before it was done, because its stream missed its dead"
            ):
                looping(frames=X, trips=np.array(2**62))
            assert turn.interrupts == []
        np.testing.assert_array_equal(looping(frames=X, trips=np.array(2))["mel"], X)


def test_a_call_that_ends_in_time_is_as_without_a_deadline(looping: Runner) -> None:
    with limited() as turn:
        np.testing.assert_array_equal(looping(frames=X, trips=np.array(1))["mel"], -X)
        assert turn.interrupts == []
        with pytest.raises(NetworkError, match="ONNX Runtime failed"):
            looping(frames=X, trips=np.ones(2, np.int64))


def test_after_the_deadline_nothing_is_run(looping: Runner) -> None:
    with limited() as turn:
        turn.miss()
        with pytest.raises(CancelledError):
            looping(frames=X, trips=np.array(2**62))


def test_a_call_that_waits_for_another_ends_with_its_deadline(tmp_path: Path) -> None:
    hung, ended = threading.Event(), threading.Event()

    def run(outputs: list[str], tensors: dict[str, np.ndarray], options: Any = None) -> list[np.ndarray]:
        if not options:
            hung.set()
            assert ended.wait(SAFETY)
        return [X]

    values = [("frames", "float", ["b", "f", 2]), ("trips", "int64", [])]
    session: Any = SimpleNamespace(
        get_inputs=lambda: [SimpleNamespace(name=n, type=f"tensor({t})", shape=s) for n, t, s in values],
        get_outputs=lambda: [SimpleNamespace(name="mel", type="tensor(float)", shape=["b", "f", 2])],
        get_providers=lambda: ["Slow"],
        run=run,
    )
    alone = Session(
        spec_of(tmp_path), Context(), "slow", Provider("Slow", "slow", concurrent=False), session, {}, lambda: session
    )
    call = threading.Thread(target=alone, kwargs={"frames": X, "trips": X}, daemon=True)
    call.start()
    assert hung.wait(SAFETY)
    with limited() as turn:
        turn.miss_soon()
        with pytest.raises(CancelledError):
            alone(frames=X, trips=X)
    ended.set()
    call.join(SAFETY)
    with limited():
        assert alone(frames=X, trips=X)["mel"] is X


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_that_is_forked_during_a_call_opens_the_session_again(looping: Any) -> None:
    """The thread of the call is gone in the child, with the locks of ONNX Runtime that it may have held."""
    turns: list[Any] = []

    def endless() -> None:
        with limited() as turn:
            turns.append(turn)
            with pytest.raises(NetworkError):
                looping(frames=X, trips=np.array(2**62))

    thread = threading.Thread(target=endless)
    thread.start()
    end = time.monotonic() + SAFETY
    while not looping._calls:
        assert time.monotonic() < end
        time.sleep(0.001)
    before = looping._session
    child = os.fork()
    if not child:
        right = looping(frames=X, trips=np.array(1))["mel"][0, 0, 0] == -1 and looping._session is not before
        os._exit(0 if right else 1)
    turns[0].miss_soon()
    thread.join(SAFETY)
    assert not thread.is_alive()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    child = os.fork()
    if not child:  # nothing ran: it goes on with the weights that it shares with its parent
        right = looping(frames=X, trips=np.array(1))["mel"][0, 0, 0] == -1 and looping._session is before
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
