"""Networks joined into one: its inputs and outputs, its files, its parts, and networks that cannot be joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REASON = "joining networks needs onnx and onnxruntime: pip install 'voxstack-packager[export]'"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from voxstack.networks import NetworkSpec  # noqa: E402
from voxstack_addon_spec import SPEC_VERSION  # noqa: E402
from voxstack_packager import PackagingError, fusing, relative_error  # noqa: E402
from voxstack_packager.addon_folder import write_config  # noqa: E402
from voxstack_packager.export.shared_weights import save_with_shared_weights  # noqa: E402
from voxstack_packager.fusing import fuse  # noqa: E402
from voxstack_packager.runners import onnx_runner  # noqa: E402

C = 24
TOKENS: Mapping[str, Any] = {"tokens": ("float32", ["batch", "tokens", C])}
MASK: Mapping[str, Any] = {"mask": ("float32", ["batch", "tokens"], True)}


class Parts:
    """A folder of small networks, whose inner names are all the same."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self, name: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any], nodes: Sequence[Any] = (), **more: Any
    ) -> NetworkSpec:
        """Add a network that multiplies its first input by weights and, if it has one, by its mask; or other nodes."""
        (first, *rest), (made,) = inputs, outputs
        random = np.random.default_rng(len(name) + ord(name[0]))
        weight = numpy_helper.from_array(random.standard_normal((C, C)).astype(np.float32), "weight")
        plain = [helper.make_node("MatMul", [first, "weight"], ["hidden"], name="product")]
        if rest:
            plain += [
                helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
                helper.make_node("Mul", ["hidden", "wide"], [made]),
            ]
        else:
            plain.append(helper.make_node("Tanh", ["hidden"], [made]))
        sides = [[_info(key, *declared[:2]) for key, declared in side.items()] for side in (inputs, outputs)]
        constants = [weight, numpy_helper.from_array(np.array([2], np.int64), "last")]
        graph = helper.make_graph(list(nodes) or plain, "graph", *sides, constants)
        opset = [helper.make_opsetid("", more.pop("opset", 18)), helper.make_opsetid("own", 1)]
        model = helper.make_model(
            graph, opset_imports=opset, ir_version=more.pop("ir_version", 9), functions=more.pop("functions", [])
        )
        export = {"format": more.pop("format", "onnx"), "symbol": f"{name}.onnx"}
        if more.pop("beside", False):
            export["parameters"] = f"{name}.onnx.data"
            save_with_shared_weights({self.folder / export["symbol"]: model}, self.folder / export["parameters"])
        else:
            onnx.save_model(model, self.folder / export["symbol"])
        config = {
            "role": "encoder",
            "inputs": _config(inputs),
            "outputs": _config(outputs),
            "exports": [export],
            **more,
        }
        return NetworkSpec.of(name, config, name, self.folder.joinpath, False)


def _info(name: str, dtype: str, shape: Sequence[Any]) -> Any:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def _config(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {"dtype": dtype, "shape": shape, **({"mask": True} if mask else {})}
        for key, (dtype, shape, *mask) in tensors.items()
    }


def along(name: str, axis: str) -> dict[str, Any]:
    return {name: ("float32", ["batch", axis, C])}


def like(name: str) -> dict[str, Any]:
    return along(name, "tokens")


