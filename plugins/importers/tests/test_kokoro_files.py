"""The files of Kokoro voices: what is read, and what is refused before a graph is opened."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

REASON = "importing needs onnx and onnxruntime: pip install voxstack-importers"
onnx = pytest.importorskip("onnx", reason=REASON)
pytest.importorskip("onnxruntime", reason=REASON)

sys.path.insert(0, str(Path(__file__).parent / "support"))
from originals import kokoro_voice  # noqa: E402

from voxstack_importers import import_voice  # noqa: E402
from voxstack_importers.kokoro.reading import choose_reading, language_of  # noqa: E402
from voxstack_importers.kokoro.voice_files import read_styles  # noqa: E402
from voxstack_packager import PackagingError  # noqa: E402

TABLE = np.random.default_rng(3).standard_normal((2, 40, 1, 256)).astype(np.float32)


@pytest.fixture
def paths(tmp_path):
    return kokoro_voice(tmp_path)


def rewrite(name, content):
    return lambda paths: paths[name].write_bytes(content)


def cut_off(paths):
    content = paths["model"].read_bytes()
    paths["model"].write_bytes(content[: len(content) // 2])


def second_half(paths):
    content = paths["model"].read_bytes()
    paths["model"].write_bytes(content[len(content) // 2 :])


def other_graph(paths):
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y"))
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "other", [x], [y])
    onnx.save(onnx.helper.make_model(graph), paths["model"])


def no_config_and_few_tokens(paths):
    paths["config"].unlink()  # the standard vocabulary has tokens up to 177, and the graph embeddings for 64


@pytest.mark.parametrize(
    ("change", "options", "problem"),
    [
        (
            cut_off,
            {},
            r"kokoro\.onnx: has \d\.\d MB of the \d\.\d MB of the model: it is one part of it, .*join all parts",
        ),
        (second_half, {}, r"kokoro\.onnx: does not begin as an ONNX model does; if it is one of several parts, join"),
        (rewrite("model", b"version https://git-lfs.github.com/spec/v1"), {}, r"is a pointer of Git LFS"),
        (rewrite("model", b"\n<!doctype html><html>"), {}, r"is a web page"),
        (rewrite("model", b"PK\x03\x04"), {}, r"is an archive, such as a table of voices"),
        (other_graph, {}, r"kokoro\.onnx: takes \['x'\]; a Kokoro model takes"),
        (lambda paths: paths["voices"].unlink(), {}, "voices: none given: give --voices"),
        (lambda paths: None, {"voices": "elsewhere.bin"}, "voices: there is no file 'elsewhere.bin'"),
        (rewrite("voices", b"nothing"), {}, r"voices-v1\.0\.bin: holds no table of styles \(7 bytes"),
        (rewrite("voices", b"<html>"), {}, r"voices-v1\.0\.bin: is a web page"),
        (lambda paths: shutil.copy(paths["voices"], paths["voices"].parent / "voices.npz"), {}, "several lie beside"),
        (no_config_and_few_tokens, {}, r"has embeddings for 64 tokens, and the vocabulary has one numbered 177"),
        (rewrite("config", b"{}"), {}, r"config\.json: has no 'vocab'"),
        (lambda paths: None, {"vocab": "none.json"}, "vocab: there is no file 'none.json'"),
        (lambda paths: None, {"phonemes": "ipa"}, "phonemes: 'ipa' is unknown; choose one of espeak, japanese, text"),
        (lambda paths: None, {"phonemes": "espeak", "language": "ja"}, "pip install voxstack-japanese"),
        (
            lambda paths: None,
            {"phonemes": "", "language": "zh"},
            "language: no reader computes the phonemes of Chinese",
        ),
    ],
)
def test_what_is_no_kokoro_voice_is_refused(paths, tmp_path, change, options, problem):
    change(paths)
    with pytest.raises(PackagingError, match=problem):
        import_voice("kokoro", paths["model"], tmp_path / "out", progress=str, **{"phonemes": "text", **options})
    assert not (tmp_path / "out").exists()


def test_a_folder_in_place_of_the_model_is_refused(paths, tmp_path):
    with pytest.raises(PackagingError, match=r"is a folder; it holds kokoro\.onnx; give the \.onnx"):
        import_voice("kokoro", tmp_path, tmp_path / "out", progress=str)


def write_npz(folder):
    np.savez(folder / "voices.npz", af_one=TABLE[0], bm_two=TABLE[1])
    return folder / "voices.npz"


def write_archive(folder):
    return write_npz(folder).rename(folder / "voices-v1.0.bin")


def write_raw(folder):
    (folder / "voices").mkdir()
    for name, table in zip(("af_one", "bm_two"), TABLE, strict=True):
        (folder / "voices" / f"{name}.bin").write_bytes(table.tobytes())
    return folder / "voices"


def write_npy(folder):
    (folder / "voices").mkdir()
    for name, table in zip(("af_one", "bm_two"), TABLE, strict=True):
        np.save(folder / "voices" / f"{name}.npy", table)
    return folder / "voices"


def write_json(folder):
    path = folder / "voices.json"
    path.write_text(json.dumps({"af_one": TABLE[0].tolist(), "bm_two": TABLE[1].tolist()}))
    return path


@pytest.mark.parametrize("write", [write_npz, write_archive, write_raw, write_npy, write_json])
def test_voices_are_read_in_all_their_formats(tmp_path, write):
    path = write(tmp_path)
    for found in (read_styles(str(path), tmp_path / "model.onnx"), read_styles("", tmp_path / "model.onnx")):
        assert found.speakers == ["af_one", "bm_two"]
        np.testing.assert_array_equal(found.table, TABLE[:, :, 0])


def test_one_raw_file_is_one_speaker(tmp_path):
    path = tmp_path / "af_one.bin"
    path.write_bytes(TABLE[0].tobytes())
    assert read_styles(str(path), tmp_path / "model.onnx").speakers == ["af_one"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.bin", TABLE.tobytes()[:-8], "not a multiple of the 1024 of a style"),
        ("a.bin", np.full(256, 1e30, np.float32).tobytes(), "values that no style has"),
        ("a.pt", b"\x80\x02", "is a pickle of torch, which could run code"),
        ("a.onnx", b"\x08\x08", "is a model, and --voices takes the styles"),
        ("a.json", b'{"a": [["x"]]}', "holds no table of styles"),
    ],
)
def test_other_files_are_no_voices(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PackagingError, match=problem):
        read_styles(str(tmp_path / name), tmp_path / "model.onnx")


def test_voices_of_different_models_are_refused(tmp_path):
    np.savez(tmp_path / "voices.npz", a=TABLE[0], b=TABLE[1][:30])
    with pytest.raises(PackagingError, match="'a' has 40 styles and 'b' has 30; give voices of one model"):
        read_styles("", tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("language", "problem"),
    [("ja", "reads Japanese, .*: pip install voxstack-japanese"), ("en-us", "pip install voxstack-espeak")],
)
def test_a_language_without_its_reader_is_refused(paths, tmp_path, monkeypatch, language, problem):
    monkeypatch.setattr("voxstack.Registry.installed", dict)
    with pytest.raises(PackagingError, match=problem):
        import_voice("kokoro", paths["model"], tmp_path / "out", progress=str, language=language)


def test_the_language_follows_from_the_names_of_the_voices():
    assert language_of(["jf_alpha", "jm_kumo"]) == "ja"
    assert language_of(["bf_emma"]) == "en-gb"
    assert language_of(["af_heart", "jf_alpha"]) == language_of(["mine"]) == "en-us"
    assert choose_reading("", "ja") == "japanese"
    assert choose_reading("", "pt-br") == choose_reading("espeak", "en-gb") == "espeak"
    assert choose_reading("text", "zh") == "text"
