"""Rules for the names of an addon's files, which must mean the same file inside the addon on every system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from voxstack_addon_spec.wording import short_repr

CONFIG = "addon.json"
SIGNATURE = "addon.json.sig"  # over addon.json, and so over every file that it lists
MAX_PART = 255  # bytes in UTF-8 of the name of a file or folder: what file systems hold
MAX_NAME = 512  # bytes in UTF-8 of a name with its folders
MAX_FOLDERS = 16  # folders inside each other
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # devices on Windows


def name_problem(name: str) -> str | None:
    """Return why ``name`` cannot be the name of a file in an addon, with what to do; None if it can."""
    advice = "use a relative path with / between folders"
    if len(name) > MAX_NAME or len(name.encode("utf-8", "surrogatepass")) > MAX_NAME:
        return f"file name {short_repr(name)} has more than {MAX_NAME} bytes; shorten it"
    if not name or not name.isprintable():
        return f"file name {name!r} is empty or contains unprintable characters; {advice}"
    if "\\" in name or ":" in name:
        return f"file name {name!r} contains a backslash or a colon, whose meaning depends on the system; {advice}"
    if name.startswith("/"):
        return f"file name {name!r} is absolute; {advice}"
    parts = name.split("/")
    if len(parts) > MAX_FOLDERS:
        return f"file name {short_repr(name)} lies in more than {MAX_FOLDERS} folders; use fewer"
    for part in parts:
        if len(part.encode()) > MAX_PART:
            return f"file name {short_repr(name)} has a part of more than {MAX_PART} bytes; shorten it"
        if part in ("", ".", ".."):
            return f"file name {name!r} has an empty, '.' or '..' part; {advice}, inside the addon"
        if part.endswith((".", " ")) or RESERVED.fullmatch(part):
            return f"file name {name!r} cannot exist on Windows; rename {part!r}"
    return None


def folded(name: str) -> str:
    """Return a name as a file system compares it that ignores case and Unicode composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def clashes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield ``(name, problem)`` for each name that clashes with another one on some system.

    :param names: valid ones, as :func:`name_problem` finds.
    """
    folded_names = [(name, folded(name)) for name in names]
    seen: dict[str, str] = {folded(CONFIG): CONFIG, folded(SIGNATURE): SIGNATURE}
    for name, key in folded_names:
        twin = seen.setdefault(key, name)
        if name == CONFIG:
            yield name, "addon.json cannot list itself; remove it from files"
        elif name == SIGNATURE:
            yield name, "is the signature of addon.json, which cannot list it; remove it from files"
        elif twin != name:
            yield name, f"is the same file as {twin!r} on systems that ignore case; rename one of them"
    for name, key in folded_names:
        folder = key.rpartition("/")[0]  # folding leaves every / as it is
        while folder:
            if folder in seen:
                yield name, f"{seen[folder]!r} is a file, so it cannot be a folder too; rename one of them"
            folder = folder.rpartition("/")[0]
