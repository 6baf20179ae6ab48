"""The files of a Supertonic voice: four graphs, a configuration, an index of characters, and styles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxstack_packager import PackagingError

GRAPHS = {
    "duration_predictor": {"text_ids", "style_dp", "text_mask"},
    "text_encoder": {"text_ids", "style_ttl", "text_mask"},
    "vector_estimator": {
        "noisy_latent",
        "text_emb",
        "style_ttl",
        "latent_mask",
        "text_mask",
        "current_step",
        "total_step",
    },
    "vocoder": {"latent"},
}
"""The inputs of each graph."""

_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True)
class SupertonicFiles:
    """A voice as it is published.

    :param onnx: the folder of the graphs.
    :param sample_rate: in Hz.
    :param hop_length: samples of a frame of the vocoder; ``chunk`` of these frames are one latent.
    :param features: values of a latent.
    :param multilingual: whether texts have a tag of their language.
    :param symbols: the token of each character.
    :param styles: names of the styles, and both tables, (styles, tokens, features) float32.
    """

    onnx: Path
    sample_rate: int
    hop_length: int
    features: int
    multilingual: bool
    symbols: dict[str, list[int]]
    styles: tuple[list[str], np.ndarray, np.ndarray]

    @classmethod
    def read(cls, path: Path, styles: str) -> SupertonicFiles:
        """Read the files in a folder.

        :param path: the folder with ``onnx`` and ``voice_styles``, or that of the graphs.
        :param styles: the folder of the styles; by default ``voice_styles``.
        :raises PackagingError: naming what is missing or has another form.
        """
        onnx = path / "onnx" if (path / "onnx").is_dir() else path
        names = [*(f"{name}.onnx" for name in GRAPHS), "tts.json", "unicode_indexer.json"]
        missing = [name for name in names if not (onnx / name).is_file()]
        if missing:
            raise PackagingError(path.name, f"lacks {missing}; give the folder of a Supertonic voice, with {names}")
        config = _read_json(onnx / "tts.json")
        try:
            encoder, latents = config["ae"], config["ttl"]
            rate, hop = int(encoder["sample_rate"]), int(encoder["base_chunk_size"])
            chunk, features = int(latents["chunk_compress_factor"]), int(latents["latent_dim"])
        except (KeyError, TypeError, ValueError) as error:
            problem = f"is not the configuration of a Supertonic voice ({error!r}); give the one that came with it"
            raise PackagingError("tts.json", problem) from error
        return cls(
            onnx=onnx,
            sample_rate=rate,
            hop_length=hop * chunk,
            features=features * chunk,
            multilingual="multilingual" in str(config.get("split", "")),
            symbols=_read_symbols(onnx / "unicode_indexer.json"),
            styles=_read_styles(Path(styles) if styles else onnx.parent / "voice_styles"),
        )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PackagingError(path.name, f"is not JSON ({error}); give the one that came with the voice") from error


def _read_symbols(path: Path) -> dict[str, list[int]]:
    tokens = _read_json(path)
    if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
        raise PackagingError(path.name, "is not a list of the token of each character, by code point")
    known = {chr(c): [token] for c, token in enumerate(tokens) if token >= 0 and c not in _SURROGATES}
    if not known:
        raise PackagingError(path.name, "has no character; give the one that came with the voice")
    return known


def _read_styles(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not files:
        problem = f"there is no style in {str(folder)!r}; give the folder with their .json files with --styles"
        raise PackagingError("styles", problem)
    tables: dict[str, list[np.ndarray]] = {"style_ttl": [], "style_dp": []}
    for file in files:
        style = _read_json(file)
        for name, rows in tables.items():
            try:
                dims = [int(size) for size in style[name]["dims"]][-2:]
                rows.append(np.array(style[name]["data"], np.float32).reshape(dims))
            except (KeyError, TypeError, ValueError) as error:
                problem = f"has no {name!r} of dims and data ({error!r}); give a style of this voice"
                raise PackagingError(file.name, problem) from error
            if rows[-1].shape != rows[0].shape:
                problem = (
                    f"has {name!r} of {rows[-1].shape}, and {files[0].name} of {rows[0].shape}; remove one of them"
                )
                raise PackagingError(file.name, problem)
    return [file.stem for file in files], np.stack(tables["style_ttl"]), np.stack(tables["style_dp"])
