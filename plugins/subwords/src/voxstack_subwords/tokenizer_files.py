"""Files of tokenizers, each opened by the library that its suffix stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from voxstack import AddonError


class Encoding(NamedTuple):
    """The tokens of a text, and for each the first character that it stands for and the one after its last."""

    tokens: list[int]
    spans: list[tuple[int, int]]

    def inside(self, start: int, end: int) -> Encoding:
        """Return the tokens that stand for characters from ``start`` up to ``end``, counted from there."""
        kept = [
            (token, (first - start, last - start))
            for token, (first, last) in zip(self.tokens, self.spans, strict=True)
            if start <= first < end and last <= end
        ]
        return Encoding([token for token, _ in kept], [span for _, span in kept])


class Tokenizer(NamedTuple):
    """An opened tokenizer.

    :param encode: returns the encoding of a text.
    :param size: number of its tokens.
    """

    encode: Callable[[str], Encoding]
    size: int


def open_tokenizer(path: Path, special: bool = False) -> Tokenizer:
    """Open the file of a tokenizer.

    :param path: a SentencePiece ``.model``, or a ``tokenizer.json``.
    :param special: add the special tokens that the file itself adds to a text.
    :raises AddonError: if the suffix is of neither kind, the library is not installed, or it cannot read the file.
    """
    opening = _OPENING.get(path.suffix)
    if opening is None:
        problem = (
            "is neither a SentencePiece .model nor a tokenizer.json, by its suffix; rename it if it is one of them"
        )
        raise AddonError(str(path), problem)
    library_name, open_file = opening
    try:
        library = import_module(library_name)
    except ImportError as error:
        problem = f"is read by {library_name}, which is not installed: pip install 'voxstack-subwords[{library_name}]'"
        raise AddonError(str(path), problem) from error
    try:
        return open_file(library, path, special)
    except Exception as error:  # the libraries raise errors of their own, of no common class
        problem = f"{library_name} cannot read it ({error}); give the file of a trained tokenizer, unchanged"
        raise AddonError(str(path), problem) from error


def _open_sentencepiece(library: Any, path: Path, special: bool) -> Tokenizer:
    processor = library.SentencePieceProcessor(model_file=str(path))

    def encode(text: str) -> Encoding:
        found = processor.encode(text, return_type="offset_mapping", add_bos=special, add_eos=special)
        return Encoding(list(found["ids"]), [(start, end) for start, end in found["offsets"]])

    return Tokenizer(encode, processor.get_piece_size())


def _open_tokenizers(library: Any, path: Path, special: bool) -> Tokenizer:
    tokenizer = library.Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def encode(text: str) -> Encoding:
        found = tokenizer.encode(text, add_special_tokens=special)
        return Encoding(list(found.ids), list(found.offsets))

    return Tokenizer(encode, tokenizer.get_vocab_size())


_OPENING: Mapping[str, tuple[str, Callable[[Any, Path, bool], Tokenizer]]] = {
    ".model": ("sentencepiece", _open_sentencepiece),
    ".json": ("tokenizers", _open_tokenizers),
}
