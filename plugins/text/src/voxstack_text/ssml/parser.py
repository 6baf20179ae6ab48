"""Parser of SSML documents: the supported part of the Speech Synthesis Markup Language 1.1 (W3C, 2010).

Documents are parsed with defusedxml: document types, entity declarations and external references are refused, not read.
Elements, attributes and kinds of ``say-as`` that are not supported have no effect: a warning in the log names them with
their place, and the text inside is spoken. Elements end words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from voxstack import RequestError
from voxstack_text.ssml.document import Document
from voxstack_text.ssml.document_builder import DocumentBuilder

_TAG = re.compile(r"<[^<>]*>")
_PREFIX = re.compile(r"[<\s/]([A-Za-z_][\w.-]*):(?=[A-Za-z_])")
_UNBOUND_PREFIX = 27  # XML_ERROR_UNBOUND_PREFIX of expat
_SURROGATE = re.compile("[\ud800-\udfff]")

_ADVICE = "write <speak>...</speak>, close every element, and write &amp; for &"


def parse_ssml(source: str, controls: Mapping[str, Any]) -> Document:
    """Parse an SSML document.

    :param controls: controls of the voice; ``pitch`` may be set only if it is one of them.
    :raises RequestError: with line and column, for XML that is not well-formed, for elements at places where they
        cannot be, and for values of supported attributes that cannot be read.
    """
    from defusedxml.ElementTree import ParseError  # type: ignore[import-untyped]

    if not source.isascii():
        _refuse_surrogates(source)
    try:
        return _parse(source, controls)
    except ParseError as error:
        if error.code == _UNBOUND_PREFIX:
            try:
                return _parse(_without_prefixes(source), controls)
            except ParseError as other:
                error = other
        line, column = error.position
        reason = str(error).partition(": line")[0]
        raise RequestError(
            f"SSML, line {line}, column {column + 1}: not well-formed XML: {reason}; {_ADVICE}"
        ) from error


def _without_prefixes(source: str) -> str:
    """Return a document with "_" for the colon after each prefix that it does not declare, such as a vendor's."""
    tags = _TAG.findall(source)
    declared = {"xml", "xmlns"} | {name for tag in tags for name in re.findall(r"xmlns:([\w.-]+)\s*=", tag)}

    def renamed(tag: re.Match[str]) -> str:
        return _PREFIX.sub(lambda found: found[0] if found[1] in declared else f"{found[0][:-1]}_", tag[0])

    return _TAG.sub(renamed, source)


def _parse(source: str, controls: Mapping[str, Any]) -> Document:
    from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import XMLParser

    builder = DocumentBuilder(source, controls)
    parser = XMLParser(target=builder, forbid_dtd=True)
    parser.parser.buffer_text = False  # so that each stretch of text arrives with its position
    builder.expat = parser.parser
    parser.parser.StartCdataSectionHandler = parser.parser.EndCdataSectionHandler = builder.toggle_literal
    try:
        parser.feed(source)
        parser.close()
    except DefusedXmlException as error:
        raise builder.error("document types and entity declarations are refused; leave them out") from error
    return builder.document


def _refuse_surrogates(source: str) -> None:
    found = _SURROGATE.search(source)
    if found:
        line = source.count("\n", 0, found.start()) + 1
        column = found.start() - source.rfind("\n", 0, found.start())
        raise RequestError(
            f"SSML, line {line}, column {column}: U+{ord(found[0]):04X} is half a character; leave it out, or write "
            "the whole character"
        )
