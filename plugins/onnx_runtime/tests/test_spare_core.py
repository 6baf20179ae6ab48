"""Large encoders compute on two cores where no one else needs the second one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deadlines import LimitedTurn
from tiny import network, tensor

import voxstack_onnx_runtime
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.streaming.turn import CURRENT_TURN
from voxstack_onnx_runtime.spare_core import LARGE, SpareCore

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")

WIDTH = 64


class Granted(LimitedTurn):
    """A turn beside others, of which the test states how many there are."""

    def __init__(self, idle: int = 1, wanted: int = 0, crowded: bool = False) -> None:
        super().__init__()
        self.idle, self.wanted, self._crowded = idle, wanted, crowded  # type: ignore[misc]

    @property
    def crowded(self) -> bool:
        return self._crowded


def named(name: str) -> Runner:
    return lambda **tensors: {name: np.zeros(1)}


@pytest.mark.parametrize(
    ("turn", "chosen"),
    [
        (Granted(), "two"),
        (Granted(idle=0), "one"),
        (Granted(wanted=1), "one"),
        (Granted(crowded=True), "one"),
        (None, "one"),
    ],
)
def test_a_second_core_is_used_only_if_no_one_else_needs_it(turn: Granted | None, chosen: str) -> None:
    token = CURRENT_TURN.set(turn)
    try:
        assert list(SpareCore(named("one"), named("two"))()) == [chosen]
    finally:
        CURRENT_TURN.reset(token)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Open a network with a product, and return it with the threads of its sessions."""
    import onnxruntime

    helper, proto = onnx.helper, onnx.TensorProto
    weights = np.random.default_rng(1).standard_normal((WIDTH, WIDTH)).astype(np.float32)
    axes = ["batch", "frames", WIDTH]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["frames", "weights"], ["mel"])],
        "net",
        [helper.make_tensor_value_info("frames", proto.FLOAT, axes)],
        [helper.make_tensor_value_info("mel", proto.FLOAT, axes)],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    threads: list[int] = []
    session = onnxruntime.InferenceSession

    def record(path: Any, options: Any, **more: Any) -> Any:
        threads.append(options.intra_op_num_threads)
        return session(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    monkeypatch.setattr("voxstack_onnx_runtime.spare_core.available_cores", lambda: 2)

    def open_it(role: str = "encoder", least: int = 0, **context: Any) -> tuple[Runner, list[int]]:
        monkeypatch.setattr("voxstack_onnx_runtime.spare_core.LARGE", least)
        config = network(role, *({name: tensor("batch", "frames", WIDTH)} for name in ("frames", "mel")))
        config["exports"] = [{"format": "onnx", "symbol": "net.onnx"}]
        spec = NetworkSpec.of("net", config, "0", tmp_path.joinpath, True)
        run = voxstack_onnx_runtime.voxstack_open_network(spec, Context(**context))
        assert run is not None
        return run, threads

    return open_it


def test_both_sessions_give_the_same_values(opened: Callable[..., Any]) -> None:
    run, threads = opened()
    assert threads == [1, 2]
    assert run.effective["threads"] == 1
    frames = np.random.default_rng(2).standard_normal((1, 333, WIDTH)).astype(np.float32)
    alone = run(frames=frames)["mel"]
    token = CURRENT_TURN.set(Granted())
    try:
        np.testing.assert_array_equal(run(frames=frames)["mel"], alone)
    finally:
        CURRENT_TURN.reset(token)


@pytest.mark.parametrize(
    "difference", [{"role": "decoder"}, {"least": LARGE}, {"threads": 2}, {"shapes": {"frames": [8]}}]
)
def test_other_networks_have_one_session(opened: Callable[..., Any], difference: dict[str, Any]) -> None:
    assert len(opened(**difference)[1]) == 1
