"""Contexts of the torch runtime: fixed sizes, precision, options, and weights in a file beside the program."""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

import voxstack_torch_runtime
from voxstack import ContextError, NetworkError
from voxstack.networks import Context, NetworkSpec

torch = pytest.importorskip("torch", reason="torch is not installed: pip install torch")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is available")
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="torch.compile needs a C++ compiler (g++) on a CPU"
)

SPEC = network(
    "decoder",
    {"frames": tensor("batch", "frames", 4), "mask": tensor("batch", "frames", mask=True)},
    {"mel": tensor("batch", "frames", 3)},
    exports=[{"format": "pt2", "symbol": "net.pt2"}],
)
FIXED = {"shapes": {"frames": (8, 20)}}


class Tiny(torch.nn.Module):
    """A masked convolution."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = torch.nn.Parameter(torch.randn(3, 4, 5, generator=generator), requires_grad=False)

    def forward(self, frames: Any, mask: Any) -> Any:
        return torch.nn.functional.conv1d((frames * mask[..., None]).transpose(1, 2), self.weight, padding=2).transpose(
            1, 2
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("export")
    free = {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO}
    with torch.no_grad():
        program = torch.export.export(
            Tiny().eval(), (torch.randn(2, 17, 4), torch.ones(2, 17)), dynamic_shapes=(free, free)
        )
    torch.export.save(program, path / "net.pt2")
    return path


@pytest.fixture
def opened(folder: Path) -> Callable[..., Any]:
    def open_it(**context: Any) -> Any:
        spec = NetworkSpec.of("net", SPEC, "digest", folder.joinpath, trusted=True)
        return voxstack_torch_runtime.voxstack_open_network(spec, Context(**{"runtime": "torch", **context}))

    return open_it


def inputs(length: int, batch: int = 1) -> dict[str, np.ndarray]:
    frames = np.random.default_rng(length).standard_normal((batch, length, 4)).astype(np.float32)
    return {"frames": frames, "mask": np.ones((batch, length), np.float32)}


def expected(tensors: dict[str, np.ndarray]) -> np.ndarray:
    with torch.no_grad():
        outputs: np.ndarray = Tiny()(*(torch.from_numpy(array) for array in tensors.values())).numpy()
    return outputs


def agree(run: Any, sizes: tuple[int, ...], atol: float = 1e-5) -> None:
    for size in sizes:
        tensors = inputs(size)
        mel = run(**tensors)["mel"]
        assert mel.dtype == np.float32
        np.testing.assert_allclose(mel, expected(tensors), atol=atol)


def test_only_declared_sizes_are_run_and_they_share_the_weights(opened: Callable[..., Any]) -> None:
    run = opened(**FIXED)
    agree(run, (8, 20))
    with pytest.raises(
        NetworkError, match=r"compiled for the sizes .*'frames': \[8, 20\]}, and asked for .*'frames': 9"
    ):
        run(**inputs(9))
    assert run.effective["shapes"] == {"batch": (1,), "frames": (8, 20)}
    modules = {id(program._module) for program in run._runs.values()}
    assert len(modules) == 1


def test_it_reports_what_it_runs_in(opened: Callable[..., Any]) -> None:
    assert opened(threads=2).effective == {
        "device": "cpu",
        "provider": "CPU",
        "threads": 2,
        "precision": "float32",
        "version": torch.__version__,
    }
    opened()(**inputs(3))  # sets the threads of the process back
    assert "torch:cpu" in list(voxstack_torch_runtime.voxstack_devices(None))
    assert "torch:cpu" in list(voxstack_torch_runtime.voxstack_devices({"onnx", "pt2"}))
    assert not voxstack_torch_runtime.voxstack_devices({"onnx"})


@pytest.mark.parametrize("context", [{}, FIXED], ids=["any length", "fixed"])
def test_half_precision_is_computed_on_request(opened: Callable[..., Any], context: dict[str, Any]) -> None:
    run = opened(precision="bfloat16", **context)
    tensors = inputs(20)
    error = np.abs(run(**tensors)["mel"] - expected(tensors)).max() / np.abs(expected(tensors)).max()
    assert 1e-4 < error < 3e-2
    assert run.effective["precision"] == "bfloat16"
    agree(opened(**context), (20,))  # it leaves no trace


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"graphs": True}, r"no option 'graphs' .*; it has 'compile' and 'cuda_graphs'"),
        ({"compile": "yes"}, r"no option 'compile' that may be 'yes'"),
        ({"cuda_graphs": True}, r"'cuda_graphs' need fixed sizes and a CUDA device"),
    ],
)
def test_options_that_there_are_not(opened: Callable[..., Any], options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ContextError, match=problem):
        opened(options=options)


@needs_compiler
def test_compiled_before_it_is_called(opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    inductor = pytest.importorskip("torch._inductor.config")
    # scalar kernels: torch compiles a program per vector instruction set first, to see whether it works
    monkeypatch.setattr(inductor.cpp, "vec_isa_ok", False)
    run = opened(options={"compile": True}, **FIXED)
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    agree(run, (8, 20, 8))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before
    assert run.stats == {"compilations": 2}
    run = opened(options={"compile": True})
    before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    agree(run, (24, 5, 31, 1))
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before


@needs_cuda
def test_cuda_graphs_give_what_the_cpu_gives(opened: Callable[..., Any]) -> None:
    run = opened(device="cuda", **FIXED)
    assert type(next(iter(run._runs.values()))).__name__ == "CapturedProgram"
    agree(run, (8, 20, 8), atol=1e-4)
    tensors = inputs(8)
    first = run(**tensors)["mel"]
    kept = first.copy()
    run(**inputs(20))
    run(**{**tensors, "frames": tensors["frames"] + 1})
    np.testing.assert_array_equal(first, kept)
    agree(opened(device="cuda", options={"cuda_graphs": False}, **FIXED), (8, 20), atol=1e-4)


def row(**changed: Any) -> dict[str, Any]:
    kept = np.arange(6, dtype=np.float16)
    usual = {
        "name": "w",
        "dtype": "float32",
        "kept": "float16",
        "shape": [2, 3],
        "axes": [1, 0],
        "offset": 4,
        "crc32": zlib.crc32(kept.tobytes()),
    }
    return {**usual, **changed}


def test_weights_beside_the_program_are_taken_from_where_the_table_says(tmp_path: Path) -> None:
    from voxstack_torch_runtime.parameters import shared_tensors

    file = tmp_path / "net.onnx.data"
    file.write_bytes(b"\0" * 4 + np.arange(6, dtype=np.float16).tobytes())
    (weights,) = shared_tensors(json.dumps([row()]), file)
    np.testing.assert_array_equal(weights.numpy(), np.arange(6, dtype=np.float32).reshape(2, 3).T)
    for changed, problem in [
        ({"offset": 5}, "are not within the 16 bytes of net.onnx.data"),
        ({"offset": -2}, "are not within"),
        ({"shape": [2, -3]}, "are not within"),
        ({"crc32": 1}, "are not those in net.onnx.data, which is of another export"),
        ({"kept": "complex64"}, "are complex64"),
    ]:
        with pytest.raises(ValueError, match=f"its weights 'w'.*{problem}"):
            shared_tensors(json.dumps([row(**changed)]), file)
