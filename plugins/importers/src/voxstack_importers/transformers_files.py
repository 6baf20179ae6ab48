"""Folders that ``save_pretrained`` of transformers writes: what is in them, and the model that they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from voxstack_packager import NetworkSource, PackagingError, Reference

CONFIG, WEIGHTS = "config.json", ("model.safetensors", "model.safetensors.index.json")

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_LICENSE = re.compile(r"\A---\n(?:.*\n)*?license:\s*[\"']?([\w.+-]+)[\"']?\s*\n(?:.*\n)*?---", re.MULTILINE)
_SPDX = {
    "apache-2.0": "Apache-2.0",
    "openrail": "LicenseRef-OpenRAIL",
    "other": "LicenseRef-Unknown",
    "unknown": "LicenseRef-Unknown",
}


@dataclass(frozen=True)
class Pretrained:
    """A folder with ``config.json`` and weights in safetensors.

    :param architecture: the class in transformers that reads it.
    """

    folder: Path
    config: Mapping[str, Any]
    architecture: str

    @classmethod
    def open(cls, folder: Path, known: Collection[str]) -> Pretrained:
        """Look at a folder.

        :param known: the architectures that are looked for.
        :raises PackagingError: if it is not such a folder, or holds something else.
        """
        config = json_of(folder / CONFIG)
        named = config.get("architectures") or ["none"]
        found = next((name for name in named if name in known), None)
        if found is None:
            raise PackagingError(
                f"{folder / CONFIG}: architectures",
                f"names {', '.join(map(str, named))}; what can be taken here is {', '.join(sorted(known))}",
            )
        if not any((folder / name).is_file() for name in WEIGHTS):
            raise PackagingError(str(folder), _no_weights(folder))
        return cls(folder, config, found)

    def model(self, unused: Sequence[str] = ()) -> Any:
        """Read the model, in float32 and ready to be run. Only safetensors are read: nothing is unpickled, and no code is run.

        :param unused: beginnings of names of weights that may be missing, as only training needs them.
        :raises PackagingError: if weights are missing or damaged, or there is no transformers.
        """
        transformers, torch = library(), library("torch")
        level = transformers.logging.get_verbosity()
        transformers.logging.set_verbosity_error()
        try:
            made, told = getattr(transformers, self.architecture).from_pretrained(
                self.folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
        except Exception as error:  # whatever is wrong with the files
            raise PackagingError(
                str(self.folder), f"transformers cannot read it ({type(error).__name__}: {error})"
            ) from error
        finally:
            transformers.logging.set_verbosity(level)
        missing = sorted(name for name in told["missing_keys"] if not name.startswith(tuple(unused)))
        if missing:
            raise PackagingError(
                str(self.folder), f"lacks {len(missing)} weights of a {self.architecture}, such as {missing[0]!r}"
            )
        return made.eval().requires_grad_(False)

    def file(self, name: str, what: str) -> Path:
        """A file of the folder.

        :param what: what it is, for the error.
        :raises PackagingError: if it is not there.
        """
        path = self.folder / name
        if not path.is_file():
            raise PackagingError(str(self.folder), f"has no {name}, {what}; copy it there")
        return path

    @property
    def license(self) -> str:
        """What the model card says, as an SPDX expression; ``LicenseRef-Unknown`` where it says nothing."""
        card = self.folder / "README.md"
        found = _LICENSE.match(card.read_text("utf-8")) if card.is_file() else None
        return "LicenseRef-Unknown" if found is None else _SPDX.get(found[1].lower(), found[1].upper())


@dataclass(frozen=True)
class Converted:
    """What an addon is made of, beside what the command says.

    :param reference: transformers itself, with a model of which no part was changed.
    """

    networks: Sequence[NetworkSource]
    reference: Reference
    stack: Sequence[Mapping[str, Any]]
    controls: Mapping[str, Any]
    sample_rate: int
    hop_length: int
    text: str
    language: str = "en"
    files: Mapping[str, Path] = field(default_factory=dict)


def json_of(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    :raises PackagingError: if it is not there, or none.
    """
    try:
        made = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise PackagingError(
            str(path.parent), f"has no {path.name}; give a folder as save_pretrained writes it"
        ) from None
    except ValueError as error:
        raise PackagingError(str(path), f"is no JSON ({error})") from error
    if not isinstance(made, dict):
        raise PackagingError(str(path), "is no JSON object; give a folder as save_pretrained writes it")
    return made


def library(name: str = "transformers") -> Any:
    """A library that only this importer needs.

    :raises PackagingError: with what helps, if it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        problem = f"needs {name}, which is not installed: pip install 'voxstack-importers[transformers]'"
        raise PackagingError("import transformers", problem) from error


def _no_weights(folder: Path) -> str:
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if not pickles:
        return f"has no {WEIGHTS[0]}; give a folder as save_pretrained writes it"
    return (
        f"has its weights only in {pickles[0]}, a pickle, which can run code when it is read; where you trust it, let "
        f"transformers read it, and save_pretrained write {WEIGHTS[0]}"
    )
