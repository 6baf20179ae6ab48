"""Kokoro voices: a whole sentence at once, since every layer of the decoder is normalised over all of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "importing needs onnx and onnxruntime: pip install voxstack-importers"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from comparing import error  # noqa: E402
from originals import SYMBOLS, kokoro_voice, run_kokoro  # noqa: E402

import voxstack  # noqa: E402
from voxstack import Schedule  # noqa: E402
from voxstack_cli.main import main  # noqa: E402
from voxstack_importers import import_voice  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

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
    blocks = [
        block
        for block in voice.addon.config["stack"][0]["block"]["sequence_block"]["blocks"]
        if block["type"] == "Noise"
    ]
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
    assert error(voice.synthesize(text, **controls).samples, reference) < 1e-5


@pytest.mark.parametrize(
    "schedule", [Schedule(1, growth=1.0, largest=1), Schedule(7, growth=1.3), Schedule(5000)], ids=str
)
def test_it_is_given_out_as_it_is_asked_for(voice, schedule):
    chunks = [chunk.samples for chunk in voice.stream(TEXT, schedule=schedule)]
    np.testing.assert_array_equal(np.concatenate(chunks), voice.synthesize(TEXT).samples)
    assert len(chunks[0]) == (
        min(schedule.first, 50) * 600 if schedule.first < 100 else len(voice.synthesize(TEXT).samples)
    )


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
    assert config["controls"]["speaker"]["enum"] == ["af_bella", "bm_george"]


@pytest.mark.parametrize(
    ("change", "options", "problem"),
    [
        (lambda paths: None, {"voices": ""}, "voices: there is no file ''"),
        (lambda paths: paths["voices"].write_bytes(b"nothing"), {}, r"voices-v1\.0\.bin: holds no table of styles"),
        (lambda paths: paths["config"].unlink(), {}, r"vocab: there is no config\.json with the vocabulary"),
        (lambda paths: paths["config"].write_text("{}"), {}, r"config\.json: has no 'vocab'"),
        (lambda paths: None, {"phonemes": "ipa"}, "phonemes: 'ipa' is neither 'espeak' nor 'text'"),
        (lambda paths: other_graph(paths["model"]), {}, r"kokoro\.onnx: takes \['x'\]; a Kokoro model takes"),
    ],
)
def test_what_is_no_kokoro_voice_is_refused(tmp_path, change, options, problem):
    paths = kokoro_voice(tmp_path)
    change(paths)
    with pytest.raises(PackagingError, match=problem):
        import_voice(
            "kokoro",
            paths["model"],
            tmp_path / "out",
            progress=str,
            **{"voices": str(paths["voices"]), "phonemes": "text", **options},
        )
    assert not (tmp_path / "out").exists()


def other_graph(path):
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y"))
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "other", [x], [y])
    onnx.save(onnx.helper.make_model(graph), path)
