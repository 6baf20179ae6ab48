"""Rules for the names of an addon's files, which must mean the same file inside the addon on every system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

CONFIG = "addon.json"
SIGNATURE = "addon.json.sig"  # over addon.json, and so over every file that it lists
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # devices on Windows


def name_problem(name: str) -> str | None:
    """Return why ``name`` cannot be the name of a file in an addon, with what to do; None if it can."""
    advice = "use a relative path with / between folders"
    if not name or not name.isprintable():
        return f"file name {name!r} is empty or contains unprintable characters; {advice}"
    if "\\" in name or ":" in name:
        return f"file name {name!r} contains a backslash or a colon, whose meaning depends on the system; {advice}"
    if name.startswith("/"):
        return f"file name {name!r} is absolute; {advice}"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return f"file name {name!r} has an empty, '.' or '..' part; {advice}, inside the addon"
        if part.endswith((".", " ")) or RESERVED.fullmatch(part):
            return f"file name {name!r} cannot exist on Windows; rename {part!r}"
    return None


def folded(name: str) -> str:
    """Return a name as a file system compares it that ignores case and Unicode composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def clashes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield ``(name, problem)`` for each name that clashes with another one on some system."""
    seen: dict[str, str] = {folded(CONFIG): CONFIG, folded(SIGNATURE): SIGNATURE}
    for name in names:
        twin = seen.setdefault(folded(name), name)
        if name == CONFIG:
            yield name, "addon.json cannot list itself; remove it from files"
        elif name == SIGNATURE:
            yield name, "is the signature of addon.json, which cannot list it; remove it from files"
        elif twin != name:
            yield name, f"is the same file as {twin!r} on systems that ignore case; rename one of them"
    for name in names:
        for end, letter in enumerate(name):
            folder = folded(name[:end])
            if letter == "/" and folder in seen:
                yield name, f"{seen[folder]!r} is a file, so it cannot be a folder too; rename one of them"
