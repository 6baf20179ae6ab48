from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import network, tensor

from voxstack import AddonError, ContextError, NetworkError
from voxstack.networks import Context, Network, NetworkSpec, first_states

CONFIG = network(
    "decoder",
    {
        "frames": tensor("batch", "frames", 3),
        "pitch": tensor("batch", "frames"),
        "speaker": tensor(2, dtype="int64"),
        "mask": tensor("batch", "frames", mask=True),
    },
    {"mel": tensor("batch", "frames", 3), "total": tensor(1)},
    streaming={"axis": "frames", "left": 2, "right": 1, "hop": 1},
)


def spec() -> NetworkSpec:
    return NetworkSpec.of("net", CONFIG, "digest", lambda name: None, False)  # type: ignore[arg-type,return-value]


def run(**tensors: np.ndarray) -> dict[str, np.ndarray]:
    return {"mel": tensors["frames"] * tensors["mask"][..., None], "total": tensors["mask"].sum()[None]}


@pytest.fixture
def net() -> Network:
    return Network(spec(), Context("python"), run)


def inputs(**changed: Any) -> dict[str, Any]:
    given = {
        "frames": np.ones((2, 5, 3), np.float32),
        "pitch": np.ones((2, 5), np.float32),
        "speaker": np.zeros(2, np.int64),
    }
    return {name: value for name, value in {**given, **changed}.items() if value is not None}


def test_missing_masks_are_filled_with_ones_and_given_ones_are_kept(net: Network) -> None:
    assert net(**inputs())["total"] == 10
    assert net(**inputs(mask=np.zeros((2, 5), np.float32)))["total"] == 0
    assert net.spec.needs == {"frames", "pitch", "speaker"}


