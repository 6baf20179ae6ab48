"""The public names that the page of the API does not list by itself."""

from __future__ import annotations

import re

from site_pages.repository import ROOT

PAGE = ROOT / "docs" / "reference" / "api.md"


def names_part() -> str:
    """Return a directive of mkdocstrings for each public name of ``voxstack`` that the page leaves out."""
    import voxstack

    listed = set(re.findall(r"\w+", PAGE.read_text("utf-8")))
    return "\n\n".join(f"::: voxstack.{name}" for name in voxstack.__all__ if name not in listed)
