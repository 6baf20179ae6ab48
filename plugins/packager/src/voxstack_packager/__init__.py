"""Makes addons of torch modules and ONNX graphs: exports them, measures what they can do, and writes it all down."""

from __future__ import annotations

from voxstack_packager.errors import PackagingError
from voxstack_packager.field import Field, receptive_field
from voxstack_packager.fusing import fuse
from voxstack_packager.measure import (
    against,
    batch_invariance,
    chunk_exactness,
    deterministic,
    mask_exactness,
    relative_error,
)
from voxstack_packager.packaging import package
from voxstack_packager.sources import Borrowed, NetworkSource, OnnxSource
from voxstack_packager.speech import Reference
from voxstack_packager.stateful import stateful_form
from voxstack_packager.upgrading import upgrade

__all__ = [
    "Borrowed",
    "Field",
    "NetworkSource",
    "OnnxSource",
    "PackagingError",
    "Reference",
    "against",
    "batch_invariance",
    "chunk_exactness",
    "deterministic",
    "fuse",
    "mask_exactness",
    "package",
    "receptive_field",
    "relative_error",
    "stateful_form",
    "upgrade",
]
