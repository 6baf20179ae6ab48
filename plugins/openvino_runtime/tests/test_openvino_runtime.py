from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_openvino_runtime
from voxstack import AddonError, ContextError, NetworkError, Registry
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.opening import available_devices

onnx = pytest.importorskip("onnx", reason="onnx makes the networks of these tests")
openvino = pytest.importorskip("openvino")

SPEC = network("decoder", {"frames": tensor("batch", "frames", 64)}, {"mel": tensor("batch", "frames", 64)})
WEIGHTS = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32) / 8
FRAMES = np.random.default_rng(1).standard_normal((1, 24, 64)).astype(np.float32)


def write(path: Path, external: str | None = None, stored: str = "float32") -> None:
    """Write a network that multiplies frames by WEIGHTS, which are inside, or in the file ``external``."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    value = lambda name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", "frames", 64])  # noqa: E731
    weights = numpy_helper.from_array(WEIGHTS.astype(stored), "weights")
    if external:
        weights.ClearField("raw_data")
        weights.data_location = onnx.TensorProto.EXTERNAL
        for key, text in {"location": external, "offset": "0", "length": str(WEIGHTS.nbytes)}.items():
            weights.external_data.add(key=key, value=text)
    cast = helper.make_node("Cast", ["weights"], ["cast"], to=onnx.TensorProto.FLOAT)
    graph = helper.make_graph(
        [cast, helper.make_node("MatMul", ["frames", "cast"], ["mel"])],
        "net",
        [value("frames")],
        [value("mel")],
        [weights],
    )
    path.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    )


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Runner]:
    """Open the network of a folder in a context."""
    folder = tmp_path / "addon"
    folder.mkdir()
    write(folder / "net.onnx")

    def open_it(
        config: dict[str, Any] = SPEC, *, form: str = "onnx", parameters: str = "", trusted: bool = True, **context: Any
    ) -> Runner:
        export = {"format": form, "symbol": "net.onnx", **({"parameters": parameters} if parameters else {})}
        spec = NetworkSpec.of("net", {**config, "exports": [export]}, "digest", folder.joinpath, trusted)
        run = voxstack_openvino_runtime.voxstack_open_network(
            spec, Context(**{"runtime": "openvino", "device": "CPU", **context})
        )
        assert run is not None
        return run

    return open_it


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Simulate a machine with other devices, which support ``capabilities`` and fail to compile anything."""

    def with_devices(*devices: str, capabilities: tuple[str, ...] = ("FP32", "FP16")) -> None:
        def compile_model(model: Any, device: str, properties: dict[str, Any]) -> None:
            raise RuntimeError(f"Exception from src/x.cpp:1:\n\nmade for {device} with {properties}\n")

        real = openvino.Core()
        answers = {"OPTIMIZATION_CAPABILITIES": list(capabilities)}
        fake = SimpleNamespace(
            available_devices=list(devices),
            get_property=lambda device, name: answers[name],
            read_model=real.read_model,
            compile_model=compile_model,
        )
        for module in ("compiling", "devices"):
            monkeypatch.setattr(f"voxstack_openvino_runtime.{module}.shared_core", lambda: fake)

    return with_devices


def test_a_network_runs_with_any_sizes_and_its_outputs_are_the_callers(opened: Callable[..., Runner]) -> None:
    run, results = opened(), []
    for batch, frames in [(1, 1), (1, 7), (3, 2), (1, 7)]:
        x = np.random.default_rng(frames).standard_normal((batch, frames, 64)).astype(np.float32)
        x.flags.writeable = False
        results.append((run(frames=x)["mel"], x))
    for mel, x in results:
        np.testing.assert_allclose(mel, x @ WEIGHTS, atol=1e-6)
        assert mel.flags.writeable
    strided = np.asfortranarray(FRAMES)[:, ::2]
    np.testing.assert_allclose(run(frames=strided)["mel"], strided @ WEIGHTS, atol=1e-6)
    assert run(frames=np.zeros((1, 0, 64), np.float32))["mel"].shape == (1, 0, 64)
    assert run.stats == {"compilations": 1}


def test_what_is_effective_is_reported(opened: Callable[..., Runner]) -> None:
    reported = opened().effective
    assert reported["version"] == openvino.__version__.partition("-")[0]
    assert reported == {
        "device": "CPU",
        "provider": reported["provider"],
        "precision": "float32",
        "threads": 1,
        "version": reported["version"],
    }
    assert reported["provider"]
    assert opened(device="cpu").effective["device"] == "CPU"


