"""The files of a KittenTTS voice: model, configuration, and the styles of its speakers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxstack_packager import PackagingError


@dataclass(frozen=True)
class KittenFiles:
    """The files of a voice: a folder as it is published, or some of them by name.

    :param model: the ``.onnx``.
    :param voices: the ``.npz``, or the ``.bin`` that sherpa-onnx reads.
    :param config: the content of ``config.json``; empty without one.
    """

    model: Path
    voices: Path
    config: Mapping[str, Any]

    @classmethod
    def find(cls, path: Path, voices: str) -> KittenFiles:
        """Find the files.

        :param path: the folder, or the ``.onnx``.
        :param voices: path of the voices; by default those that the configuration names, or that lie beside the model.
        :raises PackagingError: naming the file that is missing.
        """
        folder = path if path.is_dir() else path.parent
        config = _read_config(folder / "config.json")
        model = folder / str(config.get("model_file", "")) if path.is_dir() else path
        if not model.is_file():
            problem = "has no config.json that names its model_file, or no such file; give the .onnx, or a whole folder"
            raise PackagingError(path.name, problem)
        names = [str(config["voices"])] if "voices" in config else []
        beside = [folder / name for name in (*names, "voices.npz", "voices.bin")]
        found = [Path(voices)] if voices else [file for file in beside if file.is_file()]
        if not found or not found[0].is_file():
            problem = f"there is no file {voices or 'voices.npz'!r}; give the styles of the speakers with --voices"
            raise PackagingError("voices", problem)
        return cls(model, found[0], config)


@dataclass(frozen=True)
class KittenVoices:
    """The styles of the speakers.

    :param names: their names.
    :param table: (speakers, rows, features) float32; one row, or one for each length of a text.
    :param rates: factor on the speed of each speaker.
    """

    names: list[str]
    table: np.ndarray
    rates: list[float]

    @classmethod
    def read(cls, path: Path, config: Mapping[str, Any], metadata: Mapping[str, str]) -> KittenVoices:
        """Read the styles.

        :param config: that of the voice, with ``speed_priors`` and ``voice_aliases``.
        :param metadata: that of the graph, with the shape of a ``.bin``.
        :raises PackagingError: if the file holds no styles.
        """
        try:
            styles = _read_bin(path, metadata) if path.suffix == ".bin" else _read_npz(path)
            table = np.stack([style.reshape(len(style), -1) for style in styles.values()])
        except (ValueError, OSError, KeyError, AttributeError) as error:
            problem = f"holds no table of styles, (rows, features) for each speaker ({error}); give that of the model"
            raise PackagingError(path.name, problem) from error
        priors = metadata.get("speaker_speed_priors", "")
        rates = [float(prior) for prior in priors.split(",")] if priors else [1.0] * len(styles)
        speeds = {**dict(zip(styles, rates, strict=True)), **config.get("speed_priors", {})}
        aliases = {own: alias for alias, own in config.get("voice_aliases", {}).items()}
        return cls([aliases.get(name, name) for name in styles], table, [float(speeds[name]) for name in styles])

    @property
    def rows(self) -> int:
        """Styles of each speaker."""
        return int(self.table.shape[1])

    def style(self, speaker: int, characters: int) -> np.ndarray:
        """Return the style of a speaker for a text of this many characters: (features,)."""
        style: np.ndarray = self.table[speaker, min(characters, self.rows - 1)]
        return style


def _read_config(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PackagingError(path.name, f"is not JSON ({error}); give the one that came with the model") from error
    if not isinstance(config, dict) or not str(config.get("type", "ONNX1")).startswith("ONNX"):
        kind = config.get("type") if isinstance(config, dict) else config
        problem = f"describes a model of type {kind!r}; this importer reads KittenTTS 1, of type ONNX1 or ONNX2"
        raise PackagingError(path.name, problem)
    return config


def _read_npz(path: Path) -> Mapping[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {name: np.asarray(file[name], np.float32) for name in file.files}


def _read_bin(path: Path, metadata: Mapping[str, str]) -> Mapping[str, np.ndarray]:
    """Read the raw float32 of all speakers, whose names and shape are in the metadata of the graph."""
    names: Sequence[str] = metadata["speaker_names"].split(",")
    rows, features = (int(size) for size in metadata["style_dim"].split(","))
    table = np.fromfile(path, "<f4").reshape(len(names), rows, features)
    return dict(zip(names, table, strict=True))
