"""The parts of pages that are generated, by the name in ``<!-- insert: NAME -->``."""

from __future__ import annotations

from collections.abc import Callable

from site_pages.addon_part import addon_part
from site_pages.blocks_part import blocks_part
from site_pages.commands_part import commands_part
from site_pages.errors_part import errors_part
from site_pages.names_part import names_part
from site_pages.utterance_part import utterance_part

PARTS: dict[str, Callable[[], str]] = {
    "addon": addon_part,
    "blocks": blocks_part,
    "commands": commands_part,
    "errors": errors_part,
    "names": names_part,
    "utterance": utterance_part,
}