def test_fixed_sizes_are_compiled_when_it_is_opened_and_others_refused(
    opened: Callable[..., Runner], tmp_path: Path
) -> None:
    for stored in ("float32", "float16"):
        write(tmp_path / "addon" / "net.onnx", stored=stored)
        run = opened(shapes={"frames": (8, 24), "batch": (1, 2)})
        assert run.stats == {"compilations": 4}
        assert run.effective["shapes"] == {"batch": (1, 2), "frames": (8, 24)}
        assert run.effective["device"] == "CPU"
        dynamic = opened()
        for rows, frames in itertools.product((1, 2), (8, 24)):
            x = np.repeat(FRAMES[:, :frames], rows, axis=0)
            np.testing.assert_allclose(run(frames=x)["mel"], dynamic(frames=x)["mel"], atol=1e-6)
        with pytest.raises(NetworkError, match=r"compiled for the sizes .*, and asked for {'batch': 1, 'frames': 9}"):
            run(frames=FRAMES[:, :9])


def test_a_compiled_size_takes_no_other_even_from_openvino(opened: Callable[..., Runner]) -> None:
    (run,) = opened(shapes={"frames": (8,)})._runs.values()
    with pytest.raises(NetworkError, match=r"network 'net': OpenVINO failed: .*shape=\[1,8,64\]"):
        run(frames=FRAMES[:, :9])
    np.testing.assert_allclose(run(frames=FRAMES[:, :8])["mel"], FRAMES[:, :8] @ WEIGHTS, atol=1e-6)


@pytest.mark.parametrize("shapes", [{}, {"frames": (8, 24)}])
def test_calls_at_a_time_are_as_calls_alone(opened: Callable[..., Runner], shapes: dict[str, Any]) -> None:
    run = opened(shapes=shapes, options={"streams": 2})
    inputs = [
        np.random.default_rng(i).standard_normal((1, 8 if i % 2 else 24, 64)).astype(np.float32) for i in range(6)
    ]
    alone = [run(frames=x)["mel"] for x in inputs]
    differing: list[int] = []

    def call(number: int) -> None:
        for _ in range(200):
            if not np.array_equal(run(frames=inputs[number])["mel"], alone[number]):
                differing.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not differing


def test_a_stream_for_each_call_at_a_time_with_the_threads_of_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    from voxstack_openvino_runtime.devices import compile_properties

    core: Any = SimpleNamespace(get_property=lambda device, name: ["FP32", "FP16"])
    spec = NetworkSpec.of("net", SPEC, "digest", Path, True)

    def threading_of(device: str = "CPU", **context: Any) -> tuple[Any, Any]:
        properties = compile_properties(core, device, spec, Context("openvino", **context))
        assert properties["INFERENCE_PRECISION_HINT"] == "f32"
        return properties.get("NUM_STREAMS"), properties.get("INFERENCE_NUM_THREADS")

    monkeypatch.setattr("os.cpu_count", lambda: 6)
    assert threading_of() == (6, 6)
    assert threading_of(threads=4) == (1, 4)
    assert threading_of(threads=8) == (1, 8)
    assert threading_of(options={"streams": 3}, threads=2) == (3, 6)
    assert threading_of("GPU") == (None, None)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    assert threading_of() == (8, 8)
    assert threading_of(options={"properties": {"NUM_STREAMS": 20}}) == (20, 8)


def test_precision_is_what_the_context_says(opened: Callable[..., Runner]) -> None:
    capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    exact = FRAMES @ WEIGHTS
    np.testing.assert_allclose(opened()(frames=FRAMES)["mel"], exact, atol=1e-6)
    for precision, name in (("bfloat16", "BF16"), ("float16", "FP16")):
        if name not in capabilities:
            with pytest.raises(ContextError, match=rf"CPU does not compute in {precision} here; .* one of \['float32'"):
                opened(precision=precision)
            continue
        run = opened(precision=precision)
        assert run.effective["precision"] == precision
        error = np.abs(run(frames=FRAMES)["mel"] - exact).max() / np.abs(exact).max()
        assert 1e-5 < error < 3e-2


