"""The supported elements of SSML with their attributes."""

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
"""Attributes of the elements by their names."""

INSERTS = ("phoneme", "say-as", "sub")
"""Elements whose text is replaced by what is spoken for it."""

EMPTY = ("break", "mark")
"""Elements without content."""


def element_problem(name: str, attributes: Mapping[str, str], parents: Sequence[str]) -> str | None:
    """Return what is wrong with an element, or None.

    :param parents: names of the open elements, outermost first.
    """
    if name not in ELEMENTS:
        written = excerpt(name)
        hint = "".join(f"; did you mean <{near}>?" for near in difflib.get_close_matches(written, ELEMENTS, 1))
        return f"<{written}> is not supported{hint}; leave it out or use one of {', '.join(ELEMENTS)}"
    if (name == "speak") != (not parents):
        begins = "" if parents else f", and this one begins with <{name}>"
        return f"a document is one <speak> with everything else in it{begins}"
    if parents and parents[-1] in (*INSERTS, *EMPTY):
        content = "nothing" if parents[-1] in EMPTY else "only text"
        return f"<{parents[-1]}> holds {content}; close it before <{name}>"
    for key, value in attributes.items():
        if key not in ELEMENTS[name]:
            known = ", ".join(attribute.rpartition("}")[2] for attribute in ELEMENTS[name])
            return f"<{name}> has no attribute {excerpt(key.rpartition('}')[2])!r} here; it has {known}"
        if key == _LANG and value.partition("-")[0].lower() != "en":
            return f"this voice reads English, not {excerpt(value)!r}; leave out text in other languages"
    return None
