"""Kokoro voices: a whole sentence at once, since every layer of the decoder is normalised over all of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "importing needs onnx and onnxruntime: pip install voxstack-importers"
onnx = pytest.importorskip("onnx", reason=REASON)
onnxruntime = pytest.importorskip("onnxruntime", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import error  # noqa: E402
from originals import SYMBOLS, kokoro_voice, run_kokoro  # noqa: E402

import voxstack  # noqa: E402
from voxstack import Schedule  # noqa: E402
from voxstack_cli.main import main  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402

TEXT = "this is what they say, is it?"


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Import a voice: the files of the original, and the addon."""
    folder = tmp_path_factory.mktemp("kokoro")
    paths = kokoro_voice(folder)
    return paths, import_voice(
        "kokoro", paths["model"], folder / "out", progress=str, voices=str(paths["voices"]), phonemes="text"
    )


@pytest.fixture(scope="module")
def voice(imported):
    return voxstack.load(imported[1])


def drawn(voice, tokens, seed):
    sequence = voice.addon.config["stack"][0]["block"]["sequence_block"]
    blocks = [block for block in sequence["blocks"] if block["type"] == "Noise"]
    utterance = {"tokens": tokens, "seed": seed}
    return {block["distribution"]: voxstack.build(block)(utterance)[block["name"]].reshape(-1) for block in blocks}


@pytest.mark.parametrize(
    ("text", "controls"),
    [
        (TEXT, {}),
        (TEXT, {"seed": 3, "speaker": "bm_george", "rate": 0.5}),
        ("no", {"rate": 2.0}),
        ("a sentence of more phonemes than there are styles, " * 2, {"speaker": "bm_george"}),
    ],
    ids=str,
)
def test_it_says_what_the_original_says(imported, voice, text, controls):
    paths = imported[0]
    tokens = np.array([0, *(SYMBOLS[letter][0] for letter in text.strip()), 0])
    with np.load(paths["voices"]) as styles:
        table = styles[controls.get("speaker", "af_bella")]
    style = table[min(len(tokens) - 2, len(table)) - 1]
    noise = drawn(voice, tokens, controls.get("seed", 0))
    reference = run_kokoro(paths["model"], tokens, style, controls.get("rate", 1.0), **noise)
    assert error(voice.synthesize(text, pause=0.0, **controls).samples, reference) < 1e-5


def test_a_blend_is_the_mixed_style(imported, voice):
    paths = imported[0]
    tokens = np.array([0, *(SYMBOLS[letter][0] for letter in TEXT), 0])
    with np.load(paths["voices"]) as styles:
        rows = [styles[name][len(tokens) - 3] for name in ("af_bella", "bm_george")]
    style = np.float32(0.25) * rows[0] + np.float32(0.75) * rows[1]
    reference = run_kokoro(paths["model"], tokens, style, 1.0, **drawn(voice, tokens, 0))
    for blend in ("af_bella:0.25+bm_george:0.75", "bm_george:3 + af_bella"):
        assert error(voice.synthesize(TEXT, pause=0.0, speaker=blend).samples, reference) < 1e-5


@pytest.mark.parametrize(
    "schedule", [Schedule(1, growth=1.0, largest=1), Schedule(7, growth=1.3), Schedule(5000)], ids=str
)
def test_how_it_is_asked_for_changes_nothing(voice, schedule):
    chunks = list(voice.stream(TEXT, schedule=schedule))
    whole = voice.synthesize(TEXT)
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in chunks]), whole.samples)
    assert [event for chunk in chunks for event in chunk.events] == list(whole.events)
    assert not whole.samples[-6000:].any()
    assert whole.samples[-6001] != 0


