"""Which importer a file or folder is for, found by looking at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from voxstack_importers.importers import Importer, installed_importers
from voxstack_importers.recognition import outline
from voxstack_packager import PackagingError

MOST_FILES = 200
"""Files of a folder that are looked at."""

INSTEAD: Mapping[str, str] = {
    ".json": "a configuration; give the .onnx or the folder that it belongs to",
    ".npz": "a table of voices or weights; give the .onnx of the model, and name the table with --voices",
    ".bin": "a table of voices, or a pickle of weights; give the .onnx of the model, or the folder of save_pretrained",
    ".pt": "a checkpoint of PyTorch, which may run code when it is read; export it to ONNX with its own software",
    ".pth": "a checkpoint of PyTorch, which may run code when it is read; export it to ONNX with its own software",
    ".ckpt": "a checkpoint of training, which may run code when it is read; export it to ONNX with its own software",
    ".safetensors": "weights alone; give the folder with the config.json beside them",
    ".zip": "an archive; unpack it, and give its folder (a voxstack addon needs no import: --voice takes it as it is)",
    ".tar": "an archive; unpack it, and give its folder",
    ".gz": "an archive; unpack it, and give its folder",
    ".bz2": "an archive; unpack it, and give its folder",
    ".gguf": "a model for llama.cpp, which no importer reads",
}
"""What other files are, by their suffix, and what to give instead."""


def find_importer(path: Path) -> tuple[str, Path]:
    """Return the importer of a voice, and the file or folder that it accepts: the path, or one inside its folder.

    Only names of files, graphs' inputs and small JSON files are read.

    :raises PackagingError: if no importer, or more than one voice, is found; it says what was looked at.
    """
    if not path.exists():
        raise PackagingError("import", f"there is no {path}; give the file or folder of a voice")
    if (path / "addon.json").is_file():
        problem = f"{path} is an addon of voxstack already; synthesize with it: voxstack say --voice {path} TEXT"
        raise PackagingError("import", problem)
    if found := _importers_of(path):
        return found[0], path
    inside = list(_voices_inside(path)) if path.is_dir() else []
    if len(inside) > 1:
        listed = " or ".join(f"voxstack import {name} {file}" for name, file in inside[:10])
        raise PackagingError("import", f"{path} has {len(inside)} voices; choose one: {listed}")
    if inside:
        return inside[0]
    raise PackagingError("import", _unknown(path))


def _importers_of(path: Path) -> list[str]:
    """Return the names of the importers that recognise a path, in their order."""
    return [name for name, importer in installed_importers().items() if _recognizes(importer, path)]


def _recognizes(importer: Importer, path: Path) -> bool:
    return bool(import_module(importer.module).recognizes(path))


def _voices_inside(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the voices in a folder and in the folders in it: importer and path."""
    entries = [*sorted(folder.glob("*")), *sorted(folder.glob("*/*"))]
    for path in entries[:MOST_FILES]:
        if path.suffix == ".onnx" or path.is_dir():
            for name in _importers_of(path)[:1]:
                yield name, path


def _unknown(path: Path) -> str:
    accepted = f"{', '.join(installed_importers())}; voxstack import --help describes what each accepts"
    if path.is_dir():
        files = sorted(file.name for file in path.iterdir())
        listed = ", ".join(files[:12]) + (", ..." if len(files) > 12 else "") if files else "nothing"
        return f"no importer recognises the folder {path}, in which there is {listed}; there are {accepted}"
    if path.suffix == ".onnx":
        inputs = sorted(outline(path).inputs)
        looks = f"takes {inputs}" if inputs else "is not an ONNX graph that can be read"
        return f"no importer recognises {path}, which {looks}; there are {accepted}"
    if path.suffix == ".json" and path.with_suffix("").is_file():
        return f"{path} is a configuration; give the voice that it belongs to, {path.with_suffix('')}"
    known = INSTEAD.get(path.suffix.lower())
    if known is not None:
        return f"{path} is {known}"
    return f"no importer recognises {path}; there are {accepted}"