def test_one_utterance_has_no_batch_axis(net: Network) -> None:
    made = net.run_single(frames=np.ones((5, 3), np.float32), pitch=np.ones(5), speaker=np.zeros(2, np.int64))
    assert made["mel"].shape == (5, 3)
    assert made["total"].shape == (1,)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"pitch": None}, r"network 'net' needs the input 'pitch'; given were \['frames', 'speaker'\]"),
        ({"ptch": np.ones(1)}, r"network 'net' has no input \['ptch'\]; it has .*'pitch'"),
        (
            {"frames": np.ones((2, 5, 4), np.float32)},
            r"input 'frames': takes axes \['batch', 'frames', 3\], not the shape \(2, 5, 4\)",
        ),
        ({"frames": np.ones((2, 5), np.float32)}, r"input 'frames': takes axes .*, not the shape \(2, 5\)"),
        ({"pitch": np.ones((2, 6), np.float32)}, r"input 'pitch': .*not the shape \(2, 6\): 'frames' is 5 here"),
        ({"speaker": np.zeros(2)}, r"input 'speaker': takes int64, not float64"),
    ],
)
def test_what_a_network_cannot_take_is_named(net: Network, changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(NetworkError, match=problem):
        net(**inputs(**changed))


def test_the_stream_goes_to_the_input_with_the_axis() -> None:
    streaming = spec().streaming
    assert streaming is not None
    assert (streaming.input, streaming.left, streaming.right) == ("frames", 2, 1)


STEPS = {
    "inputs": {
        "frames": tensor("batch", "frames", 3),
        "pitch": tensor("batch", "frames"),
        "speaker": tensor(2, dtype="int64"),
        "past": tensor("batch", 3, "past_steps"),
        "hidden": tensor("batch", 4, dtype="float16"),
        "end": tensor(1, dtype="int64"),
    },
    "outputs": {
        "mel": tensor("batch", "mel_steps", 3),
        "next_past": tensor("batch", 3, "n"),
        "next_hidden": tensor("batch", 4),
    },
    "streaming": {
        "axis": "frames",
        "right": 1,
        "hop": 1,
        "states": {"past": {"next": "next_past", "steps": 2}, "hidden": {"next": "next_hidden"}},
        "end": "end",
    },
    "exports": [{"format": "python", "symbol": "steps.txt"}],
}


def both() -> NetworkSpec:
    return NetworkSpec.of("net", {**CONFIG, "stateful": STEPS}, "digest", lambda name: None, False)  # type: ignore[arg-type,return-value]


def with_values(folder: Path, **files: np.ndarray) -> NetworkSpec:
    """Return a spec of a network whose states begin with the values of files, but ``hidden``, which is provided."""
    states = {"past": {"next": "next_past", "steps": 2}, "hidden": {"next": "next_hidden", "provided": True}}
    for name, array in files.items():
        np.save(folder / f"{name}.npy", array)
        states[name]["initial"] = f"{name}.npy"
    config = {"role": "decoder", **STEPS, "streaming": {**STEPS["streaming"], "states": states}}  # type: ignore[dict-item]
    return NetworkSpec.of("net", config, "digest", folder.joinpath, False)


def test_states_begin_with_the_values_of_files_and_of_the_utterance(tmp_path: Path) -> None:
    past = np.arange(6, dtype=np.float32).reshape(3, 2)
    made = with_values(tmp_path, past=past)
    assert made.provided == {"hidden"}
    states = first_states(made, 5)
    assert {name: x.shape for name, x in states.items()} == {"past": (5, 3, 2)}
    assert all((row == past).all() for row in states["past"])
    assert not states["past"].flags.writeable
    network = Network(made, Context("python"), lambda **arrays: {})
    begun = network.first_states({"hidden": np.arange(4, dtype=np.float32), "text": "x"})
    assert begun["hidden"].dtype == "float16"
    np.testing.assert_array_equal(begun["hidden"], [[0, 1, 2, 3]])
    np.testing.assert_array_equal(begun["past"], past[None])


@pytest.mark.parametrize(
    ("utterance", "problem"),
    [
        ({}, "state 'hidden': the utterance has no 'hidden'; let a block before it give that"),
        ({"hidden": np.zeros((1, 4), np.float32)}, r"has float32 \[1, 4\]; it takes float16 \[4\]"),
        ({"hidden": np.zeros(4, complex)}, r"has complex128 \[4\]; it takes float16 \[4\]"),
    ],
)
def test_what_a_state_cannot_begin_with_is_named(tmp_path: Path, utterance: dict[str, Any], problem: str) -> None:
    network = Network(with_values(tmp_path), Context("python"), lambda **arrays: {})
    with pytest.raises(NetworkError, match=problem):
        network.first_states(utterance)


@pytest.mark.parametrize("array", [np.zeros((3, 3), np.float32), np.zeros((3, 2)), np.zeros((1, 3, 2), np.float32)])
def test_a_file_that_no_state_begins_with_is_an_error(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(
        AddonError, match=r"past\.npy: is float.*, and the state 'past' begins as float32 \[3, 2\]; package"
    ):
        first_states(with_values(tmp_path, past=array))


def test_a_file_that_is_no_array_is_an_error(tmp_path: Path) -> None:
    made = with_values(tmp_path, past=np.zeros((3, 2), np.float32))
    (tmp_path / "past.npy").write_bytes(b"no array")
    with pytest.raises(AddonError, match=r"past\.npy: cannot be read"):
        first_states(made)
    (tmp_path / "past.npy").unlink()
    np.savez(tmp_path / "past", a=np.zeros(2))
    (tmp_path / "past.npz").rename(tmp_path / "past.npy")
    with pytest.raises(AddonError, match=r"past\.npy: is no \.npy"):
        first_states(made)


def test_the_stateful_form_is_a_network_of_its_own_whose_caller_gives_no_states() -> None:
    form = both().stateful
    assert form is not None
    assert (form.name, form.role, form.needs) == ("net", "decoder", {"frames", "pitch", "speaker"})
    assert form.digest != both().digest
    assert form.streamed == ("mel",)
    states = first_states(form, 5)
    assert {name: (x.shape, x.dtype) for name, x in states.items()} == {
        "past": ((5, 3, 2), "float32"),
        "hidden": ((5, 4), "float16"),
    }
    assert not any(x.any() for x in states.values())


def declared(spec: NetworkSpec, **others: Any) -> dict[str, Any]:
    """Return outputs as a spec declares them, with one step on each named axis."""
    sizes = {name: [n if isinstance(n, int) else 1 for n in tensor.shape] for name, tensor in spec.outputs.items()}
    return {**{name: np.zeros(size, spec.outputs[name].dtype) for name, size in sizes.items()}, **others}


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"mel": None}, "NoneType"),
        ({"mel": [[[1.0]]]}, "list"),
        ({"mel": np.zeros((1, 1, 3))}, r"float64 of the shape \(1, 1, 3\)"),
        ({"mel": np.zeros((1, 3), np.float32)}, r"float32 of the shape \(1, 3\)"),
        ({"mel": np.zeros((1, 1, 4), np.float32)}, r"float32 of the shape \(1, 1, 4\)"),
    ],
)
def test_an_output_that_is_not_as_declared_is_an_error(wrong: dict[str, Any], problem: str) -> None:
    form = both().stateful
    assert form is not None
    given = inputs(past=object(), hidden=object(), end=np.zeros(1, np.int64))
    network = Network(form, Context("python"), lambda **tensors: declared(form, **wrong))
    with pytest.raises(NetworkError, match=f"network 'net', output 'mel': the addon declares float32 .* {problem}"):
        network(**given)
    fixed = {name: x for name, x in given.items() if name not in form.states}
    with pytest.raises(NetworkError, match=problem):
        network.bind(**fixed)(past=given["past"], hidden=given["hidden"])


