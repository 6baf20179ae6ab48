"""Tables of tokens in text files: ``tokens.txt`` of icefall and sherpa-onnx."""

from __future__ import annotations

from pathlib import Path

from voxstack_packager import PackagingError


def read_token_table(path: Path) -> dict[str, int]:
    """Read a table of tokens: in each line a symbol, spaces and its number; the symbol may itself be a space.

    :raises PackagingError: if the file does not exist, or has other lines.
    """
    if not path.is_file():
        problem = "does not exist; it defines what the tokens mean: give it with --tokens, or put it beside the model"
        raise PackagingError(path.name, problem)
    symbols: dict[str, int] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        symbol, _, token = line.rstrip().rpartition(" ")
        if not token.isdigit():
            raise PackagingError(f"{path.name}, line {number}", f"{line!r} is not a symbol followed by its number")
        symbols[symbol.strip() or " "] = int(token)
    return symbols
