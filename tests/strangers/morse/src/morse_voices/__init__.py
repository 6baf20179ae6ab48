"""Voices that key Morse code: the block ``Morse``, and an importer of ``.morse`` files."""

from __future__ import annotations

import voxstack
from voxstack_importers import Importer

IMPORTER = Importer("morse_voices.importing", "a Morse voice: a .morse file, an INI with the section [key]")


@voxstack.hookimpl
def voxstack_blocks() -> list[str]:
    """Return the block."""
    return ["morse_voices.keying:Morse"]
