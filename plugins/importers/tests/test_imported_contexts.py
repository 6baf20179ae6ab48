"""Contexts with fixed sizes of imported voices: they say what the voice says at any length, or are refused."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REASON = "importing needs onnx and onnxruntime: pip install voxstack-importers"
pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "benchmarks"))
from imported_contexts import compare, contexts_of  # noqa: E402
from originals import kokoro_voice, matcha_voice, piper_voice  # noqa: E402
from varied_texts import varied_texts  # noqa: E402

import voxstack  # noqa: E402
from voxstack import BlockError, ContextError  # noqa: E402
from voxstack.networks import Context  # noqa: E402
from voxstack.networks.sizes import free_axes  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.contexts import CHUNKS, TOKENS, fixed_contexts  # noqa: E402


@pytest.fixture(scope="module")
def addons(tmp_path_factory):
    """Import Piper voices with random weights, by name."""
    folder = tmp_path_factory.mktemp("contexts")
    return {
        name: str(import_voice("piper", piper_voice(folder, name), folder / name, progress=str))
        for name in ("one", "three", "plain")
    }


def test_each_network_has_sizes_for_its_own_windows(addons):
    config = json.loads((Path(addons["three"]) / "addon.json").read_text())
    for name, place in (("fixed", "onnx:cpu"), ("npu", "openvino:NPU")):
        context = config["contexts"][name]
        assert f"{context['runtime']}:{context['device']}" == place
        assert context["shapes"] == {
            "tokens": list(TOKENS),
            "frames": [chunk + 22 for chunk in CHUNKS],
            "batch": [1],  # the table of speakers has no other axis
        }
        assert context["networks"]["flow"]["shapes"] == {"frames": [chunk + 64 for chunk in CHUNKS]}
    context = Context.of("npu", config["contexts"], "three")
    for spec in voxstack.load(addons["three"]).addon.networks.values():  # a neural processor accepts no other networks
        assert not free_axes(spec, context.for_network(spec.name, spec.role))
    assert all(error < 1e-5 for net in config["networks"].values() for error in net["measured"]["mask_error"].values())


@pytest.mark.parametrize("tokens", [None, [24, 60]], ids=["own sizes", "small"])
@pytest.mark.parametrize("name", ["one", "three", "plain"])
def test_varied_texts_are_the_same_at_fixed_sizes(addons, name, tokens):
    """With small sizes most sentences are cut, and the segments are what each is by itself."""
    contexts = {key: value for key, value in contexts_of(addons[name]).items() if key.startswith("onnx")}
    if tokens:
        contexts["onnx, fixed"]["shapes"]["tokens"] = tokens
    result = compare(addons[name], contexts, varied_texts(15, longest=12, seed=3))["onnx, fixed"]
    assert not result.failures
    assert result.error < 1e-4, result.worst
    assert result.cut > 5 if tokens else not result.cut


@pytest.mark.skipif(not find_spec("openvino"), reason="needs OpenVINO: pip install openvino")
def test_varied_texts_are_the_same_in_openvino(addons):
    results = compare(addons["plain"], contexts_of(addons["plain"]), varied_texts(8, longest=12, seed=3))
    assert set(results) == {"onnx, any length", "openvino, any length", "onnx, fixed", "openvino, fixed"}
    for context, result in results.items():
        assert not result.failures, context
        assert result.error < 1e-4, (context, result.worst)


def test_windows_of_every_size_are_used_and_short_texts_are_padded(addons):
    voice = voxstack.load(addons["one"], context="fixed")
    assert {network.effective.form for network in voice.addon.opened} == {"whole", "windowed"}
    voice.synthesize("a")
    list(voice.stream("this is what they say, is it? " * 4))
    stats = {network.spec.name: network.stats["fixed_shapes"] for network in voice.addon.opened}
    assert stats["decoder"]["axes"]["frames"]["padding"] > 0
    assert len(stats["decoder"]["sizes"]) > 1


def test_an_error_names_the_block_of_the_stack(addons):
    config = json.loads((Path(addons["one"]) / "addon.json").read_text())
    context = {**config["contexts"]["fixed"], "split": False}
    context["shapes"] = {**context["shapes"], "tokens": [16]}
    voice = voxstack.load(addons["one"], context=context)
    encoders = len(config["stack"][0]["block"]["sequence_block"]["blocks"]) - 1
    with pytest.raises(BlockError, match=r"network 'text': .* tokens, the largest size is 16") as raised:
        voice.synthesize("this is what they say, is it?")
    assert raised.value.where == f"stack[0].block.sequence_block.blocks[{encoders}]"
    assert raised.value.problem.startswith("Encoders: ") or ": Encoders" in str(raised.value)
    decoder = next(network for network in voice.addon.opened if network.spec.name == "decoder")
    decoder._run = lambda **tensors: 1 / 0
    with pytest.raises(BlockError, match="network 'decoder' failed: ZeroDivisionError") as raised:
        voice.synthesize("is it")
    assert raised.value.where == "stack[0].block.streamable_block.stack[3]"
    assert "Decoder: " in raised.value.problem


@pytest.mark.parametrize(
    ("importer", "network", "axis"), [("kokoro", "kokoro", "tokens"), ("matcha", "acoustic", "tokens")]
)
def test_what_cannot_be_padded_is_refused_when_the_voice_is_loaded(tmp_path, importer, network, axis):
    lines: list[str] = []
    if importer == "kokoro":
        paths = kokoro_voice(tmp_path)
        path, options = paths["model"], {"voices": str(paths["voices"]), "phonemes": "text"}
    else:
        path, vocoder = matcha_voice(tmp_path, "hifigan")
        options = {"vocoder": str(vocoder)}
    addon = import_voice(importer, path, tmp_path / "out", progress=lines.append, **options)
    voice = voxstack.load(addon)
    assert not any(context.get("shapes") for context in voice.addon.config.get("contexts", {}).values())
    with pytest.raises(ContextError, match=rf"^network '.*': the context fixes .*'{axis}'"):
        voxstack.load(addon, context={"runtime": "onnx", "shapes": {axis: [64, 256]}})


def test_the_progress_says_which_network_has_no_mask():
    networks = {"acoustic": {"inputs": {"tokens": {"shape": ["batch", "tokens"]}}}}
    lines: list[str] = []
    assert fixed_contexts(networks, lines.append) == {}
    assert lines == ["acoustic: has no mask for 'tokens', so the voice gets no contexts with fixed sizes"]


def test_states_that_grow_run_at_any_length():
    mask = {"shape": ["batch", "tokens"], "mask": True}
    step = {
        "inputs": {"mask": mask, "cache": {"shape": ["batch", "past", 4]}},
        "autoregressive": {"states": {"cache": {}}},
    }
    contexts = fixed_contexts({"text": {"inputs": {"mask": mask}}, "step": step})
    for context in contexts.values():
        assert context["shapes"] == {"tokens": list(TOKENS)}
        assert context["networks"] == {"step": {"runtime": "onnx", "device": "cpu"}}
