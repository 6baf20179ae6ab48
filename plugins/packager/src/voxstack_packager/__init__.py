"""Makes addons of torch modules and ONNX graphs: exports and measures their networks, and writes golden vectors."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack_packager.borrowed import Borrowed
    from voxstack_packager.errors import NoStatefulForm, PackagingError
    from voxstack_packager.export.masked_convolutions import masked, masked_if_exact
    from voxstack_packager.from_modules.packing import pack
    from voxstack_packager.from_modules.voice_source import ModuleSource, VoiceSource
    from voxstack_packager.fusing import fuse
    from voxstack_packager.measure.deviation import deviation
    from voxstack_packager.measure.exactness import (
        batch_invariance,
        chunk_exactness,
        is_deterministic,
        mask_exactness,
        relative_error,
    )
    from voxstack_packager.measure.receptive_field import ReceptiveField, receptive_field
    from voxstack_packager.packaging import package
    from voxstack_packager.reference import Reference
    from voxstack_packager.sources import NetworkSource, OnnxSource
    from voxstack_packager.stateful.conversion import stateful_form
    from voxstack_packager.upgrading import upgrade

__all__ = [
    "Borrowed",
    "ModuleSource",
    "NetworkSource",
    "NoStatefulForm",
    "OnnxSource",
    "PackagingError",
    "ReceptiveField",
    "Reference",
    "VoiceSource",
    "batch_invariance",
    "chunk_exactness",
    "deviation",
    "fuse",
    "is_deterministic",
    "mask_exactness",
    "masked",
    "masked_if_exact",
    "pack",
    "package",
    "receptive_field",
    "relative_error",
    "stateful_form",
    "upgrade",
]

_MODULES = {
    "Borrowed": "borrowed",
    "ModuleSource": "from_modules.voice_source",
    "NetworkSource": "sources",
    "NoStatefulForm": "errors",
    "OnnxSource": "sources",
    "PackagingError": "errors",
    "ReceptiveField": "measure.receptive_field",
    "Reference": "reference",
    "VoiceSource": "from_modules.voice_source",
    "batch_invariance": "measure.exactness",
    "chunk_exactness": "measure.exactness",
    "deviation": "measure.deviation",
    "fuse": "fusing",
    "is_deterministic": "measure.exactness",
    "mask_exactness": "measure.exactness",
    "masked": "export.masked_convolutions",
    "masked_if_exact": "export.masked_convolutions",
    "pack": "from_modules.packing",
    "package": "packaging",
    "receptive_field": "measure.receptive_field",
    "relative_error": "measure.exactness",
    "stateful_form": "stateful.conversion",
    "upgrade": "upgrading",
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use: the command's help needs none of them."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
