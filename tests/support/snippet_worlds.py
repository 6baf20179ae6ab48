"""What the reader of a page has: files, and names that its code uses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from snippet_runner import Page

import voxstack
from voxstack_addon_spec import write_zip

PASSPHRASE = "correct horse battery staple"
LEXICON = """<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon"
 alphabet="ipa" xml:lang="en"><lexeme><grapheme>Nguyen</grapheme><phoneme>win</phoneme></lexeme></lexicon>
"""


def readers_files(page: Page) -> None:
    """Write texts, a lexicon in both forms, a stack, and an addon that is signed."""
    (page.folder / "book.txt").write_text("Chapter one. It was a fine day.\n")
    for name in ("README.md", "notes.md"):
        (page.folder / name).write_text("# Notes\n\nOne *short* note.\n")
    (page.folder / "names.tsv").write_text("Nguyen\tw ih1 n\n")
    (page.folder / "names.pls").write_text(LEXICON)
    stack = json.loads((installed("amber") / "addon.json").read_text())["stack"]
    (page.folder / "mine.json").write_text(json.dumps(stack))
    own_addon(page)
    page.run_command("voxstack keygen acme", "keygen")
    page.run_command("voxstack sign path/to/addon --key acme.key", "sign")


def own_addon(page: Page) -> None:
    """Copy an addon to path/to/addon, and set the passphrase for keys."""
    shutil.copytree(installed("prism"), page.folder / "path/to/addon")
    page.patch.setenv("VOXSTACK_KEY_PASSPHRASE", PASSPHRASE)


def amber_zip(page: Page) -> None:
    """Copy the voice amber to a folder, and write a .zip of it."""
    shutil.copytree(installed("amber"), page.folder / "amber")
    write_zip(page.folder / "amber", page.folder / "amber.zip")


def unknown_zip(page: Page) -> None:
    """Write a .zip of a voice."""
    write_zip(installed("cobalt"), page.folder / "unknown.zip")


def more_voices(page: Page) -> None:
    """Write a .zip of a voice in a folder of voices."""
    (page.folder / "voices").mkdir()
    write_zip(installed("cobalt"), page.folder / "voices" / "anna.zip")


def loaded_voice(page: Page) -> None:
    """Provide a loaded voice, and a lexicon."""
    (page.folder / "names.pls").write_text(LEXICON)
    page.names["voice"] = voxstack.load("amber")


def own_model(page: Page) -> None:
    """Provide a vocoder in PyTorch, which the page packages, and what its other fences name."""
    import torch

    class Vocoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Conv1d(80, 802, 3, padding=1)

        def forward(self, mel: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            mask = mask[:, None]
            return (self.layer(mel.transpose(1, 2) * mask) * mask).transpose(1, 2)

    def examples(sizes: dict[str, int], seed: int) -> dict[str, np.ndarray]:
        shape = (sizes["batch"], sizes["frames"])
        frames = np.random.default_rng(seed).standard_normal((*shape, 198)).astype(np.float32)
        return {"frames": frames, "mask": np.ones(shape, np.float32)}

    page.names["model"] = Vocoder()
    page.names["frames"] = page.names["latents"] = np.zeros((1, 8, 192), np.float32)
    page.names["hidden"] = np.zeros((1, 128), np.float32)
    page.names["addon"], page.names["examples"] = voxstack.load("amber").addon, examples


def installed(name: str) -> Path:
    """Return the folder of an installed addon."""
    return voxstack.Registry.installed().addon(name)


WORLDS: dict[str, Callable[[Page], None]] = {
    "README.md": readers_files,
    "addon_spec/README.md": amber_zip,
    "plugins/cli/README.md": readers_files,
    "plugins/isolation/README.md": unknown_zip,
    "plugins/packager/README.md": own_model,
    "plugins/text/README.md": loaded_voice,
    "plugins/trust/README.md": own_addon,
    "plugins/voices/README.md": more_voices,
}
"""Prepares the folder and the names of a page, by its path."""
