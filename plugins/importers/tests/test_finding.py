"""Importers are found by looking, and say what an imported voice can do."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import onnx
import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
from originals import (
    kitten_voice,
    kokoro_voice,
    matcha_voice,
    melo_voice,
    piper_voice,
    supertonic_voice,
    tiny_voice,
)

from voxstack_cli.main import main
from voxstack_importers.finding import find_importer
from voxstack_packager import PackagingError

MAKERS = {
    "piper": lambda folder: piper_voice(folder, "one"),
    "matcha": lambda folder: matcha_voice(folder, "hifigan")[0],
    "kitten": kitten_voice,
    "kokoro": lambda folder: kokoro_voice(folder)["model"],
    "melo": lambda folder: melo_voice(folder, "one"),
    "tiny": tiny_voice,
    "supertonic": supertonic_voice,
}


@pytest.mark.parametrize("name", MAKERS)
def test_each_format_is_recognised_by_its_own_importer_alone(name, tmp_path):
    path = MAKERS[name](tmp_path)
    assert find_importer(path) == (name, path)


@pytest.mark.parametrize("name", ["piper", "kokoro", "melo"])
def test_a_folder_with_one_voice_stands_for_it(name, tmp_path):
    path = MAKERS[name](tmp_path)
    assert find_importer(tmp_path) == (name, path)


def test_a_voice_in_a_folder_of_a_folder_is_found(tmp_path):
    (tmp_path / "data").mkdir()
    path = piper_voice(tmp_path / "data", "one")
    assert find_importer(tmp_path) == ("piper", path)
    with pytest.raises(PackagingError, match=r"is a configuration; give the voice that it belongs to, .*one\.onnx$"):
        find_importer(path.with_name("one.onnx.json"))


def test_a_folder_of_transformers_is_recognised_by_its_configuration(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["VitsModel"]}))
    assert find_importer(tmp_path) == ("transformers", tmp_path)


def test_of_several_voices_one_must_be_chosen(tmp_path):
    first, second = piper_voice(tmp_path, "one"), piper_voice(tmp_path, "three")
    with pytest.raises(PackagingError, match="has 2 voices; choose one") as caught:
        find_importer(tmp_path)
    assert f"voxstack import piper {first}" in str(caught.value)
    assert f"voxstack import piper {second}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("voice.pt", b"", "a checkpoint of PyTorch, which may run code when it is read; export it"),
        ("voice.onnx.json", b"{}", "a configuration; give the .onnx"),
        ("voices.npz", b"", "a table of voices or weights"),
        ("voice.zip", b"", "an archive; unpack it"),
        ("voice.onnx", b"not a graph", "is not an ONNX graph that can be read; there are piper, matcha"),
        ("voice.txt", b"", "no importer recognises .*; there are piper, .*voxstack import --help describes"),
    ],
)
def test_other_files_are_refused_with_what_to_give_instead(name, content, problem, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PackagingError, match=problem):
        find_importer(path)


def test_other_graphs_and_folders_are_described(tmp_path):
    value = onnx.helper.make_tensor_value_info("pixels", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["pixels"], ["y"])],
        "g",
        [value],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    onnx.save(onnx.helper.make_model(graph), tmp_path / "other.onnx")
    with pytest.raises(PackagingError, match=r"which takes \['pixels'\]; there are piper"):
        find_importer(tmp_path / "other.onnx")
    with pytest.raises(PackagingError, match=r"in which there is other\.onnx"):
        find_importer(tmp_path)
    with pytest.raises(PackagingError, match=r"there is no .*nothing; give the file or folder of a voice"):
        find_importer(tmp_path / "nothing")
    (tmp_path / "addon.json").write_text("{}")
    with pytest.raises(PackagingError, match="is an addon of voxstack already; synthesize with it"):
        find_importer(tmp_path)


def test_the_shell_imports_what_it_is_given_and_reports_on_it(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = piper_voice(tmp_path, "one")
    assert main(["import", str(path)]) == 0
    shown = capsys.readouterr()
    assert f"{path} is a Piper voice" in shown.err
    assert (tmp_path / "one" / "addon.json").is_file(), "the folder is named as the addon"
    report = shown.out
    row = next(line for line in report.splitlines() if line.startswith("decoder"))
    assert re.search(r"in chunks, with states +11 \+ 11 frames +\d\.\de-\d+ +\d\.\de", row), row
    assert re.search(r"^text +as a whole", report, re.MULTILINE)
    assert re.search(r"^speech +differs from the original by \d\.\de-\d+ of its peak", report, re.MULTILINE)
    assert re.search(r"^events .*1 of kind sentence, \d+ of kind word, \d+ of kind phoneme", report, re.MULTILINE)
    assert re.search(r"^license +LicenseRef-Unknown", report, re.MULTILINE)
    command = shlex.split(report.strip().splitlines()[-1])
    assert main([*command[1:-1], str(tmp_path / "out.wav")]) == 0
    assert (tmp_path / "out.wav").stat().st_size > 1000


def test_the_shell_says_what_is_wrong_with_its_words(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words, problem in (
        (["piper"], "give a Piper voice: its .onnx, with its .onnx.json beside it: voxstack import piper PATH"),
        (["a", "b", "c"], "one voice is imported at a time; these are 3 words"),
        (["nothing.onnx"], "there is no nothing.onnx; give the file or folder of a voice"),
        (["pipper", "nothing.onnx"], "there is no importer 'pipper'; choose from"),
    ):
        assert main(["import", *words]) == 1
        assert problem in capsys.readouterr().err
