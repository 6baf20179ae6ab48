from __future__ import annotations

import json
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_torch_runtime
from voxstack import ContextError, NetworkError, Registry
from voxstack.networks.addon import Addon
from voxstack_addon_spec import file_entry

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

AUTO = torch.export.Dim.AUTO
SPEC = network(
    "decoder",
    {"frames": tensor("batch", "frames", 4), "mask": tensor("batch", "frames", mask=True)},
    {"mel": tensor("batch", "frames", 3)},
    exports=[{"format": "pt2", "symbol": "net.pt2"}],
)
ANY = {0: AUTO, 1: AUTO}


class Tiny(torch.nn.Module):
    """A convolution with a weight in float16, as packagers store them."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = torch.nn.Parameter(torch.randn(3, 4, 5, generator=generator).half(), requires_grad=False)

    def forward(self, frames: Any, mask: Any) -> Any:
        x = torch.nn.functional.conv1d((frames * mask[..., None]).transpose(1, 2), self.weight.float(), padding=2)
        return x.transpose(1, 2)


class Writing(Tiny):
    """Writes into its inputs."""

    def forward(self, frames: Any, mask: Any) -> Any:
        frames.mul_(2)
        return super().forward(frames, mask)


class Passing(torch.nn.Module):
    """Returns its input."""

    def forward(self, frames: Any, mask: Any) -> Any:
        return frames[..., :3]


def save(path: Path, module: Any = None) -> None:
    arguments = (torch.randn(2, 17, 4), torch.ones(2, 17))
    with torch.no_grad():
        torch.export.save(torch.export.export((module or Tiny()).eval(), arguments, dynamic_shapes=(ANY, ANY)), path)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("export") / "net.pt2"
    save(path)
    return path


@pytest.fixture
def open_net(write_addon: Callable[..., Path], exported: Path) -> Callable[..., Any]:
    """Open the network of an addon around one ``.pt2``."""

    def open_it(data: bytes | None = None, trust: bool = True, spec: dict[str, Any] = SPEC, **context: Any) -> Any:
        folder = write_addon(networks={"net": spec}, contexts={"default": {"runtime": "torch", **context}})
        (folder / "net.pt2").write_bytes(exported.read_bytes() if data is None else data)
        config = json.loads((folder / "addon.json").read_text())
        (folder / "addon.json").write_text(json.dumps({**config, "files": {"net.pt2": file_entry(folder / "net.pt2")}}))
        return Addon.open(folder, Registry({"torch_runtime": voxstack_torch_runtime}), trust=trust).network("net")

    return open_it


def frames(batch: int, length: int) -> np.ndarray:
    x = np.random.default_rng(length).standard_normal((batch, length, 4)).astype(np.float32)
    x.flags.writeable = False
    return x


def expected(x: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        mel: np.ndarray = Tiny()(torch.from_numpy(x.copy()), torch.ones(x.shape[:2])).numpy()
    return mel


@pytest.mark.parametrize("sizes", [(1, 1), (1, 40), (3, 7)])
def test_a_network_runs_with_any_sizes(open_net: Callable[..., Any], sizes: tuple[int, int]) -> None:
    x = frames(*sizes)
    np.testing.assert_allclose(open_net()(frames=x)["mel"], expected(x), atol=1e-6)


def test_read_only_arrays_are_taken_without_a_warning(open_net: Callable[..., Any]) -> None:
    net, x = open_net(), frames(2, 9)
    before = x.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(frames=x)
        turned = np.broadcast_to(x[:1], x.shape)[:, ::-1]
        np.testing.assert_allclose(net(frames=turned)["mel"], expected(turned), atol=1e-6)
    np.testing.assert_array_equal(x, before)


def test_a_program_that_writes_into_its_inputs_gets_its_own(open_net: Callable[..., Any], tmp_path: Path) -> None:
    save(tmp_path / "writing.pt2", Writing())
    net, x = open_net((tmp_path / "writing.pt2").read_bytes()), frames(1, 9)
    before = x.copy()
    np.testing.assert_allclose(net(frames=x)["mel"], expected(2 * x), atol=1e-5)
    np.testing.assert_array_equal(x, before)


def test_outputs_share_no_memory_with_inputs(open_net: Callable[..., Any], tmp_path: Path) -> None:
    save(tmp_path / "passing.pt2", Passing())
    x = frames(1, 9)
    mel = open_net((tmp_path / "passing.pt2").read_bytes())(frames=x)["mel"]
    np.testing.assert_array_equal(mel, x[..., :3])
    assert not np.shares_memory(mel, x)


def test_what_is_not_trusted_is_not_opened(open_net: Callable[..., Any]) -> None:
    with pytest.raises(ContextError, match=r"a \.pt2 holds code that runs when it is opened.*trust=True"):
        open_net(trust=False)


def test_what_is_not_trusted_is_not_even_touched(open_net: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxstack.networks.NetworkSpec.export", lambda *_: pytest.fail("the file was requested"))
    with pytest.raises(ContextError, match="trust=True"):
        open_net(trust=False)


@pytest.mark.parametrize("device", ["npu", "nonsense", "meta", "cuda:99"])
def test_a_device_that_is_not_there_is_an_error_never_a_fallback(open_net: Callable[..., Any], device: str) -> None:
    with pytest.raises(ContextError, match=rf"network 'net': torch has no device '{device}' here.*it has cpu"):
        open_net(device=device)


def test_a_device_without_a_driver_is_an_error_with_a_remedy(open_net: Callable[..., Any]) -> None:
    if torch.cuda.is_available():
        pytest.skip("a CUDA device is available")
    with pytest.raises(ContextError, match=r"finds no GPU; it has cpu; install a driver.*or choose the device 'cpu'"):
        open_net(device="cuda")


def test_cuda_gives_what_the_cpu_gives(open_net: Callable[..., Any]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is available")
    x = frames(2, 33)
    np.testing.assert_allclose(open_net(device="cuda")(frames=x)["mel"], expected(x), atol=1e-2)  # TF32


def test_without_torch_the_error_says_what_to_install(
    open_net: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ContextError, match='pip install "torch"'):
        open_net()


def test_a_missing_export_is_an_error_that_says_which_there_are(open_net: Callable[..., Any]) -> None:
    spec = {**SPEC, "exports": [{"format": "onnx", "symbol": "net.pt2"}]}
    with pytest.raises(ContextError, match="'pt2', and it has only onnx"):
        open_net(spec=spec, trust=False)


def test_what_is_no_program_is_an_error(open_net: Callable[..., Any]) -> None:
    with pytest.raises(NetworkError, match=r"network 'net': torch .* cannot open net\.pt2"):
        open_net(b"not a program")


def test_outputs_that_the_addon_declares_otherwise_are_an_error(open_net: Callable[..., Any]) -> None:
    spec = {**SPEC, "outputs": {**SPEC["outputs"], "more": tensor("batch", "frames")}}
    with pytest.raises(NetworkError, match=r"the program returns 1 tensors, and the addon declares \['mel', 'more'\]"):
        open_net(spec=spec)(frames=frames(1, 5))


def test_other_runtimes_are_left_to_others(open_net: Callable[..., Any]) -> None:
    with pytest.raises(ContextError, match="no runtime named 'onnx' is installed"):
        open_net(runtime="onnx")


def test_threads_are_those_of_the_context(open_net: Callable[..., Any]) -> None:
    before = torch.get_num_threads()
    try:
        open_net(threads=2)(frames=frames(1, 5))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_streams_may_run_at_once(open_net: Callable[..., Any]) -> None:
    net, results = open_net(), {}

    def work(length: int) -> None:
        results[length] = [net(frames=frames(1, length))["mel"] for _ in range(20)]

    workers = [threading.Thread(target=work, args=(length,)) for length in (5, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for length, outputs in results.items():
        for output in outputs:
            np.testing.assert_allclose(output, expected(frames(1, length)), atol=1e-6)


def test_casts_of_weights_are_folded(exported: Path) -> None:
    from voxstack_torch_runtime.graph_passes import drop_device_assertions, fold_casts

    module = torch.export.load(exported).module()
    drop_device_assertions(module)
    fold_casts(module)
    targets = [str(node.target) for node in module.graph.nodes]
    assert not [
        target
        for target in targets
        if "aten.to" in target or "_to_copy" in target or "assert_tensor_metadata" in target
    ]
    assert {str(value.dtype) for value in module.state_dict().values()} == {"torch.float32"}


def test_importing_the_plugin_imports_no_torch() -> None:
    code = "import sys, voxstack_torch_runtime; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}).returncode == 0
