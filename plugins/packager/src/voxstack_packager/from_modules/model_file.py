"""The Python file of a user that declares a voice."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from voxstack_packager.errors import PackagingError
from voxstack_packager.from_modules.voice_source import VoiceSource

VARIABLE = "voice"
EXAMPLE = "voice = VoiceSource('mine', networks=[encoder, decoder, Borrowed.of('prism', 'vocoder')])"


def read_voice(path: Path) -> VoiceSource:
    """Run a file of Python, and return its ``voice``: a :class:`.VoiceSource`, or a function that returns one.

    Modules beside the file can be imported, as when it is run as a script.

    :raises PackagingError: if there is no such file, or it declares no voice; what the file raises comes through.
    """
    if not path.is_file():
        problem = "is a folder; name the file" if path.is_dir() else "does not exist; correct the path"
        raise PackagingError(str(path), problem)
    module = _run(path)
    found: Any = getattr(module, VARIABLE, None)
    if callable(found) and not isinstance(found, VoiceSource):
        found = found()
    if isinstance(found, VoiceSource):
        return found
    others = [name for name, value in vars(module).items() if isinstance(value, VoiceSource)]
    if found is None and len(others) == 1:
        only: VoiceSource = getattr(module, others[0])
        return only
    problem = f"has no variable {VARIABLE!r}" if found is None else f"its {VARIABLE!r} is a {type(found).__name__}"
    raise PackagingError(str(path), f"{problem}; declare one: {EXAMPLE}")


def _run(path: Path) -> ModuleType:
    name = path.stem.replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PackagingError(str(path), "is no file of Python; name it with .py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.resolve()))
    sys.modules[name] = module  # classes of the file can be copied, which exporting does
    spec.loader.exec_module(module)
    return module