def examples(rng: np.random.Generator, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    return {"tokens": rng.standard_normal((sizes["batch"], sizes["tokens"], C)).astype(np.float32)}


def joined(specs: Sequence[NetworkSpec], folder: Path, **more: Any) -> dict[str, Any]:
    return fuse(specs, "encoders", folder, **{"examples": examples, "progress": str, **more})


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    (tmp_path / "parts").mkdir()
    return Parts(tmp_path / "parts")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    return tmp_path / "made"


def test_it_takes_shared_inputs_once_and_gives_all_outputs_also_those_that_go_from_part_to_part(
    parts: Parts, folder: Path
) -> None:
    energy = parts.add("energy", {**like("encoded"), **MASK}, like("energy"))
    pitch = parts.add("pitch", like("encoded"), like("pitch"))
    text = parts.add("text", {**TOKENS, **MASK}, like("encoded"))
    entry = joined([energy, pitch, text], folder)
    assert entry["role"] == "encoder"
    assert entry["inputs"] == _config({**TOKENS, **MASK})
    assert entry["outputs"] == _config({**like("encoded"), **like("energy"), **like("pitch")})
    assert entry["exports"] == [{"format": "onnx", "symbol": "encoders.onnx"}]
    assert entry["measured"]["parts_error"] <= 1e-6
    assert entry["measured"]["mask_error"]["tokens"] <= 1e-5
    tokens = np.random.default_rng(5).standard_normal((2, 9, C)).astype(np.float32)
    given = {"tokens": tokens, "mask": np.array([[1.0] * 9, [1.0] * 5 + [0.0] * 4], np.float32)}
    whole = onnx_runner(folder / "encoders.onnx")(**given)
    run = {spec.name: onnx_runner(parts.folder / f"{spec.name}.onnx") for spec in (text, energy, pitch)}
    encoded = run["text"](**given)
    expected = {**encoded, **run["energy"](**encoded, mask=given["mask"]), **run["pitch"](**encoded)}
    assert relative_error(whole, expected) <= 1e-6
    assert whole.keys() == expected.keys()


def test_its_entry_makes_an_addon_that_can_be_verified(parts: Parts, folder: Path) -> None:
    entry = joined([parts.add("text", TOKENS, like("encoded")), parts.add("pitch", TOKENS, like("pitch"))], folder)
    head = {
        "spec_version": SPEC_VERSION,
        "name": "tiny",
        "version": "1",
        "license": "CC0-1.0",
        "languages": ["en"],
        "sample_rate": 8000,
    }
    config = write_config(
        folder, {**head, "hop_length": 80, "controls": {}, "contexts": {}, "networks": {"encoders": entry}}
    )
    assert config["golden"] == ["golden/encoders.npz"]
    golden = np.load(folder / "golden" / "encoders.npz")
    whole = onnx_runner(folder / "encoders.onnx")(tokens=golden["inputs.tokens"])
    assert all(np.array_equal(whole[name], golden[f"outputs.{name}"]) for name in ("encoded", "pitch"))


def test_golden_vectors_of_the_parts_are_the_examples(parts: Parts, folder: Path) -> None:
    text, pitch = parts.add("text", TOKENS, like("encoded")), parts.add("pitch", like("encoded"), like("pitch"))
    with pytest.raises(
        PackagingError, match=r"encoders: 'text' has no golden vectors to take examples from .*; provide 'examples'"
    ):
        joined([text, pitch], folder, examples=None)
    (parts.folder / "golden").mkdir()
    np.savez(
        parts.folder / "golden" / "text.npz",
        **{"inputs.tokens": examples(np.random.default_rng(0), {"batch": 1, "tokens": 7})["tokens"]},
    )
    np.savez(parts.folder / "golden" / "pitch.npz")
    assert joined([text, pitch], folder, examples=None)["measured"]["parts_error"] <= 1e-6


def test_weights_that_lay_beside_lie_beside_and_equal_ones_are_written_once(parts: Parts, folder: Path) -> None:
    first = parts.add("text", TOKENS, like("encoded"), beside=True)
    second = parts.add("tilt", TOKENS, like("tilt"))
    assert (parts.folder / "text.onnx.data").stat().st_size == C * C * 4
    entry = joined([first, second], folder)  # names of equal length that begin alike have equal weights here
    assert entry["exports"] == [{"format": "onnx", "symbol": "encoders.onnx", "parameters": "encoders.onnx.data"}]
    assert (folder / "encoders.onnx.data").stat().st_size == C * C * 4


def test_what_lies_inside_branches_and_functions_keeps_its_own_names(parts: Parts, folder: Path) -> None:
    def branching(made: str, factor: float) -> list[Any]:
        value = helper.make_node(
            "Constant", [], ["factor"], value=numpy_helper.from_array(np.array(factor, np.float32))
        )
        inside = [value, helper.make_node("Mul", ["hidden", "factor"], ["branch"])]
        branch = helper.make_graph(
            inside, "branch", [], [helper.make_tensor_value_info("branch", TensorProto.FLOAT, None)]
        )
        yes = helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True)))
        call = helper.make_node("Twice", ["tokens"], ["hidden"], domain="own")
        return [yes, call, helper.make_node("If", ["yes"], [made], then_branch=branch, else_branch=branch)]

    def twice(times: float) -> list[Any]:
        value = helper.make_node("Constant", [], ["f"], value=numpy_helper.from_array(np.array(times, np.float32)))
        body = [value, helper.make_node("Mul", ["x", "f"], ["y"])]
        return [helper.make_function("own", "Twice", ["x"], ["y"], body, [helper.make_opsetid("", 18)])]

    one = parts.add("one", TOKENS, like("a"), branching("a", 3.0), functions=twice(2.0))
    two = parts.add("two", TOKENS, like("b"), branching("b", 5.0), functions=twice(-1.0))
    joined([one, two], folder)
    made = onnx_runner(folder / "encoders.onnx")(tokens=np.ones((1, 2, C), np.float32))
    assert (float(made["a"][0, 0, 0]), float(made["b"][0, 0, 0])) == (6.0, -5.0)