def test_a_runtime_that_fails_otherwise_than_on_purpose_names_the_network() -> None:
    form = both().stateful
    assert form is not None
    network = Network(form, Context("python"), lambda **tensors: {}["weights"])
    with pytest.raises(NetworkError, match="network 'net' failed: KeyError: 'weights'"):
        network(**inputs(past=object(), hidden=object(), end=np.zeros(1, np.int64)))


def test_states_go_through_as_they_are() -> None:
    form = both().stateful
    assert form is not None
    given = inputs(past=object(), hidden=object(), end=np.zeros(1, np.int64))
    seen: dict[str, Any] = {}
    Network(form, Context("python"), lambda **tensors: seen.update(tensors) or declared(form))(**given)
    assert seen["past"] is given["past"]
    with pytest.raises(NetworkError, match=r"network 'net' needs the input 'hidden'"):
        Network(form, Context("python"), lambda **tensors: tensors)(
            **{name: x for name, x in given.items() if name != "hidden"}
        )


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (Context(), ["stateful", "windowed"]),
        (Context(streaming="stateful"), ["stateful"]),
        (Context(streaming="windowed"), ["windowed"]),
        (Context(shapes={"frames": (64,)}), ["windowed"]),
        (Context(shapes={"tokens": (64,)}), ["stateful", "windowed"]),
    ],
)
def test_a_stream_carries_state_where_it_can(context: Context, expected: list[str]) -> None:
    forms = both().forms(context)
    assert ["stateful" if form.streaming and form.streaming.states else "windowed" for form in forms] == expected


def test_a_form_that_is_asked_for_and_not_to_be_had_is_an_error() -> None:
    form = both().stateful
    assert form is not None
    assert form.forms(Context()) == form.forms(Context(streaming="stateful")) == (form,)
    for asked, context, problem in [
        (spec(), Context(streaming="stateful"), "'net' cannot stream stateful: it has no stateful form"),
        (form, Context(streaming="windowed"), "'net' cannot stream windowed: it carries state"),
        (both(), Context(streaming="stateful", shapes={"frames": (64,)}), r"also fixes the sizes of \['frames'\]"),
    ]:
        with pytest.raises(ContextError, match=problem):
            asked.forms(context)


