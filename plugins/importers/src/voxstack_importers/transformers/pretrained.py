"""Folders that ``save_pretrained`` of transformers writes: their files, and the model in them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from voxstack_importers.description import GENERATOR_SCHEDULE
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

    :param architecture: the class of transformers that reads it.
    """

    folder: Path
    config: Mapping[str, Any]
    architecture: str

    @classmethod
    def open(cls, folder: Path, supported: Collection[str]) -> Pretrained:
        """Read the configuration in a folder.

        :param supported: names of the supported architectures.
        :raises PackagingError: if it is not such a folder, or holds a model of another architecture.
        """
        config = read_json(folder / CONFIG)
        named = config.get("architectures") or ["none"]
        found = next((name for name in named if name in supported), None)
        if found is None:
            problem = f"names {', '.join(map(str, named))}; supported here: {', '.join(sorted(supported))}"
            raise PackagingError(f"{folder / CONFIG}: architectures", problem)
        if not any((folder / name).is_file() for name in WEIGHTS):
            raise PackagingError(str(folder), _missing_weights(folder))
        return cls(folder, config, found)

    def model(self, unused: Sequence[str] = ()) -> Any:
        """Read the model, in float32 and in evaluation mode.

        Only safetensors are read: nothing is unpickled, and no code is run.

        :param unused: prefixes of names of weights that may be missing, as only training needs them.
        :raises PackagingError: if weights are missing or damaged, or transformers is not installed.
        """
        transformers, torch = library(), library("torch")
        level = transformers.logging.get_verbosity()
        transformers.logging.set_verbosity_error()
        try:
            model, information = getattr(transformers, self.architecture).from_pretrained(
                self.folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
            )
        except Exception as error:  # whatever is wrong with the files
            problem = (
                f"transformers cannot read it ({type(error).__name__}: {error}); write it with save_pretrained again"
            )
            raise PackagingError(str(self.folder), problem) from error
        finally:
            transformers.logging.set_verbosity(level)
        missing = sorted(name for name in information["missing_keys"] if not name.startswith(tuple(unused)))
        if missing:
            problem = f"lacks {len(missing)} weights of a {self.architecture}, such as {missing[0]!r}"
            raise PackagingError(str(self.folder), f"{problem}; write it with save_pretrained again")
        return model.eval().requires_grad_(False)

    def file(self, name: str, description: str) -> Path:
        """Return the path of a file in the folder.

        :param description: what the file is, for the error.
        :raises PackagingError: if it does not exist.
        """
        path = self.folder / name
        if not path.is_file():
            raise PackagingError(str(self.folder), f"has no {name}, {description}; copy it there")
        return path

    @property
    def license(self) -> str:
        """The licence in the model card, as an SPDX expression; ``LicenseRef-Unknown`` if it has none."""
        card = self.folder / "README.md"
        found = _LICENSE.match(card.read_text("utf-8")) if card.is_file() else None
        return "LicenseRef-Unknown" if found is None else _SPDX.get(found[1].lower(), found[1].upper())


@dataclass(frozen=True)
class Conversion:
    """The parts of an addon that a model determines.

    :param reference: transformers itself, with the model as it was read.
    :param sample_rate: in Hz; ``hop_length``: in samples.
    :param text: a text that the voice can read; ``language``: its BCP 47 tag.
    :param files: more files of the addon, or their content, by name.
    :param schedule: the chunk schedule.
    :param note: what the user should know about the voice, if anything.
    """

    networks: Sequence[NetworkSource]
    reference: Reference
    stack: Sequence[Mapping[str, Any]]
    controls: Mapping[str, Any]
    sample_rate: int
    hop_length: int
    text: str
    language: str = "en"
    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    schedule: Mapping[str, Any] = field(default_factory=lambda: GENERATOR_SCHEDULE)
    note: str = ""


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    :raises PackagingError: if the file does not exist, or holds anything else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        problem = f"has no {path.name}; give a folder as save_pretrained writes it"
        raise PackagingError(str(path.parent), problem) from None
    except ValueError as error:
        raise PackagingError(str(path), f"is not JSON ({error}); give a folder as save_pretrained writes it") from error
    if not isinstance(content, dict):
        raise PackagingError(str(path), "is not a JSON object; give a folder as save_pretrained writes it")
    return content


def library(name: str = "transformers") -> Any:
    """Import a library that only this importer needs.

    :raises PackagingError: with the ``pip install`` line, if it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        problem = f"needs {name}, which is not installed: pip install 'voxstack-importers[transformers]'"
        raise PackagingError("import transformers", problem) from error


def _missing_weights(folder: Path) -> str:
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if not pickles:
        return f"has no {WEIGHTS[0]}; give a folder as save_pretrained writes it"
    return (
        f"has its weights only in {pickles[0]}, a pickle, which can run code when it is read; if you trust it, read it "
        f"with transformers, and write {WEIGHTS[0]} with save_pretrained"
    )
