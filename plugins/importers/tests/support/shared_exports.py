"""Exports of equal modules, made once a session: they take most of the time of an import."""

from __future__ import annotations

import functools
import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.onnx._internal.exporter import _registration

_EXPORTS: dict[str, Any] = {}


@contextmanager
def shared_exports() -> Iterator[None]:
    """Export each module once, whichever voice it is a part of; the garbage collector waits meanwhile."""
    export, registry = torch.onnx.export, _registration.ONNXRegistry
    read_once = functools.cache(registry.from_torchlib)  # else the operators of torch are read again for each export

    def export_once(module: nn.Module, arguments: tuple[torch.Tensor, ...], **options: Any) -> Any:
        key = _fingerprint(module, [(argument.dtype, argument.shape) for argument in arguments], options)
        if key not in _EXPORTS:
            _EXPORTS[key] = export(module, arguments, **options)
        return _EXPORTS[key]

    enabled = gc.isenabled()
    gc.disable()  # an export makes many objects and keeps most of them
    try:
        with (
            mock.patch.object(torch.onnx, "export", export_once),
            mock.patch.object(registry, "from_torchlib", staticmethod(read_once)),
        ):
            yield
    finally:
        if enabled:
            gc.enable()


def _fingerprint(module: nn.Module, *arguments: Any) -> str:
    """Return a hash of all that an export depends on: classes, attributes and weights of parts, and the arguments.

    The folder that a model was loaded from is left out.
    """
    digest = hashlib.sha256(repr(arguments).encode())
    for name, part in module.named_modules():
        digest.update(f"{name}: {type(part).__module__}.{type(part).__qualname__} {part.training}\n".encode())
        for key, value in sorted({**vars(part), **part._parameters, **part._buffers}.items()):
            if isinstance(value, torch.Tensor):
                digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode() + value.detach().numpy().tobytes())
            elif key not in ("_modules", "_parameters", "_buffers", "name_or_path"):
                digest.update(f"{key} {_described(value)}".encode())
    return digest.hexdigest()


def _described(value: Any) -> str:
    """Return a description of an attribute; that of a configuration has no name of its folder."""
    if not hasattr(value, "to_dict"):
        return repr(value)
    fields = value.to_dict()
    return repr({name: fields[name] for name in sorted(fields) if name != "_name_or_path"})