def test_an_export_that_is_not_there_is_an_error_that_says_which_are() -> None:
    with pytest.raises(
        ContextError, match="network 'net': the onnx runtime needs an export of format 'onnx', and it has only python"
    ):
        spec().export("onnx", "onnx")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Context("python", threads=2)),
        ("npu", Context("openvino", "NPU", shapes={"frames": (64,)})),
        ({"runtime": "torch"}, Context("torch")),
        (Context("x"), Context("x")),
        (
            {"streaming": "windowed", "batch": 8, "schedule": {"first": 16, "growth": 1.5}},
            Context(streaming="windowed", batch=8, schedule={"first": 16, "growth": 1.5}),
        ),
    ],
)
def test_a_context_is_a_name_a_mapping_or_the_default(value: Any, expected: Context) -> None:
    named = {
        "default": {"runtime": "python", "threads": 2},
        "npu": {"runtime": "openvino", "device": "NPU", "shapes": {"frames": [64]}},
    }
    assert Context.of(value, named, "tiny") == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"threads": 0}, "'threads' is a number of threads from 1 to 256, not 0"),
        ({"runtime": 5}, "'runtime' is the name of a runtime, not 5"),
        ({"device": None}, "'device' is the name of a device, not None"),
        ({"shapes": 3}, "'shapes' is sizes by axis"),
        ({"shapes": {"frames": 3}}, "'shapes' is sizes by axis"),
        ({"streaming": "cached"}, "'streaming' is 'stateful' or 'windowed', not 'cached'"),
        ({"batch": 0}, "'batch' is a number of calls from 1 to 1024, not 0"),
        (
            {"schedule": {"frist": 16}},
            "'schedule' is {'first': frames, 'growth': a factor above 1, .*, not {'frist': 16}",
        ),
        ({"schedule": {"first": 1.5}}, "'schedule' is"),
        ({"schedule": {"growth": 1}}, "'schedule' is"),
        ({"schedule": {"growth": float("nan")}}, "'schedule' is"),
        ({"schedule": 32}, "'schedule' is"),
        ({"precision": "float64"}, "'precision' is 'float32', 'bfloat16' or 'float16', not 'float64'"),
        ({"split": 1}, "'split' is true or false, not 1"),
        ({"options": ["cache"]}, "'options' is an object"),
        ({"networks": {"decoder": 3}}, "'networks' is contexts by name or role"),
        ({"networks": {"decoder": "nqu"}}, r"tiny: networks\.decoder has no context named 'nqu'; did you mean 'npu'"),
        (
            {"networks": {"decoder": {"device": ""}}},
            r"tiny: networks\.decoder: a context's 'device' is the name of a device, not ''",
        ),
        (
            {"networks": {"decoder": {"networks": {"vocoder": "npu"}}}},
            r"networks\.decoder is a context with 'networks' of its own",
        ),
        ({"networks": {"decoder": "split"}}, r"networks\.decoder is a context with 'networks' of its own"),
        (
            {"networks": {"decoder": Context(networks={"x": Context()})}},
            r"networks\.decoder is a context with 'networks' of its own",
        ),
        ("ring", r"networks\.decoder is a context with 'networks' of its own"),
        ({"name": "mine"}, "a context has no 'name'"),
        ("gpu", r"tiny has no context named 'gpu'.* \(it has npu, ring, split\); or give runtime:device"),
        ("onnx:", "tiny has no context named 'onnx:'"),
        ({"runtme": "onnx"}, r"a context has no 'runtme'; did you mean 'runtime'\?; it may have .*'runtime'"),
    ],
)
def test_a_context_that_does_not_exist_is_an_error(value: Any, problem: str) -> None:
    with pytest.raises(ContextError, match=problem):
        Context.of(
            value,
            {"npu": {}, "split": {"networks": {"decoder": "npu"}}, "ring": {"networks": {"decoder": "ring"}}},
            "tiny",
        )