def test_durations_inside_the_graph_are_output(imported, tmp_path):
    """A graph with the durations as an output, and the same without, give equal addons."""
    model = onnx.load(imported[0]["model"])
    assert [output.name for output in model.graph.output] == ["waveform", "duration"]
    del model.graph.output[1]
    paths = kokoro_voice(tmp_path)
    onnx.save(model, paths["model"])
    folder = import_voice("kokoro", paths["model"], tmp_path / "out", progress=str, phonemes="text")
    cut, whole = voxstack.load(folder).synthesize(TEXT), voxstack.load(imported[1]).synthesize(TEXT)
    np.testing.assert_array_equal(cut.samples, whole.samples)
    assert list(cut.events) == list(whole.events)
    assert {event.kind for event in cut.events} == {"sentence", "word", "phoneme"}


def test_a_graph_without_random_operators_has_no_seed(tmp_path):
    paths = kokoro_voice(tmp_path)
    model = onnx.load(paths["model"])
    for node in model.graph.node:
        if node.op_type.startswith("Random"):
            node.CopyFrom(onnx.helper.make_node("Sub", [node.input[0]] * 2, node.output))
    onnx.save(model, paths["model"])
    folder = import_voice("kokoro", paths["model"], tmp_path / "out", progress=str, phonemes="text")
    found = voxstack.load(folder)
    assert sorted(found.controls) == ["pause", "rate", "speaker"]
    assert sorted(found.addon.networks["voice"].inputs) == ["rate", "style", "tokens"]
    tokens = np.array([[0, *(SYMBOLS[letter][0] for letter in TEXT), 0]])
    with np.load(paths["voices"]) as styles:
        style = styles["af_bella"][tokens.size - 3]
    original = onnxruntime.InferenceSession(paths["model"])
    inputs = {"input_ids": tokens, "style": style, "speed": np.float32([1])}
    reference = original.run(["waveform"], inputs)[0].reshape(-1)
    assert error(found.synthesize(TEXT, pause=0.0).samples, reference) < 1e-5


def test_one_value_of_the_noise_changes_the_whole_sentence(voice):
    """That is why it cannot stream: no window of it has the statistics of the whole."""
    network = voice.addon.network("voice")
    with np.load(imported_golden(voice)) as golden:
        inputs = {key.removeprefix("inputs."): golden[key] for key in golden.files if key.startswith("inputs.")}
    plain = np.array(network(**inputs)["samples"])
    middle = plain.size // 2 * 9
    inputs["noise"].reshape(-1)[middle] += 3.0
    changed = np.flatnonzero(network(**inputs)["samples"] != plain)
    assert changed[0] < 600
    assert changed[-1] > plain.size - 600
    assert len(changed) > 0.9 * plain.size
    assert (
        sum(
            node.op_type == "InstanceNormalization"
            for node in onnx.load(voice.addon.files.path("voice.onnx")).graph.node
        )
        > 20
    )


def imported_golden(voice):
    return voice.addon.files.path("golden/voice.npz")


def test_check_passes(imported):
    from voxstack_bench import check

    report = check(imported[1], contexts=["onnx:cpu"], progress=lambda line: None)
    assert report.passed
    assert {"voice", "styles", "speech"} <= {row.subject for found in report.contexts for row in found.rows}


def test_the_shell_imports_and_takes_the_vocabulary_of_the_metadata(tmp_path, capsys):
    paths = kokoro_voice(tmp_path)
    model = onnx.load(paths["model"])
    onnx.helper.set_model_props(model, {"kokoro_config": paths["config"].read_text(encoding="utf-8")})
    onnx.save(model, paths["model"])
    paths["config"].unlink()
    options = ["--voices", str(paths["voices"]), "--phonemes", "text", "--language", "en-gb", "--name", "lyra"]
    assert main(["import", "kokoro", str(paths["model"]), "--out", str(tmp_path / "lyra"), *options]) == 0
    config = json.loads((tmp_path / "lyra" / "addon.json").read_text())
    assert (config["name"], config["languages"], config["sample_rate"], config["hop_length"]) == (
        "lyra",
        ["en-gb"],
        24000,
        600,
    )
    assert config["controls"]["speaker"]["examples"] == ["af_bella", "bm_george"]