def test_a_precision_that_openvino_takes_in_silence_is_an_error(opened: Callable[..., Runner]) -> None:
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor computes in float32 only")
    with pytest.raises(ContextError, match="computes in bfloat16 on CPU, and the context requests float32"):
        opened(options={"properties": {"INFERENCE_PRECISION_HINT": "bf16"}})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cach": "x"}, r"has no option 'cach'; did you mean 'cache'"),
        ({"cache": 1}, "'cache' is a folder, not 1"),
        ({"properties": []}, "'properties' is an object"),
        ({"streams": 0}, "'streams' is a number of concurrent calls, 1 or more, not 0"),
        ({"properties": {"NONSENSE": 1}}, "cannot compile it for CPU: .*NONSENSE"),
    ],
)
def test_options_that_are_not_there_are_errors(
    opened: Callable[..., Runner], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ContextError, match=message):
        opened(options=options)


def test_what_was_compiled_is_kept_in_a_folder(opened: Callable[..., Runner], tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "cache"
    options = {"cache": str(cache)}
    first = opened(shapes={"frames": (8, 24)}, options=options)
    kept = {path: path.stat().st_mtime_ns for path in cache.glob("*.blob")}
    assert len(kept) == 2
    again = opened(shapes={"frames": (8, 24)}, options=options)
    assert {path: path.stat().st_mtime_ns for path in cache.glob("*.blob")} == kept
    np.testing.assert_array_equal(again(frames=FRAMES)["mel"], first(frames=FRAMES)["mel"])
    assert again.effective["precision"] == "float32"


@pytest.mark.parametrize(
    ("device", "available", "expected"),
    [
        ("cpu", ["CPU"], "CPU"),
        ("gpu", ["CPU", "GPU"], "GPU"),
        ("GPU.0", ["CPU", "GPU"], "GPU.0"),
        ("GPU", ["CPU", "GPU.0", "GPU.1"], "GPU"),
        ("gpu.1", ["CPU", "GPU.0", "GPU.1"], "GPU.1"),
        ("npu", ["CPU", "NPU"], "NPU"),
    ],
)
def test_devices_by_any_case(
    machine: Callable[..., None], opened: Callable[..., Runner], device: str, available: Any, expected: str
) -> None:
    machine(*available)
    with pytest.raises(
        ContextError, match=rf"cannot compile it for {expected} at the sizes .*: made for {expected} with "
    ):
        opened(device=device, shapes={"frames": (8,)})


@pytest.mark.parametrize(
    ("device", "available", "message"),
    [
        ("NPU", ["CPU"], r"has no device 'NPU' here; it has \['CPU'\]; it needs a processor with an NPU"),
        ("GPU", ["CPU"], r"has no device 'GPU' here; it has \['CPU'\]; it needs an Intel graphics processor"),
        ("GPU.1", ["CPU", "GPU"], r"has no device 'GPU.1' here; it has \['CPU', 'GPU'\]"),
        ("GPU.2", ["CPU", "GPU.0", "GPU.1"], "has no device 'GPU.2' here"),
        ("CPU.0", ["CPU"], "has no device 'CPU.0' here"),
        ("tpu", ["CPU"], r"has no device 'tpu' here; it has \['CPU'\]$"),
        ("AUTO", ["CPU"], "'AUTO' chooses a device by itself, .* silently; name one of"),
        ("auto:gpu,cpu", ["CPU", "GPU"], "chooses a device by itself"),
        ("HETERO:NPU,CPU", ["CPU", "NPU"], "chooses a device by itself"),
    ],
)
def test_a_device_that_is_not_there_is_an_error_never_a_fallback(
    machine: Callable[..., None], opened: Callable[..., Runner], device: str, available: list[str], message: str
) -> None:
    machine(*available)
    with pytest.raises(ContextError, match=message):
        opened(device=device)


def test_an_npu_wants_every_axis_fixed_and_computes_in_float16(
    machine: Callable[..., None], opened: Callable[..., Runner]
) -> None:
    machine("CPU", "NPU", capabilities=("FP16", "INT8"))
    with pytest.raises(
        ContextError,
        match=r"NPU does not compute in float32 here; set 'precision' in the context to one of \['float16'\]",
    ):
        opened(device="NPU", shapes={"frames": (8,)})
    with pytest.raises(
        ContextError, match=r"OpenVINO's NPU takes tensors of fixed size only, and the context leaves \['frames'\] free"
    ):
        opened(device="NPU", precision="float16")
    with pytest.raises(
        ContextError, match=r"made for NPU with {'INFERENCE_PRECISION_HINT': 'f16', 'PERFORMANCE_HINT': 'LATENCY'}"
    ):
        opened(device="NPU", precision="float16", shapes={"frames": (8,)})


def test_parameters_may_lie_beside_the_symbol(opened: Callable[..., Runner], tmp_path: Path) -> None:
    write(tmp_path / "addon" / "net.onnx", "net.onnx.data")
    (tmp_path / "addon" / "net.onnx.data").write_bytes(WEIGHTS.tobytes())
    run = opened(parameters="net.onnx.data")
    np.testing.assert_allclose(run(frames=FRAMES)["mel"], FRAMES @ WEIGHTS, atol=1e-6)


@pytest.mark.parametrize("location", ["../secret.bin", "{folder}/secret.bin", "link.bin"])
def test_parameters_outside_the_addon_are_refused(opened: Callable[..., Runner], location: str, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(WEIGHTS.tobytes())
    (tmp_path / "addon" / "link.bin").symlink_to(tmp_path / "secret.bin")
    write(tmp_path / "addon" / "net.onnx", location.format(folder=tmp_path))
    with pytest.raises(AddonError, match=r"net\.onnx: refers to the file .* and this export declares none"):
        opened()
    if location != "link.bin":
        return
    with pytest.raises(NetworkError, match=r"network 'net': OpenVINO cannot open net\.onnx: .*secret\.bin"):
        opened(parameters=location)  # the reader of a folder refuses such a link before


def test_what_is_no_network_is_an_error(opened: Callable[..., Runner], tmp_path: Path) -> None:
    (tmp_path / "addon" / "net.onnx").write_bytes(b"not a network")
    with pytest.raises(AddonError, match=r"net\.onnx: is not an ONNX file"):
        opened()
    (tmp_path / "addon" / "net.onnx").write_bytes(b"\x08\x07")
    with pytest.raises(NetworkError, match=r"the file has the inputs \[\]"):
        opened()


def test_a_file_that_is_two_formats_is_read_as_onnx(opened: Callable[..., Runner], tmp_path: Path) -> None:
    """OpenVINO reads its own format from a text in an ONNX file, and takes the weights from a file of the same name."""
    import openvino
    from openvino import opset13 as operations

    frames = operations.parameter([1, 64], np.float32)
    model = openvino.Model([operations.multiply(frames, operations.constant(np.ones((1, 64), np.float32)))], [frames])
    openvino.save_model(model, tmp_path / "addon" / "net.xml")
    text = (tmp_path / "addon" / "net.xml").read_bytes()
    size = bytes([len(text) & 0x7F | 0x80, len(text) >> 7])
    (tmp_path / "addon" / "net.onnx").write_bytes(b"\x08\x07\x12" + size + text)
    assert openvino.Core().read_model(tmp_path / "addon" / "net.onnx").inputs
    with pytest.raises(NetworkError, match=r"the file has the inputs \[\]"):
        opened()


def test_names_that_the_addon_declares_otherwise_are_an_error(opened: Callable[..., Runner]) -> None:
    with pytest.raises(NetworkError, match=r"the file has the outputs \['mel'\], and the addon declares \['sound'\]"):
        opened({**SPEC, "outputs": {"sound": tensor("batch", "frames", 64)}})


def test_a_missing_export_is_an_error_that_says_which_there_are(opened: Callable[..., Runner]) -> None:
    with pytest.raises(
        ContextError, match="the openvino runtime needs an export of format 'onnx', and it has only pt2"
    ):
        opened(form="pt2")


def test_without_openvino_it_says_what_to_install(
    opened: Callable[..., Runner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ContextError, match="the runtime 'openvino' needs OpenVINO; try: pip install openvino"):
        opened()
    assert voxstack_openvino_runtime.voxstack_devices() == []


def test_the_devices_that_there_are_can_be_had(machine: Callable[..., None]) -> None:
    assert "openvino:CPU" in available_devices(Registry({"openvino_runtime": voxstack_openvino_runtime}))
    machine("CPU", "GPU.0", "NPU")
    assert list(voxstack_openvino_runtime.voxstack_devices()) == ["openvino:CPU", "openvino:GPU.0", "openvino:NPU"]


def test_other_runtimes_are_left_to_others() -> None:
    spec = NetworkSpec.of("net", SPEC, "digest", Path, True)
    assert voxstack_openvino_runtime.voxstack_open_network(spec, Context("onnx")) is None


def test_importing_the_plugin_imports_no_runtime() -> None:
    code = "import sys, voxstack_openvino_runtime; sys.exit('openvino' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
