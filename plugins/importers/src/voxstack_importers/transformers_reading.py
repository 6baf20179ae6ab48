"""How models of transformers read a text: their tokenizers as blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voxstack_importers.reading import TEXT, characters, phonemes
from voxstack_importers.transformers_files import Pretrained, json_of, library
from voxstack_packager import PackagingError


@dataclass(frozen=True)
class Reading:
    """Blocks from ``text`` to ``tokens``, the language (BCP 47), and a text that they can read."""

    blocks: Sequence[Mapping[str, Any]]
    language: str
    text: str


def read_as_vits(pretrained: Pretrained) -> Reading:
    """As a ``VitsTokenizer`` does: letters of a vocabulary, lower case, with blanks between them; or phonemes of espeak-ng.

    :raises PackagingError: if the text has to be romanised first, which no block here does.
    """
    vocabulary = json_of(pretrained.file("vocab.json", "which says what its tokens mean"))
    config = json_of(pretrained.file("tokenizer_config.json", "which says how its tokenizer reads"))
    where = str(pretrained.folder / "tokenizer_config.json")
    if config.get("is_uroman", False):
        problem = "is_uroman: the text has to be put into Roman letters by uroman first, which no block does; such models are refused"
        raise PackagingError(where, problem)
    symbols = {letter: [number] for letter, number in vocabulary.items() if len(letter) == 1}
    language = str(config.get("language") or "en")
    if language == "ron" and "ţ" in symbols:
        symbols.setdefault("ț", symbols["ţ"])  # it knows the cedilla alone, and people write the comma
    table: dict[str, Any] = {"symbols": symbols}
    if config.get("add_blank", True):
        table["blank"] = [0]
    if config.get("phonemize", True):
        return Reading(phonemes("en-us", table), tag(language), TEXT)
    if config.get("normalize", True):
        table["strip"] = True
        if any(
            letter.isupper() for letter in symbols
        ):  # these stay as they are, and others are looked up by their lower case
            table["symbols"] = {
                letter.upper(): number for letter, number in symbols.items() if len(letter.upper()) == 1
            } | symbols
        else:
            table["lower"] = True
    return Reading(characters(table), tag(language), _sayable(symbols))


def read_as_speecht5(pretrained: Pretrained) -> Reading:
    """As a ``SpeechT5Tokenizer`` does, which is a SentencePiece model of single characters: ``▁`` before each word, ``</s>`` at the end.

    :raises PackagingError: if its pieces are longer than a character, or sentencepiece is not installed.
    """
    file = pretrained.file("spm_char.model", "its tokenizer")
    model = library("sentencepiece").SentencePieceProcessor(model_file=str(file))
    pieces = {
        model.id_to_piece(number): number
        for number in range(model.get_piece_size())
        if model.is_control(number) is False
    }
    long = sorted(piece for piece, number in pieces.items() if len(piece) > 1 and not model.is_unknown(number))
    if long or "▁" not in pieces:
        raise PackagingError(
            str(file), f"is no model of single characters; it has {long[0] if long else 'no word boundary'!r}"
        )
    symbols = {" " if piece == "▁" else piece: [number] for piece, number in pieces.items() if len(piece) == 1}
    table = {
        "symbols": symbols,
        "start": symbols[" "],
        "end": [model.eos_id()],
        "form": "NFKC",
        "strip": True,
        "squeeze": True,
    }
    return Reading(characters(table), "en", _sayable(symbols))


def read_as_fastspeech2(pretrained: Pretrained, written: bool = False) -> Reading:
    """English, by ``Text`` and ``Arpabet``; its tokenizer finds phones by g2p_en, which downloads what it needs.

    :param written: read phones that are written as such, ``HH AH0 L OW1``, instead.
    :raises PackagingError: if the vocabulary has no phones.
    """
    vocabulary = json_of(pretrained.file("vocab.json", "which says what its tokens mean"))
    config = json_of(pretrained.file("tokenizer_config.json", "which says how its tokenizer reads"))
    end = str(config.get("eos_token", "<sos/eos>"))
    where = str(pretrained.folder / "vocab.json")
    if end not in vocabulary:
        raise PackagingError(where, f"has no {end!r}, the token of the end")
    symbols = {phone: [place] for phone, place in vocabulary.items() if not phone.startswith("<")}
    phones = sorted(phone for phone in symbols if len(phone) > 1)
    if not phones:
        raise PackagingError(
            where, "has no phones, such as AH0; give the vocabulary of a FastSpeech2ConformerTokenizer"
        )
    if written:
        table = {"symbols": {**symbols, " ": []}, "merged": phones, "end": [vocabulary[end]]}
        return Reading(characters(table), "en", " ".join(phone for phone in phones[:30]))
    numbers = {phone: place for phone, [place] in symbols.items()}
    return Reading([{"type": "Text"}, {"type": "Arpabet", "symbols": numbers, "end": [vocabulary[end]]}], "en", TEXT)


def tag(language: str) -> str:
    """The BCP 47 tag of a language as MMS names it: ``eng``, ``azj-script_latin``, ``tuv-dialect_north``; without its script or dialect."""
    return str(library("langcodes").standardize_tag(re.split("-(?:script|dialect)_", language)[0]))


def _sayable(symbols: Mapping[str, Any]) -> str:
    """Something that the voice can say: a sentence, or else the letters that it has."""
    letters = [letter for letter in symbols if letter.isalpha()]
    known = next(
        (text for text in (TEXT, TEXT.lower()) if {one for one in text if one.isalpha()} <= set(letters)), None
    )
    return known or " ".join("".join(letters[i : i + 4]) for i in range(0, min(40, len(letters)), 4))
