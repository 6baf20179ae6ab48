"""Providers that this machine does not have, simulated by a session that records its options."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_onnx_runtime
from voxstack import ContextError, NetworkError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import PerSize
from voxstack_onnx_runtime.probing import _NETWORK

onnxruntime = pytest.importorskip("onnxruntime")

SPEC = network("decoder", {"frames": tensor("batch", "frames", 2)}, {"mel": tensor("batch", "frames", 2)})
ALL = [
    "TensorrtExecutionProvider",
    "CUDAExecutionProvider",
    "MIGraphXExecutionProvider",
    "OpenVINOExecutionProvider",
    "QNNExecutionProvider",
    "DmlExecutionProvider",
    "CoreMLExecutionProvider",
    "CPUExecutionProvider",
]


class Machine:
    """An ONNX Runtime with other providers.

    :param start: providers that start; the others are left out with a warning, as ONNX Runtime does.
    :param nodes: number of nodes of the network that each runs.
    """

    def __init__(
        self, available: list[str], start: list[str] | None = None, nodes: dict[str, int] | None = None
    ) -> None:
        self.available, self.start, self.nodes = available, available if start is None else start, nodes
        self.sessions: list[Any] = []
        self.devices = 1
        self.dims = {"batch": "batch", "frames": "frames"}
        self.running, self.peak = 0, 0
        self.patience, self.together = 0.0, threading.Event()

    def session(self, path: Any, options: Any, providers: list[Any], **more: Any) -> Any:
        assert more == {"enable_fallback": 0}, "ONNX Runtime would go on with other providers"
        started = [
            name
            for name, settings in providers
            if name in self.start and int(settings.get("device_id", 0)) < self.devices
        ]
        sizes = dict(options.sizes)
        shape = [sizes.get(self.dims["batch"], "b"), sizes.get(self.dims["frames"], "f"), 2]
        nodes = {started[0]: 5} if self.nodes is None and started else self.nodes or {}
        result = SimpleNamespace(
            providers=providers,
            options=options,
            get_providers=lambda: [
                *started,
                *(["CPUExecutionProvider"] if "CPUExecutionProvider" not in started else []),
            ],
            get_inputs=lambda: [SimpleNamespace(name="frames", type="tensor(float)", shape=shape)],
            get_outputs=lambda: [SimpleNamespace(name="mel", type="tensor(float)", shape=["b", "f", 2])],
            get_provider_graph_assignment_info=lambda: [
                SimpleNamespace(ep_name=name, get_nodes=lambda count=count: [0] * count)
                for name, count in nodes.items()
            ],
            run=self.run,
        )
        self.sessions.append(result)
        return result

    def run(self, outputs: list[str], tensors: dict[str, np.ndarray], options: Any = None) -> list[np.ndarray]:
        self.running += 1
        self.peak = max(self.peak, self.running)
        if self.running == 2:
            self.together.set()
        self.together.wait(self.patience)
        self.running -= 1
        return [2 * tensors["frames"]]


class Options:
    """Session options that can be read."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.entries: dict[str, str] = {}
        self.enable_mem_pattern = True

    def add_free_dimension_override_by_name(self, axis: str, size: int) -> None:
        self.sizes[axis] = size

    def add_session_config_entry(self, key: str, value: str) -> None:
        self.entries[key] = value


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    def with_providers(*available: str, **more: Any) -> Machine:
        result = Machine([*available] or ALL, **more)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: result.available)
        monkeypatch.setattr(onnxruntime, "InferenceSession", result.session)
        monkeypatch.setattr(onnxruntime, "SessionOptions", Options)
        return result

    return with_providers


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with a file the current one; no real ONNX Runtime opens it in these tests."""
    (tmp_path / "net.onnx").write_bytes(_NETWORK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(device: str, trusted: bool = True, **context: Any) -> Runner:
    config = {**SPEC, "exports": [{"format": "onnx", "symbol": "net.onnx"}]}
    spec = NetworkSpec.of("net", config, "digest", Path, trusted)
    run = voxstack_onnx_runtime.voxstack_open_network(spec, Context(**{"runtime": "onnx", "device": device, **context}))
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("device", "context", "requested", "effective"),
    [
        ("cuda", {}, ("CUDAExecutionProvider", {"device_id": "0", "use_tf32": "0"}), "cuda"),
        ("CUDA:1", {}, ("CUDAExecutionProvider", {"device_id": "1", "use_tf32": "0"}), "cuda:1"),
        (
            "tensorrt",
            {"precision": "float16"},
            ("TensorrtExecutionProvider", {"device_id": "0", "trt_fp16_enable": "True"}),
            "tensorrt",
        ),
        (
            "tensorrt",
            {"precision": "bfloat16"},
            ("TensorrtExecutionProvider", {"device_id": "0", "trt_bf16_enable": "True"}),
            "tensorrt",
        ),
        (
            "migraphx:1",
            {"precision": "float16"},
            ("MIGraphXExecutionProvider", {"device_id": "1", "migraphx_fp16_enable": "1"}),
            "migraphx:1",
        ),
        ("directml:1", {}, ("DmlExecutionProvider", {"device_id": "1"}), "directml:1"),
        ("coreml", {}, ("CoreMLExecutionProvider", {}), "coreml"),
        (
            "openvino",
            {"threads": 2},
            ("OpenVINOExecutionProvider", {"device_type": "CPU", "precision": "FP32", "num_of_threads": "2"}),
            "openvino:CPU",
        ),
        (
            "openvino:gpu.1",
            {"precision": "float16"},
            ("OpenVINOExecutionProvider", {"device_type": "GPU.1", "precision": "FP16"}),
            "openvino:GPU.1",
        ),
        (
            "qnn",
            {"shapes": {"frames": (8,)}},
            ("QNNExecutionProvider", {"backend_type": "htp", "enable_htp_fp16_precision": "0"}),
            "qnn:htp",
        ),
        ("cpu", {}, ("CPUExecutionProvider", {}), "cpu"),
    ],
)
def test_a_device_is_a_provider_with_options(
    machine: Callable[..., Machine],
    device: str,
    context: dict[str, Any],
    requested: tuple[str, dict[str, str]],
    effective: str,
) -> None:
    here = machine()
    here.devices = 2
    run = opened(device, **context)
    (session,) = here.sessions
    assert session.providers[0] == requested
    assert run.effective["device"] == effective
    assert run.effective["provider"] == requested[0]
    assert session.options.entries["session.force_spinning_stop"] == "1"
    assert session.options.intra_op_num_threads == context.get("threads", 1)


def test_what_tensorrt_does_not_take_goes_to_cuda_on_the_same_card(machine: Callable[..., Machine]) -> None:
    here = machine(nodes={"TensorrtExecutionProvider": 7, "CUDAExecutionProvider": 2, "CPUExecutionProvider": 1})
    here.devices = 2
    run = opened("tensorrt:1")
    assert here.sessions[0].providers[1] == ("CUDAExecutionProvider", {"device_id": "1"})
    assert (
        run.effective["provider"]
        == "TensorrtExecutionProvider (7 nodes; 2 on CUDAExecutionProvider, 1 on CPUExecutionProvider)"
    )
    machine("TensorrtExecutionProvider", "CPUExecutionProvider")
    opened("tensorrt")


def test_a_provider_that_does_not_start_is_an_error_never_the_cpu(machine: Callable[..., Machine]) -> None:
    machine(start=["CPUExecutionProvider"])
    with pytest.raises(
        ContextError,
        match=r"CUDAExecutionProvider, and it does not start on 'cuda'; CPUExecutionProvider would run instead",
    ):
        opened("cuda")
    with pytest.raises(ContextError, match="and does it compute in float16"):
        opened("openvino:GPU", precision="float16")
    machine()
    with pytest.raises(ContextError, match="it does not start on 'cuda:1'"):
        opened("cuda:1")


def test_a_provider_that_takes_nothing_of_the_network_is_an_error(machine: Callable[..., Machine]) -> None:
    machine(nodes={"CPUExecutionProvider": 9})
    with pytest.raises(
        ContextError,
        match="CoreMLExecutionProvider supports no part of this network; all of it would run on CPUExecution",
    ):
        opened("coreml")


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (
            "cuda",
            r"no device 'cuda' here; it has \['cpu'\]; onnxruntime-gpu has it, "
            r".*pip uninstall -y onnxruntime && pip install onnxr.*-gpu$",
        ),
        ("tensorrt:1", "pip install onnxruntime-gpu$"),
        ("openvino:GPU", "pip install onnxruntime-openvino$"),
        ("directml", "pip install onnxruntime-directml$"),
        ("migraphx", "pip install onnxruntime-migraphx$"),
        ("qnn", "pip install 'onnxruntime-qnn<2'$"),
        ("coreml", "onnxruntime has it on Apple's computers"),
        (
            "cudo",
            r"no device 'cudo'; did you mean 'cuda'\?; here it has \['cpu'\], "
            r"and with more packages \['coreml', 'cpu', ",
        ),
        ("cpu:1", r"no device 'cpu:1'; write one of \['cpu'\]"),
    ],
)
def test_a_device_that_is_not_there_is_an_error_that_says_what_brings_it(
    machine: Callable[..., Machine], device: str, message: str
) -> None:
    machine("AzureExecutionProvider", "CPUExecutionProvider")
    with pytest.raises(ContextError, match=message):
        opened(device)


@pytest.mark.parametrize(
    ("device", "can"),
    [
        ("cuda:first", r"\['cuda', 'cuda:1'\]"),
        ("cuda:", r"\['cuda', 'cuda:1'\]"),
        ("openvino:AUTO", r"\['openvino:CPU', 'openvino:GPU', 'openvino:NPU'\]"),
        ("openvino:HETERO:GPU,CPU", r"\['openvino:CPU', "),
        ("qnn:dsp", r"\['qnn:htp', "),
    ],
)
def test_which_of_a_kind_is_checked(machine: Callable[..., Machine], device: str, can: str) -> None:
    machine()
    with pytest.raises(ContextError, match=rf"no device '{device}'; write one of {can}"):
        opened(device)


@pytest.mark.parametrize(
    ("device", "precision"), [("cpu", "bfloat16"), ("cpu", "float16"), ("cuda", "float16"), ("openvino", "bfloat16")]
)
def test_a_precision_that_is_not_known_to_be_had_is_refused(
    machine: Callable[..., Machine], device: str, precision: str
) -> None:
    machine()
    with pytest.raises(
        ContextError, match=rf"computes in float32.* on '{device}', not in {precision}; .*'openvino' and 'torch'"
    ):
        opened(device, precision=precision)


def test_options_go_to_the_provider_and_to_the_session(machine: Callable[..., Machine]) -> None:
    here = machine()
    opened(
        "cuda",
        options={
            "provider": {"arena_extend_strategy": "kSameAsRequested"},
            "session": {"session.disable_cpu_ep_fallback": 1},
        },
    )
    (session,) = here.sessions
    assert session.providers[0][1] == {"device_id": "0", "use_tf32": "0", "arena_extend_strategy": "kSameAsRequested"}
    assert session.options.entries["session.disable_cpu_ep_fallback"] == "1"


@pytest.mark.parametrize(
    ("device", "options", "message"),
    [
        (
            "cpu",
            {"providr": {}},
            r"has no option 'providr'; did you mean 'provider'\?; it has \['provider', 'session'\]",
        ),
        ("cpu", {"session": 1}, "'session' is an object"),
        ("cpu", {"provider": {"x": "1"}}, r"CPUExecutionProvider has no options, and the context passes \['x'\]"),
        (
            "cuda",
            {"provider": {"use_tf32": "1"}},
            r"'options' passes \['use_tf32'\] to the provider, which follows from the context's",
        ),
    ],
)
def test_options_that_are_not_there_are_errors(
    machine: Callable[..., Machine], device: str, options: dict[str, Any], message: str
) -> None:
    machine()
    with pytest.raises(ContextError, match=message):
        opened(device, options=options)


@pytest.mark.parametrize("entry", [{"": "1"}, {1: "1"}, {"x" * 2000: "1"}, {"x": "1" * 9000}, {"\ud800": "1"}])
def test_session_options_that_onnx_runtime_refuses_are_errors(tmp_path: Path, entry: dict[Any, str]) -> None:
    with pytest.raises(ContextError, match=r"accepts no 'session' option .*; write text of at most 1024 and 8192"):
        opened("cpu", options={"session": entry})


def test_what_compiles_has_a_session_for_each_size(machine: Callable[..., Machine]) -> None:
    for device in ("tensorrt", "openvino", "qnn", "coreml", "directml", "migraphx"):
        here = machine()
        run = opened(device, shapes={"frames": (4, 8)})
        assert isinstance(run, PerSize)
        assert [session.options.sizes for session in here.sessions] == [
            {"batch": 1, "frames": 4},
            {"batch": 1, "frames": 8},
        ]
        assert run.stats == {"compilations": 2}
        assert run.effective["shapes"] == {"batch": (1,), "frames": (4, 8)}
        with pytest.raises(NetworkError, match=r"asked for {'batch': 1, 'frames': 5}"):
            run(frames=np.ones((1, 5, 2), np.float32))


def test_what_plans_at_each_call_has_one_session_for_all_sizes(machine: Callable[..., Machine]) -> None:
    for device in ("cpu", "cuda"):
        here = machine()
        run = opened(device, shapes={"frames": (4, 8)})
        assert [session.options.sizes for session in here.sessions] == [{}]
        assert run.stats == {"compilations": 1}
        with pytest.raises(NetworkError, match=r"asked for {'batch': 1, 'frames': 5}"):
            run(frames=np.ones((1, 5, 2), np.float32))


def test_a_file_that_names_its_axes_otherwise_is_refused_where_sizes_go_by_name(
    machine: Callable[..., Machine],
) -> None:
    machine().dims["frames"] = "s77"
    with pytest.raises(
        NetworkError, match="input 'frames': the file names an axis 'f' that the addon declares as 'frames'"
    ):
        opened("openvino", shapes={"frames": (4,)})


def test_qnn_wants_every_axis_fixed(machine: Callable[..., Machine]) -> None:
    machine()
    with pytest.raises(
        ContextError, match=r"QNNExecutionProvider takes tensors of fixed size only, .* leaves \['frames'\] free"
    ):
        opened("qnn")


def test_calls_to_directml_wait_for_each_other_and_others_do_not(machine: Callable[..., Machine]) -> None:
    for device, peak in (("directml", 1), ("cuda", 2)):
        here = machine()
        here.patience = 0.05 if peak == 1 else 10
        run = opened(device)
        calls = [threading.Thread(target=run, kwargs={"frames": np.ones((1, 3, 2), np.float32)}) for _ in range(2)]
        for call in calls:
            call.start()
        for call in calls:
            call.join()
        assert here.peak == peak


def test_directml_knows_no_memory_patterns(machine: Callable[..., Machine]) -> None:
    here = machine()
    for device in ("directml", "cpu", "cuda"):
        opened(device)
    assert [session.options.enable_mem_pattern for session in here.sessions] == [False, True, True]


def test_the_devices_that_open_something_are_listed(machine: Callable[..., Machine]) -> None:
    here = machine(start=["CUDAExecutionProvider", "CPUExecutionProvider"])
    here.devices = 2
    assert voxstack_onnx_runtime.voxstack_devices() == ["onnx:cpu", "onnx:cuda", "onnx:cuda:1"]


def test_the_cpu_is_always_there() -> None:
    assert "onnx:cpu" in voxstack_onnx_runtime.voxstack_devices()


def test_providers_that_are_really_here_compute_what_the_cpu_does(tmp_path: Path) -> None:
    """On any machine, for each device of each provider of its ONNX Runtime: at any size and at fixed ones."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", "frames", 2])
        for name in ("frames", "mel")
    ]
    graph = helper.make_graph([helper.make_node("Relu", ["frames"], ["mel"])], "net", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    config = {**SPEC, "exports": [{"format": "onnx", "symbol": "net.onnx"}]}
    spec = NetworkSpec.of("net", config, "digest", tmp_path.joinpath, True)
    x = np.random.default_rng(0).standard_normal((1, 4, 2)).astype(np.float32)
    for place in voxstack_onnx_runtime.voxstack_devices():
        device = place.partition(":")[2]
        for shapes in ({"frames": (4,)}, {}) if not device.startswith("qnn") else ({"frames": (4,)},):
            run = voxstack_onnx_runtime.voxstack_open_network(spec, Context("onnx", device, shapes=shapes))
            assert run is not None
            np.testing.assert_allclose(run(frames=x)["mel"], np.maximum(x, 0), atol=1e-3)
            assert run.effective["device"].startswith(device.partition(":")[0])
