"""The tokenizers of models of transformers, as blocks that read text alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxstack_importers.description import GOLDEN_TEXT, Spec, character_blocks, phoneme_blocks, readable_text
from voxstack_importers.transformers.pretrained import Pretrained, library, read_json
from voxstack_packager import PackagingError


@dataclass(frozen=True)
class Reading:
    """Blocks from ``text`` to ``tokens``, the language (BCP 47), and a text that they can read."""

    blocks: Sequence[Spec]
    language: str
    text: str


def vits_reading(pretrained: Pretrained) -> Reading:
    """Return the reading of a ``VitsTokenizer``.

    It looks up the lower case of letters in a vocabulary, with blanks between them; or phonemes of espeak-ng.

    :raises PackagingError: if the text must be romanised first, which no block does.
    """
    vocabulary, config, path = _read_files(pretrained)
    if config.get("is_uroman", False):
        problem = "is_uroman: the text must be put into Roman letters by uroman first, which no block does"
        raise PackagingError(str(path), f"{problem}; such models are refused")
    symbols = {letter: [number] for letter, number in vocabulary.items() if len(letter) == 1}
    language = str(config.get("language") or "en")
    if language == "ron" and "ţ" in symbols:
        symbols.setdefault("ț", symbols["ţ"])  # its vocabulary has the cedilla alone, and people write the comma
    table: dict[str, Any] = {"symbols": symbols}
    if config.get("add_blank", True):
        table["blank"] = [0]
    if config.get("phonemize", True):
        return Reading(phoneme_blocks("en-us", table), language_tag(language), GOLDEN_TEXT)
    if config.get("normalize", True):
        table["strip"] = True
        if any(letter.isupper() for letter in symbols):  # these stay as they are; others are looked up in lower case
            upper = {letter.upper(): token for letter, token in symbols.items() if len(letter.upper()) == 1}
            table["symbols"] = upper | symbols
        else:
            table["lower"] = True
    return Reading(character_blocks(table), language_tag(language), readable_text(symbols))


def speecht5_reading(pretrained: Pretrained) -> Reading:
    """Return the reading of a ``SpeechT5Tokenizer``.

    It is a SentencePiece model of single characters, with ``▁`` before each word and ``</s>`` at the end.

    :raises PackagingError: if it has longer pieces, or sentencepiece is not installed.
    """
    file = pretrained.file("spm_char.model", "its tokenizer")
    model = library("sentencepiece").SentencePieceProcessor(model_file=str(file))
    numbers = [number for number in range(model.get_piece_size()) if not model.is_control(number)]
    pieces = {model.id_to_piece(number): number for number in numbers}
    long = sorted(piece for piece, number in pieces.items() if len(piece) > 1 and not model.is_unknown(number))
    if long or "▁" not in pieces:
        found = repr(long[0] if long else "no word boundary")
        raise PackagingError(str(file), f"is not a model of single characters; it has {found}")
    symbols = {" " if piece == "▁" else piece: [number] for piece, number in pieces.items() if len(piece) == 1}
    table = {
        "symbols": symbols,
        "start": symbols[" "],
        "end": [model.eos_id()],
        "form": "NFKC",
        "strip": True,
        "squeeze": True,
    }
    return Reading(character_blocks(table), "en", readable_text(symbols))


def fastspeech2_reading(pretrained: Pretrained, written: bool = False) -> Reading:
    """Return the reading of a ``FastSpeech2ConformerTokenizer``: English, by ``Text`` and ``Arpabet``.

    The tokenizer itself finds phones by g2p_en, which downloads what it needs.

    :param written: read phones that are written as such, ``HH AH0 L OW1``, instead.
    :raises PackagingError: if the vocabulary has no phones.
    """
    vocabulary, config, _ = _read_files(pretrained)
    end = str(config.get("eos_token", "<sos/eos>"))
    where = str(pretrained.folder / "vocab.json")
    if end not in vocabulary:
        raise PackagingError(where, f"has no {end!r}, the token of the end; copy the vocabulary of the model there")
    tokens = {phone: token for phone, token in vocabulary.items() if not phone.startswith("<")}
    phones = sorted(phone for phone in tokens if len(phone) > 1)
    if not phones:
        problem = "has no phones, such as AH0; give the vocabulary of a FastSpeech2ConformerTokenizer"
        raise PackagingError(where, problem)
    if not written:
        blocks: list[Spec] = [{"type": "Text"}, {"type": "Arpabet", "symbols": tokens, "end": [vocabulary[end]]}]
        return Reading(blocks, "en", GOLDEN_TEXT)
    symbols: dict[str, list[int]] = {**{phone: [token] for phone, token in tokens.items()}, " ": []}
    table = {"symbols": symbols, "merged": phones, "end": [vocabulary[end]]}
    return Reading(character_blocks(table), "en", " ".join(phones[:30]))


def language_tag(language: str) -> str:
    """Return the BCP 47 tag of a language as MMS names it, without its script or dialect.

    Names are such as ``eng``, ``azj-script_latin`` or ``tuv-dialect_north``.
    """
    return str(library("langcodes").standardize_tag(re.split("-(?:script|dialect)_", language)[0]))


def _read_files(pretrained: Pretrained) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """Return the vocabulary and the configuration of a tokenizer, and the path of the latter."""
    vocabulary = read_json(pretrained.file("vocab.json", "which defines what its tokens mean"))
    path = pretrained.file("tokenizer_config.json", "which defines how its tokenizer reads")
    return vocabulary, read_json(path), path
