"""The dictionary of tiny-tts: that of MeloTTS, CMUdict in syllables, in the form that a ``Lexicon`` reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from voxstack_importers.tiny.symbols import TONE
from voxstack_packager import PackagingError

FILE = "cmudict.rep"

_LINE = re.compile(r"([A-Z0-9]+)  (\S.*)")
_PHONE = re.compile(r"([A-Z]+)([0-2]?)")


def find_dictionary(path: Path, given: str) -> Path:
    """Return the path of the dictionary: the given one, that beside the graphs, or that of the installed package.

    :raises PackagingError: if none of these files exists.
    """
    package = find_spec("tiny_tts")
    installed = [
        Path(folder, "text", FILE) for folder in (package.submodule_search_locations if package else None) or ()
    ]
    for file in [Path(given)] if given else [path / FILE, path / "lexicon.txt", *installed]:
        if file.is_file():
            return file
    problem = f"there is no {given or FILE!r}, which defines how words are pronounced; give that of tiny-tts with"
    raise PackagingError("lexicon", f"{problem} --lexicon (it is in the package: tiny_tts/text/{FILE})")


def convert_dictionary(path: Path, out: Path) -> Path:
    """Write a dictionary with tones, a word in each line, and return its path.

    Stress becomes a tone, of which the first stands for none. Words with other characters than letters and digits are
    left out: a text is split at them.

    :param path: ``cmudict.rep``; a file of any other name is in the form already.
    :raises PackagingError: if it has no such lines.
    """
    if path.suffix != ".rep":
        return path
    with path.open(encoding="utf-8", errors="replace") as source:
        lines = [f"{word} {phones} {tones}\n" for word, phones, tones in _readings(source)]
    if not lines:
        problem = "has no line with a word, two spaces and its phones; give the cmudict.rep of tiny-tts"
        raise PackagingError(path.name, problem)
    out.write_text("".join(lines), encoding="utf-8")
    return out


def _readings(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """Yield each word, its phones and their tones."""
    for line in lines:
        found = _LINE.match(line)
        phones = [_PHONE.fullmatch(phone) for phone in (found[2].split() if found else ()) if phone != "-"]
        known = [phone for phone in phones if phone is not None]
        if found and known and len(known) == len(phones):
            tones = [str(TONE + int(phone[2] or -1) + 1) for phone in known]
            yield found[1].lower(), " ".join(phone[1].lower() for phone in known), " ".join(tones)
