"""Networks of real voices: OpenVINO computes what ONNX Runtime computes, in every form."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from voxstack import Registry
from voxstack.networks import Context, Network, NetworkSpec, first_states
from voxstack.networks.addon import Addon

pytest.importorskip("openvino")
pytest.importorskip("onnxruntime")

NETWORKS = ("encoder", "durations", "pronunciation", "decoder", "vocoder")
LENGTHS = (1, 2, 7, 40, 64)


@pytest.fixture(scope="module")
def amber() -> Addon:
    registry = Registry.installed()
    if "amber" not in registry.addons():
        pytest.skip("the voice amber is not installed")
    return Addon.open("amber", registry)


def opened(amber: Addon, spec: NetworkSpec, runtime: str, **context: Any) -> Network:
    run = amber.registry.hook.voxstack_open_network(spec=spec, context=Context(runtime, "cpu", **context))
    return Network(spec, Context(runtime), run)


def inputs_of(spec: NetworkSpec, length: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(length)
    inputs: dict[str, np.ndarray] = {}
    for name in spec.needs:
        tensor = spec.inputs[name]
        shape = [{"batch": 1}.get(axis, length) if isinstance(axis, str) else axis for axis in tensor.shape]
        inputs[name] = (
            rng.integers(0, 2, shape) if tensor.dtype == "int64" else rng.standard_normal(shape).astype(np.float32)
        )
    return inputs


def error(results: Any, wanted: Any) -> float:
    assert {name: array.shape for name, array in results.items()} == {
        name: array.shape for name, array in wanted.items()
    }
    return max(
        float(np.abs(results[name] - array).max(initial=0) / np.abs(array).max(initial=1))
        for name, array in wanted.items()
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_any_length_and_fixed_ones_are_as_in_onnx_runtime(amber: Addon, name: str) -> None:
    spec = amber.networks[name]
    axis = next(
        axis for tensor in spec.inputs.values() for axis in tensor.shape if isinstance(axis, str) and axis != "batch"
    )
    reference, free = opened(amber, spec, "onnx"), opened(amber, spec, "openvino")
    fixed = opened(amber, spec, "openvino", shapes={axis: LENGTHS[-2:]})
    for length in LENGTHS:
        inputs = inputs_of(spec, length)
        wanted = reference(**inputs)
        assert error(free(**inputs), wanted) < 1e-5, length
        if length in LENGTHS[-2:]:
            assert error(fixed(**inputs), wanted) < 1e-5, length


@pytest.mark.parametrize("name", ["decoder", "vocoder"])
def test_what_carries_state_runs_in_steps_of_any_size(amber: Addon, name: str) -> None:
    """Also in a last step without frames, and from states of another length than the following ones."""
    whole, spec = amber.networks[name], amber.networks[name].stateful
    assert spec is not None
    assert spec.streaming is not None
    (key,), (output,) = whole.needs, spec.streamed
    frames = inputs_of(whole, 150)[key][0]
    wanted = opened(amber, whole, "onnx").run_single(**{key: frames})[output]
    stateful = opened(amber, spec, "openvino")
    for sizes in ([150], [150, 0], [24, *[1] * 126], [24, *[7] * 18], [30, 120]):
        states, results = first_states(spec), []
        for number, start in enumerate(np.cumsum([0, *sizes[:-1]])):
            last = number == len(sizes) - 1
            step, states = stateful.step(states, last, **{spec.streaming.input: frames[start : start + sizes[number]]})
            results.append(step[output])
        assert error({output: np.concatenate(results)}, {output: wanted}) < 1e-5, sizes


def test_bfloat16_is_another_precision(amber: Addon) -> None:
    import openvino

    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor does not compute in bfloat16")
    spec = amber.networks["decoder"]
    inputs = inputs_of(spec, 64)
    off = error(opened(amber, spec, "openvino", precision="bfloat16")(**inputs), opened(amber, spec, "onnx")(**inputs))
    assert 1e-4 < off < 0.1


INTERRUPT = """
import gc, os, signal, threading, time
import voxstack
voices = [voxstack.load("amber", context="openvino:CPU")]
thread = threading.Thread(target=lambda: (voices.clear(), gc.collect()))
thread.start()
thread.join()
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(20)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_after_a_voice_was_freed_on_another_thread_ends_no_process(amber: Addon) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPT], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "interrupted"), done.stderr
