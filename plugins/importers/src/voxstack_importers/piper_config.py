"""What the ``.onnx.json`` of a Piper voice says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxstack_importers.controls import SEED, noise_scale, number, rate, who
from voxstack_importers.reading import TEXT, characters, phonemes
from voxstack_packager import PackagingError

BOS, EOS, PAD = "^", "$", "_"
"""Symbols of the beginning, the end, and between all others."""

KINDS = ("espeak", "text")


@dataclass(frozen=True)
class PiperConfig:
    """A voice as Piper describes it."""

    sample_rate: int
    speakers: int
    symbols: Mapping[str, list[int]]
    phonemes: str
    language: str
    espeak: str
    names: list[str] = field(default_factory=list)
    default_speaker: str | None = None
    merged: list[str] = field(default_factory=list)
    noise_scale: float = 0.667
    length_scale: float = 1.0
    noise_w: float = 0.8

    @classmethod
    def read(cls, path: Path) -> PiperConfig:
        """Read what lies beside an ``.onnx``.

        :raises PackagingError: naming what is missing or not known here.
        """
        file = path.with_name(f"{path.name}.json")
        if not file.is_file():
            raise PackagingError(
                path.name, f"has no {file.name} beside it, which says what its tokens mean; put it there"
            )
        try:
            config = json.loads(file.read_text(encoding="utf-8"))
            return cls._of(config, file.name)
        except (KeyError, TypeError, ValueError) as error:
            raise PackagingError(file.name, f"is not the configuration of a Piper voice ({error!r})") from error

    @classmethod
    def _of(cls, config: Mapping[str, Any], where: str) -> PiperConfig:
        kind = config.get("phoneme_type", "espeak")
        if kind not in KINDS:
            raise PackagingError(
                where, f"phoneme_type {kind!r} needs a reader of its own, which there is not; known are {KINDS}"
            )
        symbols = {symbol: [int(one) for one in ids] for symbol, ids in config["phoneme_id_map"].items()}
        missing = [symbol for symbol in (BOS, EOS, PAD) if symbol not in symbols]
        if missing:
            raise PackagingError(where, f"phoneme_id_map lacks {missing}, which stand around and between all others")
        speakers, inference = int(config["num_speakers"]), config.get("inference", {})
        names = {number: name for name, number in config.get("speaker_id_map", {}).items()}
        named = [names.get(number, str(number)) for number in range(speakers)]
        espeak = config.get("espeak", {}).get("voice", "en-us")
        language = config.get("language", {}).get("code", espeak)
        return cls(
            sample_rate=int(config["audio"]["sample_rate"]),
            speakers=speakers,
            symbols=symbols,
            phonemes=kind,
            language=language.replace("_", "-"),
            espeak=espeak,
            names=named,
            default_speaker=named[config.get("default_speaker_id", 0)] if speakers > 1 else None,
            merged=["".join(cluster) for cluster in config.get("vowel_clusters", [])],
            noise_scale=float(inference.get("noise_scale", 0.667)),
            length_scale=float(inference.get("length_scale", 1.0)),
            noise_w=float(inference.get("noise_w", 0.8)),
        )

    @property
    def ids(self) -> list[int]:
        """All tokens that there are."""
        return sorted({one for ids in self.symbols.values() for one in ids})

    @property
    def text(self) -> str:
        """Something that the voice can say."""
        if self.phonemes == "espeak":
            return TEXT
        letters = [symbol for symbol in self.symbols if len(symbol) == 1 and symbol.isalpha()]
        known = next(
            (text for text in (TEXT, TEXT.lower()) if {one for one in text if one.isalpha()} <= set(letters)), None
        )
        return known or " ".join("".join(letters[i : i + 4]) for i in range(0, min(40, len(letters)), 4))

    def reading(self) -> list[dict[str, Any]]:
        """The blocks that turn text to tokens."""
        special = {"start": self.symbols[BOS], "blank": self.symbols[PAD], "end": self.symbols[EOS]}
        table = {"symbols": dict(self.symbols), **special, **({"merged": self.merged} if self.merged else {})}
        return characters({**table, "form": "NFD"}) if self.phonemes == "text" else phonemes(self.espeak, table)

    def who(self) -> dict[str, Any]:
        """Fields of the block that knows the speakers."""
        return {"names": self.names, "default": self.default_speaker}

    def controls(self, sampled: bool) -> dict[str, Any]:
        """What a request may set; ``sampled``: whether durations are."""
        found = {**rate(), **noise_scale(self.noise_scale)}
        if sampled:
            found["noise_w"] = number(self.noise_w, 0.0, 2.0, "How much the length of sounds varies.")
        return {**found, **SEED, **(who(self.names, self.default_speaker) if self.speakers > 1 else {})}
