"""HTML: tags and entities, in documents and in plain text."""

from __future__ import annotations

import re
from html import unescape

from voxstack_text.markup.scanner import Scanner

_LONGEST = 2000  # characters of a tag
_LONGEST_COMMENT = 20_000
_ENTITY = re.compile(r"&(?:#(?:\d{1,7}|[xX][0-9A-Fa-f]{1,6})|[A-Za-z][A-Za-z0-9]{1,31});")
_ENTITY_START = re.compile(r"&#?\w{0,32}")
_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]{0,20})")
_TAG_END = re.compile(r"[^\"'<>]*(?:(?:\"[^\"]*\"|'[^']*')[^\"'<>]*)*(>|<|$)")
_PREFIXED = re.compile(r"[A-Za-z]+:[A-Za-z]+")
_BASE = re.compile(r"(?:(?:^|[^A-Za-z])[A-Za-z]{1,2}|[\d)])$")  # of a power; after a word, a number marks a footnote
_ATTRIBUTE = r"[A-Za-z_:@*#][\w:.@-]*(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+))"
_FLAG = r"(?:checked|disabled|hidden|selected|required|readonly|multiple|controls|autoplay|loop|muted|open|async|defer)"
_TAG = re.compile(rf"</?[A-Za-z][A-Za-z0-9:-]*(?:\s+(?:{_ATTRIBUTE}|{_FLAG}\b))*\s*/?>")
_ALTERNATIVE = re.compile(r"\salt\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'=<>`]+))", re.IGNORECASE)
_ADDRESS = re.compile(r"<((?:[A-Za-z][A-Za-z0-9+.-]{1,31}:|[\w.+-]+@[\w-]+\.)[^\s<>]*)>")
_ADDRESS_START = re.compile(r"<[^\s<>]{0,500}")

BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav ol optgroup option p pre section "
    "select summary table tbody tfoot thead tr ul".split()
)
"""Elements at whose beginning and end a sentence ends."""

_PAUSES = frozenset("br td th break".split())
_HIDDEN = frozenset("script style template noscript title svg".split())
_RAISED = re.compile(r"[-\u2212]?\d")
_INLINE = frozenset(
    "a abbr acronym audio b base bdi bdo big button canvas cite code col colgroup data datalist del dfn em embed font "
    "i iframe img input ins kbd label link map mark meta meter object output param picture progress q rp rt ruby s "
    "samp small source span strike strong sub sup textarea time track tt u var video wbr "
    "speak sub say-as phoneme prosody emphasis voice audio mark s lang".split()
)
_NAMES = BLOCKS | _PAUSES | _HIDDEN | _INLINE


def entity(scanner: Scanner, position: int) -> int | None:
    """Handle an ampersand, which may begin an entity."""
    start = _ENTITY_START.match(scanner.text, position)
    assert start is not None
    if scanner.is_short(start.end(), 1):
        return None
    found = _ENTITY.match(scanner.text, position)
    character = unescape(found[0]) if found else "&"
    if found is None or character == found[0]:
        return scanner.copy(position, position + 1)
    return scanner.replace(character, position, found.end())


def tag(scanner: Scanner, position: int) -> int | None:
    """Handle a less-than sign, which may begin a tag, a comment, or an address between angle brackets."""
    text = scanner.text
    if scanner.is_short(position, 4):
        return None
    if text.startswith("<!--", position):
        return _skip_to("-->", scanner, position, _LONGEST_COMMENT)
    if text.startswith(("<!", "<?"), position) and text[position + 2 : position + 3].isalpha():
        return _skip_to(">", scanner, position, _LONGEST)
    name = _NAME.match(text, position)
    if not name:
        return scanner.copy(position, position + 1)
    if scanner.is_short(name.end(), 1):
        return None
    if name[1].lower() in _NAMES or _PREFIXED.fullmatch(name[1]):
        return _known_tag(scanner, position, name)
    return _address(scanner, position)


def _skip_to(closing: str, scanner: Scanner, position: int, limit: int) -> int | None:
    end = scanner.text.find(closing, position, position + limit)
    if end >= 0:
        return end + len(closing)
    return None if scanner.is_short(position, limit) else scanner.copy(position, position + 1)


def _address(scanner: Scanner, position: int) -> int | None:
    start = _ADDRESS_START.match(scanner.text, position)
    assert start is not None
    if scanner.is_short(start.end(), 1):
        return None
    found = _ADDRESS.match(scanner.text, position)
    if found:
        scanner.copy(*found.span(1))
        return found.end()
    if scanner.dialect.name == "html":  # an element that is not known
        return _known_tag(scanner, position, None)
    return scanner.copy(position, position + 1)


def _known_tag(scanner: Scanner, position: int, name: re.Match[str] | None) -> int | None:
    """Handle a tag, of the element of this name; it may be none after all."""
    ending = _TAG_END.match(scanner.text, name.end() if name else position + 1, position + _LONGEST)
    if (ending is None or not ending[1]) and scanner.is_short(position, _LONGEST):
        return None
    is_tag = ending is not None and ending[1] == ">"
    found = _TAG.match(scanner.text, position, ending.end()) if ending is not None and is_tag else None
    end = found.end() if found else ending.end() if ending is not None and is_tag else position
    if end == position or (found is None and scanner.dialect.name != "html"):
        return scanner.copy(position, position + 1)
    if name and name[0].lower() == "<sup" and scanner.is_short(end, 1):
        return None
    if name:
        _read_tag(scanner, position, end, name[0].lower())
    return end


def _read_tag(scanner: Scanner, position: int, end: int, opening: str) -> None:
    """Append what a tag stands for."""
    name, start, after = opening.strip("</"), scanner.base + position, scanner.base + end
    if name in _PAUSES:
        scanner.out.pause(start)
        scanner.replace(" ", position, end)
    elif opening == "<sup" and _RAISED.match(scanner.text, end) and _BASE.search(scanner.out.tail):
        scanner.replace("^", position, end)
    elif name in BLOCKS:
        scanner.out.end_sentence(start, after)
    elif name == "img" and (found := _ALTERNATIVE.search(scanner.text, position, end)):
        group = next(number for number in (1, 2, 3) if found[number] is not None)
        scanner.replace(unescape(found[group]), *found.span(group))
    elif name in _HIDDEN and scanner.dialect.is_strict and not opening.startswith("</"):
        scanner.hidden = f"</{name}"
    if name == "pre":
        scanner.is_preformatted = not opening.startswith("</")


def space(scanner: Scanner, position: int) -> int | None:
    """Handle a line end in a document, which is a space, and in preformatted text a pause."""
    found = _BLANKS.match(scanner.text, position)
    assert found is not None
    if scanner.is_short(found.end(), 1) and found.end() - position < _LONGEST:
        return None
    if scanner.is_preformatted:
        scanner.out.pause(scanner.base + position)
    return scanner.replace(" ", position, found.end())


_BLANKS = re.compile(r"\s+")
