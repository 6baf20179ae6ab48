"""The files with the styles of speakers, in the formats in which Kokoro voices are distributed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from voxstack_importers.kokoro.styles import Styles
from voxstack_packager import PackagingError

FEATURES = 256
"""Numbers of a style."""

MAX_BYTES = 2**30
"""The largest file of styles that is read."""

_FORMATS = (
    "an .npz or voices-*.bin with (phonemes, 1, 256) for each speaker, a raw float32 .bin or an .npy of one speaker, a "
    ".json of lists, or a folder of them"
)
_ARCHIVE, _ARRAY = b"PK\x03\x04", b"\x93NUMPY"
_OTHER = {
    b"version https://git-lfs": "is a pointer of Git LFS, not the file itself; download it: git lfs pull",
    b"<": "is a web page; download the file itself",
}


def read_styles(voices: str, model: Path) -> Styles:
    """Read the styles of all speakers.

    :param voices: file or folder of the option; by default those beside the model, if there is one candidate.
    :raises PackagingError: saying what is missing, or what a file holds instead.
    """
    path = Path(voices) if voices else _beside(model)
    if not path.exists():
        raise PackagingError(
            "voices", f"there is no file {str(path)!r} with the styles of the speakers; give {_FORMATS}"
        )
    files = sorted(file for file in path.iterdir() if file.suffix in (".bin", ".npy")) if path.is_dir() else [path]
    if not files:
        raise PackagingError("voices", f"the folder {path} has no .bin or .npy file; give {_FORMATS}")
    styles = dict(pair for file in files for pair in _read(file))
    shapes = {name: table.shape for name, table in styles.items()}
    first = next(iter(shapes))
    for name, shape in shapes.items():
        if shape != shapes[first]:
            problem = f"{first!r} has {shapes[first][0]} styles and {name!r} has {shape[0]}; give voices of one model"
            raise PackagingError(path.name, problem)
    names = sorted(styles)
    return Styles(names, np.stack([styles[name] for name in names]))


def _beside(model: Path) -> Path:
    """Return the only file or folder beside the model that can be its voices."""
    patterns = ("voices*.bin", "voices*.npz", "voices*.json", "voices/")
    found = [path for pattern in patterns for path in sorted(model.parent.glob(pattern))]
    if len(found) != 1:
        listing = f"several lie beside the model ({', '.join(path.name for path in found)})" if found else "none given"
        raise PackagingError("voices", f"{listing}: give --voices with the styles of the speakers: {_FORMATS}")
    return found[0]


def _read(file: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name and the table, (phonemes, features), of each speaker in a file."""
    with file.open("rb") as opened:
        head = opened.read(64)
    if problem := next((problem for beginning, problem in _OTHER.items() if head.startswith(beginning)), None):
        raise PackagingError(file.name, problem)
    if file.suffix == ".onnx":
        raise PackagingError(file.name, f"is a model, and --voices takes the styles of its speakers: {_FORMATS}")
    if file.suffix in (".pt", ".pth"):
        problem = "is a pickle of torch, which could run code; convert it: numpy.save(name, torch.load(file).numpy())"
        raise PackagingError(file.name, problem)
    if file.stat().st_size > MAX_BYTES:
        raise PackagingError(file.name, f"has more than {MAX_BYTES} bytes; give {_FORMATS}")
    try:
        if head.startswith(_ARCHIVE):
            with np.load(file, allow_pickle=False) as archive:
                yield from [(name, _table(archive[name], file, name)) for name in sorted(archive.files)]
        elif head.startswith(_ARRAY):
            yield file.stem, _table(np.load(file, allow_pickle=False), file, file.stem)
        elif head.lstrip()[:1] == b"{":
            lists = json.loads(file.read_text(encoding="utf-8"))
            yield from [(name, _table(np.asarray(rows), file, name)) for name, rows in lists.items()]
        else:
            yield file.stem, _raw(file)
    except (ValueError, OSError, AttributeError, TypeError, KeyError) as error:
        raise PackagingError(file.name, f"holds no table of styles ({error}); give {_FORMATS}") from error


def _raw(file: Path) -> np.ndarray:
    """Return the table in a file of float32 numbers without a header."""
    row = 4 * FEATURES
    size = file.stat().st_size
    if not size or size % row:
        raise ValueError(f"{size} bytes, not a multiple of the {row} of a style of {FEATURES} float32 numbers")
    return _table(np.fromfile(file, "<f4"), file, file.stem)


def _table(array: np.ndarray, file: Path, name: str) -> np.ndarray:
    """Return styles as (phonemes, features) float32."""
    if array.dtype.kind != "f" or array.size % FEATURES or not array.size:
        raise ValueError(f"{name!r} is {array.dtype} of the shape {array.shape}")
    table: np.ndarray = np.ascontiguousarray(array, np.float32).reshape(-1, FEATURES)
    if not np.isfinite(table).all() or np.abs(table).max() > 1e3:
        raise ValueError(f"{name!r} has values that no style has: it is another kind of file")
    return table
