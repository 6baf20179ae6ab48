"""Makes addons of torch modules and ONNX graphs: exports and measures their networks, and writes golden vectors."""

from __future__ import annotations

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
