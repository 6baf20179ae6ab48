"""Networks in another process compute what they compute in this one, and report what they report there."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_isolation
import voxstack_onnx_runtime
from voxstack import AddonError, ContextError, NetworkError, Registry
from voxstack.networks import Context, NetworkSpec
from voxstack.networks.opening import NetworkPool
from voxstack_isolation.network import IsolatedNetwork
from voxstack_isolation.specs import request_to_open, spec_from_json, spec_to_json

Open = Callable[..., IsolatedNetwork]
RANDOM = np.random.default_rng(0)
TWICE = np.array(2)


def frames(batch: int, steps: int) -> np.ndarray:
    return RANDOM.standard_normal((batch, steps, 2)).astype(np.float32)


def test_any_shape_gives_the_bits_that_it_gives_in_this_process(
    loop: IsolatedNetwork, spec_of: Callable[[str], NetworkSpec]
) -> None:
    here = voxstack_onnx_runtime.voxstack_open_network(spec_of("loop"), Context())
    assert here is not None
    large = frames(3, 200_000)  # larger than the buffers of the connection
    for x in (frames(1, 1), frames(2, 7), frames(1, 0), frames(0, 4), large, large[:, ::-2], np.asfortranarray(large)):
        x.flags.writeable = False
        result, expected = loop(frames=x, trips=TWICE), here(frames=x, trips=TWICE)
        assert result.keys() == expected.keys() == {"mel"}
        assert (result["mel"].dtype, result["mel"].shape) == (expected["mel"].dtype, x.shape)
        assert result["mel"].tobytes() == expected["mel"].tobytes()
        assert result["mel"].flags.writeable


def test_calls_of_many_threads_at_once_share_one_process(loop: IsolatedNetwork, open_isolated: Open) -> None:
    neg, failures = open_isolated("neg"), []
    assert neg.pid == loop.pid

    def call(number: int) -> None:
        for step in range(10):
            x = np.full((1, 50, 2), 100 * number + step, np.float32)
            if (loop(frames=x, trips=TWICE)["mel"] != x).any() or (neg(frames=x)["mel"] != -x).any():
                failures.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_the_report_of_the_runtime_is_passed_on(loop: IsolatedNetwork, spec_of: Callable[[str], NetworkSpec]) -> None:
    here: Any = voxstack_onnx_runtime.voxstack_open_network(spec_of("loop"), Context())
    assert loop.effective == {**here.effective, "provider": "CPUExecutionProvider, isolated"}
    assert loop.stats["compilations"] == 1
    assert loop.stats["process_starts"] >= 1


def test_fixed_sizes_are_compiled_there(open_isolated: Open) -> None:
    fixed = open_isolated("neg", shapes={"frames": (4, 8), "batch": (1,)})
    assert fixed.effective["shapes"] == {"batch": (1,), "frames": (4, 8)}
    assert fixed(frames=frames(1, 8))["mel"].shape == (1, 8, 2)
    with pytest.raises(NetworkError, match=r"compiled for the sizes .* and asked for {'batch': 1, 'frames': 5}"):
        fixed(frames=frames(1, 5))


def test_errors_of_a_network_are_those_of_its_runtime(loop: IsolatedNetwork, open_isolated: Open) -> None:
    pid = loop.pid
    with pytest.raises(NetworkError, match="network 'loop': ONNX Runtime failed"):
        loop(frames=frames(1, 2), trips=np.ones(2))
    with pytest.raises(NetworkError, match="network 'loop': ONNX Runtime failed"):
        loop(frames=frames(1, 2), other=TWICE)
    with pytest.raises(ContextError, match="ONNX Runtime has no device 'abacus'"):
        open_isolated("neg", device="abacus")
    with pytest.raises(ContextError, match="no runtime named 'steam' is installed; an isolated network"):
        open_isolated("neg", runtime="steam")
    with pytest.raises(ContextError, match="the context's 'options' go to another process, and are not JSON"):
        open_isolated("neg", options={"session": {"x": Path()}})
    assert loop(frames=frames(1, 2), trips=TWICE)["mel"].shape == (1, 2, 2)
    assert loop.pid == pid


def test_a_file_that_is_not_as_listed_is_refused(spec_of: Callable[[str], NetworkSpec], open_isolated: Open) -> None:
    def damaged(name: str) -> Path:
        raise AddonError(f"addon/{name}", "has another sha256")

    def lost(name: str) -> Path:
        raise OSError("the disk is gone")

    with pytest.raises(AddonError, match=r"addon/neg\.onnx: has another sha256"):
        open_isolated("neg", replace(spec_of("neg"), path=damaged))
    with pytest.raises(NetworkError, match="OSError: the disk is gone"):
        open_isolated("neg", replace(spec_of("neg"), path=lost))


def test_a_file_that_is_not_as_declared_is_refused(spec_of: Any, open_isolated: Open) -> None:
    wrong = spec_of("neg", outputs={"mel": tensor("batch", "frames", 2, dtype="float64")})
    with pytest.raises(NetworkError, match="output 'mel': in the file it is float32, declared as float64"):
        open_isolated("neg", wrong)


def test_the_pool_asks_isolation_first_and_wraps_what_it_opens(spec_of: Callable[[str], NetworkSpec]) -> None:
    plugins = {"isolation": voxstack_isolation, "onnx_runtime": voxstack_onnx_runtime}
    for order in (plugins, dict(reversed(plugins.items()))):
        pool = Registry(order).shared(NetworkPool)
        opened = pool.open(spec_of("neg"), Context(isolate=True))
        assert opened.effective.provider == "CPUExecutionProvider, isolated"
        assert opened.stats["isolation"]["compilations"] == 1
        x = frames(1, 3)
        np.testing.assert_array_equal(opened(frames=x)["mel"], -x)
        assert pool.open(spec_of("neg"), Context()).effective.provider == "CPUExecutionProvider"


def test_a_context_that_no_addon_defines() -> None:
    assert voxstack_isolation.voxstack_context("isolated", {}) == {"runtime": "onnx", "isolate": True}
    assert voxstack_isolation.voxstack_context("fast", {}) is None


def test_a_spec_survives_the_way_to_the_process() -> None:
    steps = {"heard": {"next": "hears"}}
    stepping = {"frames": "mel", "stop": "stop", "states": steps, "attention": "at", "noise": {"z": "normal"}}
    streaming = {"axis": "frames", "left": 2, "right": 1, "hop": 3, "states": {}}
    inputs = {"x": tensor("batch", "frames", 2), "mask": tensor("batch", "frames", mask=True), "z": tensor("batch", 2)}
    outputs = {"y": tensor("batch", "samples")}
    stateful = {"inputs": inputs, "outputs": outputs, "exports": [{"format": "onnx", "symbol": "s.onnx"}]}
    configs: list[dict[str, Any]] = [
        network(
            "decoder", inputs, outputs, streaming=streaming, stateful=stateful, measured={"mask_error": {"frames": 0.5}}
        ),
        network(
            "decoder", inputs, outputs, autoregressive=stepping, lengths={"samples": {"axis": "frames", "times": 4}}
        ),
    ]
    for config in configs:
        config["exports"] = [{"format": "onnx", "symbol": "a.onnx", "parameters": "a.data"}]
        spec = NetworkSpec.of("net", config, "digest", Path, False)
        again = spec_from_json(spec_to_json(spec), Path)
        assert again == spec
        assert vars(again).keys() == vars(spec).keys()
        assert again.exports == {"onnx": ("a.onnx", "a.data")}


def test_of_the_context_the_process_gets_what_its_runtime_reads() -> None:
    context = Context("openvino", "CPU", 2, shapes={"frames": (4,)}, isolate=True, batch=4, options={"streams": 1})
    spec = NetworkSpec.of("net", {**network("decoder", {}, {})}, "digest", Path, False)
    config = request_to_open(spec, context)["context"]
    assert Context.of(config, {}, "here") == replace(context, isolate=False, batch=1)


def test_importing_the_plugin_imports_no_runtime_and_no_subprocess() -> None:
    code = (
        "import sys, voxstack_isolation as i; sys.exit(bool({'onnxruntime', i.__name__ + '.process'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0


def test_where_files_cannot_be_sent_isolation_is_refused(
    monkeypatch: pytest.MonkeyPatch, spec_of: Callable[[str], NetworkSpec]
) -> None:
    monkeypatch.delattr("socket.send_fds")
    with pytest.raises(ContextError, match="can be isolated on Linux and macOS only"):
        voxstack_isolation.voxstack_open_network(spec_of("neg"), Context(isolate=True))
    assert voxstack_isolation.voxstack_open_network(spec_of("neg"), Context()) is None