def test_files_of_another_version_of_the_format_can_be_joined_with_older_ones(parts: Parts, folder: Path) -> None:
    old, new = parts.add("old", TOKENS, like("a"), ir_version=8), parts.add("new", TOKENS, like("b"), ir_version=10)
    assert joined([old, new], folder)["measured"]["parts_error"] <= 1e-6


def test_lengths_of_output_axes_are_kept(parts: Parts, folder: Path) -> None:
    thrice = [helper.make_node("Concat", ["tokens"] * 3, ["steps"], axis=1)]
    long = parts.add(
        "long",
        TOKENS,
        {"steps": ("float32", ["batch", "steps", C])},
        thrice,
        lengths={"steps": {"axis": "tokens", "times": 3}},
    )
    entry = joined([long, parts.add("pitch", TOKENS, like("pitch"))], folder)
    assert entry["lengths"] == {"steps": {"axis": "tokens", "times": 3}}


def test_one_that_differs_from_its_parts_is_refused(
    parts: Parts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, pitch = parts.add("text", TOKENS, like("encoded")), parts.add("pitch", TOKENS, like("pitch"))
    join = fusing.join_models

    def spoiled(*arguments: Any) -> Any:
        model = join(*arguments)
        weight = next(tensor for tensor in model.graph.initializer if tensor.name == "text/weight")
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight) * np.float32(1 + 2e-5), weight.name))
        return model

    monkeypatch.setattr(fusing, "join_models", spoiled)
    with pytest.raises(
        PackagingError,
        match=r"encoders: produces another output than the networks that it joins .by .* allowed is 1e-06",
    ):
        joined([text, pitch], folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ({}, {"outputs": like("a")}, "both 'first' and 'second' produce 'a'; leave one out"),
        (
            {"inputs": like("b")},
            {"inputs": like("a")},
            "these need each other: first -> second -> first|second -> first -> second",
        ),
        (
            {},
            {"inputs": along("tokens", "steps")},
            r"'first' accepts 'tokens' as float32 .*'tokens'.*, and 'second' accepts it as .*'steps'",
        ),
        (
            {},
            {"inputs": along("a", "frames")},
            r"'first' produces 'a' as float32 .*, and 'second' accepts it as .*'frames'",
        ),
        (
            {"outputs": along("a", "x")},
            {"inputs": along("z", "x")},
            "'first' produces an axis 'x' of its own, and 'second' accepts one",
        ),
        ({"format": "pt2"}, {}, "'first' has no ONNX export"),
        ({"streaming": {"axis": "tokens", "left": 0, "right": 0, "hop": 1}}, {}, "'first' streams"),
        ({"opset": 17}, {}, "the files cannot be joined: .*different operator set"),
        ({"role": "decoder"}, {}, r"roles \['decoder', 'encoder'\]; set 'role'"),
    ],
)
def test_what_cannot_be_joined_is_refused(parts: Parts, folder: Path, first: Any, second: Any, problem: str) -> None:
    one = parts.add("first", **{"inputs": TOKENS, "outputs": like("a"), **first})
    two = parts.add("second", **{"inputs": TOKENS, "outputs": like("b"), **second})
    with pytest.raises(PackagingError, match=f"encoders: .*({problem})"):
        joined([one, two], folder)
    assert list(folder.iterdir()) == []


def test_one_network_is_not_joined(parts: Parts, folder: Path) -> None:
    text = parts.add("text", TOKENS, like("encoded"))
    for specs in ([text], [text, text]):
        with pytest.raises(PackagingError, match="needs two networks or more, each listed once"):
            joined(specs, folder)
