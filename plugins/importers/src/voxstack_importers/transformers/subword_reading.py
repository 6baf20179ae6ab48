"""Subword tokenizers of models of transformers, as the block ``Subwords``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from voxstack import AddonError, Registry
from voxstack_importers.description import GOLDEN_TEXT, Spec
from voxstack_importers.transformers.chat_template import prepared_fields
from voxstack_importers.transformers.pretrained import Pretrained
from voxstack_importers.transformers.tokenizers import Reading
from voxstack_packager import PackagingError

FILES = ("tokenizer.json", "tokenizer.model", "spm.model", "spiece.model")
"""Files of subword tokenizers, as transformers and SentencePiece name them."""


def subword_reading(
    pretrained: Pretrained, language: str, size: int, placeholders: tuple[int, int]
) -> tuple[Reading, dict[str, Path], str]:
    """Return the reading of a subword tokenizer, its file for the addon, and what the user should know, if anything.

    :param size: tokens that the model has.
    :param placeholders: tokens that stand before and after a text when the model was trained.
    :raises PackagingError: if the folder has no such tokenizer, it has more tokens than the model, or the plugin that
        reads it is not installed.
    """
    file = next((pretrained.folder / name for name in FILES if (pretrained.folder / name).is_file()), None)
    if file is None:
        problem = f"has no tokenizer ({', '.join(FILES)}), which defines what its tokens mean; copy it there"
        raise PackagingError(str(pretrained.folder), problem)
    if "Subwords" not in Registry.installed():
        problem = "the voice reads subwords, and no installed plugin computes them: pip install voxstack-subwords"
        raise PackagingError("tokenizer", problem)
    around, added = _texts_around(file, placeholders)
    prepared, note = prepared_fields(pretrained, added)
    block: Spec = {"type": "Subwords", "file": file.name, **around, **prepared}
    tokens = _tokens(block, file, GOLDEN_TEXT)
    if not len(tokens) or max(tokens) >= size:
        found = f"token {max(tokens)}" if len(tokens) else "no tokens"
        problem = f"reads {GOLDEN_TEXT!r} as {found}, and the model has {size} tokens; copy the tokenizer of this model"
        raise PackagingError(str(file), problem)
    return Reading([block], language, GOLDEN_TEXT), {file.name: file}, note


def _texts_around(file: Path, placeholders: tuple[int, int]) -> tuple[Mapping[str, str], list[str]]:
    """Return the texts of the placeholders, if the tokenizer has them, and those of all added tokens.

    A token may depend on what is around it.
    """
    if file.suffix != ".json":
        return {}, []
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # of no class of its own
        raise PackagingError(str(file), f"is no tokenizer.json ({error}); copy the one of this model") from error
    names = [tokenizer.id_to_token(token) for token in placeholders]
    added = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    before, after = (name if name in added else None for name in names)
    return {"before": before, "after": after} if before and after else {}, sorted(added)


def _tokens(block: Spec, file: Path, text: str) -> list[int]:
    """Return the tokens of a text.

    :raises PackagingError: if the file cannot be read.
    """
    import voxstack

    class Files:
        name = "import"

        def file(self, name: str) -> Path:
            return file.parent / name

    built = voxstack.build(block, registry=Registry.installed())
    try:
        built.load(Files())
    except AddonError as error:
        raise PackagingError(error.where, error.problem) from error
    return [int(token) for token in built({"text": text})["tokens"]]
