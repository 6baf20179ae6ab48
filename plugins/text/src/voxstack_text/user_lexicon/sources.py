"""Sources of lexicons: mappings, and files as W3C PLS or in lines of words and pronunciations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from voxstack import RequestError
from voxstack_text.user_lexicon.entry import KINDS, Entry, make_entry
from voxstack_text.user_lexicon.matching import UserLexicon
from voxstack_text.whole_text import excerpt

MAX_BYTES = 64 * 1024 * 1024
"""Most bytes of a file."""


def read_lexicon(source: Any) -> UserLexicon:
    """Return the lexicon that a mapping, a file or a list of these describes; the last one that has a word counts.

    :raises RequestError: with the file, the line and what is wrong.
    """
    if isinstance(source, UserLexicon):
        return source
    if isinstance(source, Mapping):
        return UserLexicon.of(_mapped(source))
    if isinstance(source, str | Path):
        return UserLexicon.of(parse_lexicon(_read_file(source), str(source)))
    if isinstance(source, Iterable) and not isinstance(source, bytes):
        lexicon = UserLexicon()
        for one in source:
            lexicon = read_lexicon(one).over(lexicon)
        return lexicon
    form = "a mapping from words to pronunciations, the path of a file, or a list of these"
    raise RequestError(f"lexicon: expected {form}, got {source!r:.60}")


def parse_lexicon(content: bytes, source: str) -> list[Entry]:
    """Return the entries of a file: PLS if it begins with "<", otherwise a word, a tab and its pronunciation a line.

    :param source: name of the file, for errors.
    :raises RequestError: with the line and what is wrong.
    """
    if len(content) > MAX_BYTES:
        raise RequestError(f"{source}: it has {len(content)} bytes, and a lexicon has at most {MAX_BYTES}")
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<" or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        from voxstack_text.user_lexicon.pls import parse_pls

        return parse_pls(content, source)
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RequestError(f"{source}, line {line}: it is not UTF-8 ({error.reason}); convert the file") from error
    numbered = enumerate((line.rstrip("\r") for line in lines), 1)
    return [_line_entry(line, f"{source}, line {number}") for number, line in numbered if _is_entry(line)]


def _is_entry(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _line_entry(line: str, where: str) -> Entry:
    columns = line.split("\t")
    if not 2 <= len(columns) <= 3:
        form = f"a word, a tab and its pronunciation, then perhaps a tab and its kind ({', '.join(KINDS)})"
        raise RequestError(f"{where}: {excerpt(line)!r} has {len(columns) - 1} tabs; write {form}")
    return make_entry(columns[0], columns[2].strip() if len(columns) == 3 else None, columns[1], where)


def _mapped(source: Mapping[Any, Any]) -> Iterator[Entry]:
    for word, pronunciation in source.items():
        where = f"lexicon, {word!r:.60}"
        given = pronunciation.items() if isinstance(pronunciation, Mapping) else [(None, pronunciation)]
        pairs = [(kind, value) for kind, value in given if isinstance(value, str)]
        if not isinstance(word, str) or len(given) != 1 or len(pairs) != 1:
            raise RequestError(
                f"{where}: {pronunciation!r:.60} is no pronunciation; write phones, IPA between slashes, or "
                '{"alias": "the words to read instead"}'
            )
        yield make_entry(word, pairs[0][0], pairs[0][1], where)


def _read_file(path: str | Path) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # the latter for a NUL in the name
        problem = getattr(error, "strerror", None) or error
        raise RequestError(f"lexicon: cannot read {str(path)!r}: {problem}; check the path") from error