def test_a_context_is_a_name_a_shorthand_or_an_object() -> None:
    named = {"npu": {"runtime": "openvino", "device": "NPU"}, "alias": "npu"}
    assert Context.of("torch:cuda:1", {}, "tiny") == Context("torch", "cuda:1")
    assert Context.of("torch:cuda:1", {}, "tiny").name == "torch:cuda:1"
    assert Context.of("npu", named, "tiny") == Context("openvino", "NPU")
    assert Context.of({"shapes": {"frames": [64, 16, 64]}}, named, "tiny").shapes == {"frames": (16, 64)}
    assert Context.of("best", {}, "tiny", {"best": "onnx:cuda"}.get) == Context("onnx", "cuda")
    assert Context.of("best", {}, "tiny", {"best": "onnx:cuda"}.get).name == "best"
    assert Context.of(None, {}, "tiny") == Context()
    assert Context.of(None, {"default": {"threads": 2}}, "tiny").threads == 2


def test_single_networks_may_run_elsewhere() -> None:
    context = Context.of(
        {"networks": {"decoder": "npu", "vocoder": "onnx:cuda"}}, {"npu": {"runtime": "openvino"}}, "tiny"
    )
    assert context.for_network("decoder", "decoder").runtime == "openvino"
    assert context.for_network("mel2wav", "vocoder").device == "cuda"
    assert context.for_network("encoder", "encoder") is context
    by_name = Context.of({"networks": {"decoder": "onnx:a", "mel": "onnx:b"}}, {}, "tiny")
    assert by_name.for_network("mel", "decoder").device == "b"


def test_contexts_in_which_a_network_is_opened_alike_share_a_key() -> None:
    assert Context(streaming="windowed", schedule={"first": 8}).key() == Context().key()
    assert Context(batch=4).key() != Context().key()


def test_what_stays_the_same_is_checked_once(net: Network) -> None:
    bound = net.bind(**inputs())
    assert bound()["total"] == 10
    with pytest.raises(NetworkError, match="needs the input 'pitch'"):
        net.bind(**inputs(pitch=None))
    with pytest.raises(NetworkError, match="has no input"):
        net.bind(**inputs(ptch=np.ones(1)))


STEP = network(
    "decoder",
    {
        "keys": tensor("batch", "tokens", 3),
        "heard": tensor("batch", 2, 4),
        "cache": tensor("batch", "past", 5),
        "dropout": tensor("batch", 6),
    },
    {
        "said": tensor("batch", 2, 4),
        "end": tensor("batch", 1),
        "heard_next": tensor("batch", 2, 4),
        "cache_next": tensor("batch", "longer", 5),
    },
    autoregressive={
        "frames": "said",
        "stop": "end",
        "states": {"heard": {"next": "heard_next"}, "cache": {"next": "cache_next", "steps": 2}},
        "noise": {"dropout": "uniform"},
    },
)


def test_a_network_that_goes_step_by_step() -> None:
    made = NetworkSpec.of("step", STEP, "digest", lambda name: None, False)  # type: ignore[arg-type,return-value]
    assert made.form == "autoregressive"
    assert made.needs == {"keys"}
    assert made.filled == {"heard", "cache", "dropout"}
    assert set(made.streamed) == {"said", "end"}
    assert {name: state.shape for name, state in first_states(made, 3).items()} == {
        "heard": (3, 2, 4),
        "cache": (3, 2, 5),
    }
    assert made.autoregressive is not None
    assert (made.autoregressive.frames, made.autoregressive.attention, made.autoregressive.noise) == (
        "said",
        None,
        {"dropout": "uniform"},
    )
    assert Network(made, Context("python"), run).effective.form == "autoregressive"
