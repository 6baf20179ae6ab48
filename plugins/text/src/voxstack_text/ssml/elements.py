"""The elements of SSML: those that are supported with their attributes, and those whose text is spoken without them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from voxstack_text.whole_text import excerpt

NAMESPACE = "{http://www.w3.org/2001/10/synthesis}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_SCHEMA = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"

ELEMENTS: dict[str, tuple[str, ...]] = {
    "speak": ("version", _LANG, _SCHEMA),
    "p": (_LANG,),
    "s": (_LANG,),
    "break": ("time", "strength"),
    "prosody": ("rate", "volume", "pitch"),
    "phoneme": ("ph", "alphabet"),
    "say-as": ("interpret-as", "format"),
    "sub": ("alias",),
    "mark": ("name",),
}
"""Attributes of the supported elements by their names."""

PLAIN = ("emphasis", "lang", "voice", "audio", "w", "token", "lookup")
"""Elements of SSML without an effect here: the text inside them is spoken."""

SILENT = ("metadata", "meta", "lexicon", "desc")
"""Elements of SSML whose content is not for speech."""

INSERTS = ("phoneme", "say-as", "sub")
"""Elements whose text is replaced by what is spoken for it."""

EMPTY = ("break", "mark")
"""Elements without content."""


def element_problem(name: str, attributes: Mapping[str, str], parents: Sequence[str]) -> str | None:
    """Return what makes a document with this element unreadable, or None.

    :param parents: names of the open elements, outermost first.
    """
    if (name == "speak") != (not parents):
        begins = "" if parents else f", and this one begins with <{excerpt(name)}>"
        return f"a document is one <speak> with everything else in it{begins}"
    if parents and parents[-1] in (*INSERTS, *EMPTY):
        content = "nothing" if parents[-1] in EMPTY else "only text"
        return f"<{parents[-1]}> holds {content}; close it before <{excerpt(name)}>"
    return None


def ignored(name: str, attributes: Mapping[str, str]) -> list[str]:
    """Return what of an element has no effect, each as a sentence for a warning."""
    if name in SILENT:
        return []
    if name in PLAIN:
        return [f"<{name}> has no effect here; its text is spoken"]
    if name not in ELEMENTS:
        written = excerpt(name)
        hint = "".join(f"; did you mean <{near}>?" for near in difflib.get_close_matches(written, ELEMENTS, 1))
        return [f"<{written}> is not supported{hint}; its text is spoken"]
    return [
        f"<{name}> has no attribute {excerpt(key.rpartition('}')[2])!r} here"
        if key not in ELEMENTS[name]
        else f"this voice reads English, and so the text in {excerpt(value)!r}, too"
        for key, value in attributes.items()
        if key not in ELEMENTS[name] or (key == _LANG and value.partition("-")[0].lower() != "en")
    ]
