"""The ``.onnx.json`` of a Piper voice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxstack_importers.description import (
    GOLDEN_TEXT,
    SEED,
    Spec,
    character_blocks,
    noise_scale,
    number,
    phoneme_blocks,
    rate,
    readable_text,
    speaker,
)
from voxstack_packager import PackagingError

BOS, EOS, PAD = "^", "$", "_"
"""Symbols of the beginning, the end, and between all others."""

PHONEME_TYPES = ("espeak", "text")


@dataclass(frozen=True)
class PiperConfig:
    """A voice as Piper describes it.

    :param sample_rate: in Hz.
    :param speakers: number of speakers, and ``names`` the name of each.
    :param symbols: the tokens of each character or phoneme.
    :param phoneme_type: one of :data:`PHONEME_TYPES`: whether text is read by phonemes, or as it is written.
    :param language: BCP 47 tag.
    :param espeak_voice: the voice of espeak-ng that computes phonemes.
    :param clusters: characters that are read as one.
    :param length_scale: factor on durations at a rate of 1.
    """

    sample_rate: int
    speakers: int
    symbols: Mapping[str, list[int]]
    phoneme_type: str
    language: str
    espeak_voice: str
    names: list[str] = field(default_factory=list)
    default_speaker: str | None = None
    clusters: list[str] = field(default_factory=list)
    noise_scale: float = 0.667
    length_scale: float = 1.0
    noise_w: float = 0.8

    @classmethod
    def read(cls, path: Path) -> PiperConfig:
        """Read the configuration beside an ``.onnx``.

        :raises PackagingError: naming what is missing or not supported.
        """
        file = path.with_name(f"{path.name}.json")
        if not file.is_file():
            problem = f"has no {file.name} beside it, which defines what its tokens mean; put it there"
            raise PackagingError(path.name, problem)
        try:
            return cls._parse(json.loads(file.read_text(encoding="utf-8")), file.name)
        except (KeyError, TypeError, ValueError) as error:
            problem = f"is not the configuration of a Piper voice ({error!r}); give the one that came with it"
            raise PackagingError(file.name, problem) from error

    @classmethod
    def _parse(cls, config: Mapping[str, Any], file: str) -> PiperConfig:
        phoneme_type = config.get("phoneme_type", "espeak")
        if phoneme_type not in PHONEME_TYPES:
            problem = f"phoneme_type {phoneme_type!r} needs a reader of its own, which no plugin has"
            raise PackagingError(file, f"{problem}; import a voice with one of {', '.join(PHONEME_TYPES)}")
        symbols = {symbol: [int(token) for token in tokens] for symbol, tokens in config["phoneme_id_map"].items()}
        missing = [symbol for symbol in (BOS, EOS, PAD) if symbol not in symbols]
        if missing:
            problem = f"phoneme_id_map lacks {missing}, which stand around and between all others"
            raise PackagingError(file, f"{problem}; give the configuration that came with the voice")
        speakers, inference = int(config["num_speakers"]), config.get("inference", {})
        by_number = {number: name for name, number in config.get("speaker_id_map", {}).items()}
        names = [by_number.get(number, str(number)) for number in range(speakers)]
        espeak_voice = config.get("espeak", {}).get("voice", "en-us")
        return cls(
            sample_rate=int(config["audio"]["sample_rate"]),
            speakers=speakers,
            symbols=symbols,
            phoneme_type=phoneme_type,
            language=config.get("language", {}).get("code", espeak_voice).replace("_", "-"),
            espeak_voice=espeak_voice,
            names=names,
            default_speaker=names[config.get("default_speaker_id", 0)] if speakers > 1 else None,
            clusters=["".join(cluster) for cluster in config.get("vowel_clusters", [])],
            noise_scale=float(inference.get("noise_scale", 0.667)),
            length_scale=float(inference.get("length_scale", 1.0)),
            noise_w=float(inference.get("noise_w", 0.8)),
        )

    @property
    def tokens(self) -> list[int]:
        """All tokens of the voice, ascending."""
        return sorted({token for tokens in self.symbols.values() for token in tokens})

    @property
    def text(self) -> str:
        """A text that the voice can read."""
        return GOLDEN_TEXT if self.phoneme_type == "espeak" else readable_text(self.symbols)

    def reading(self, pauses: bool = True) -> list[Spec]:
        """Return the blocks from text to tokens.

        :param pauses: whether to pause as written, instead of as Piper does (see ``EspeakPhonemes``).
        """
        table: dict[str, Any] = {"symbols": dict(self.symbols)}
        table |= {"start": self.symbols[BOS], "blank": self.symbols[PAD], "end": self.symbols[EOS]}
        table |= {"merged": self.clusters} if self.clusters else {}
        table["spaces_lead"] = True
        if self.phoneme_type == "text":
            return character_blocks({**table, "form": "NFD"})
        return phoneme_blocks(self.espeak_voice, table, glides=True, pauses=pauses)

    def controls(self, sampled: bool) -> dict[str, Any]:
        """Return what a request may set.

        :param sampled: whether durations are sampled.
        """
        controls = {**rate(), **noise_scale(self.noise_scale)}
        if sampled:
            controls["noise_w"] = number(self.noise_w, 0.0, 2.0, "Variation of the length of sounds.")
        return {**controls, **SEED, **(speaker(self.names, self.default_speaker) if self.speakers > 1 else {})}
