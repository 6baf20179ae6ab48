"""A picture of voices speaking: the spectrogram of each, with the words that it reports where it reports them.

``python tests/benchmarks/captions_picture.py --folder DIR --out captions.png`` imports the two trained voices that come
in packages, and one of random weights, into a folder, or uses them from there, beside two installed voices.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import voxstack

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

TEXT = "When the rain stopped, the children ran outside."
SPEECH: dict[str, tuple[str, dict[str, Any]]] = {
    "joe": (TEXT, {}),
    "kokoro": ("今日は天気がいいので、散歩に行きます。", {"speaker": "jf_alpha"}),
    "pocket": ("Nobody knows which boats came home.", {}),
    "cobalt": (TEXT, {}),
    "espeak": (TEXT, {}),
}
"""Text and controls of each voice."""

FONTS = ("Noto Sans CJK JP", "IPAexGothic", "DejaVu Sans")
"""Fonts with the letters of all texts, the first that is there."""


def draw(axes: Any, name: str, speech: Any) -> None:
    """Draw the spectrogram of a voice, with a line where each word begins and the word above it."""
    window = 2 * round(0.0125 * speech.sample_rate)
    axes.specgram(speech.samples + 1e-7, NFFT=window, Fs=speech.sample_rate, noverlap=window * 3 // 4, vmin=-140)
    top = min(speech.sample_rate / 2, 8000)
    axes.set_ylim(0, top)
    axes.set_ylabel(f"{name}\nHz")
    for number, event in enumerate(event for event in speech.events if event.kind == "word"):
        axes.axvspan(event.start, event.start + event.duration, ymin=0.9, alpha=0.55, color=("k", "C0")[number % 2])
        axes.axvline(event.start, color="w", linewidth=0.6)
        middle = event.start + event.duration / 2
        axes.text(middle, top * 0.95, event.text, color="w", ha="center", va="center", fontsize=8, clip_on=True)


def main() -> None:
    """Draw all voices."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import font_manager, pyplot
    from owned_voices import import_voices

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="folder of the imported voices (default: a temporary one)")
    parser.add_argument("--out", type=Path, default=Path("captions.png"))
    options = parser.parse_args()
    known = {font.name for font in font_manager.fontManager.ttflist}
    pyplot.rcParams["font.family"] = [font for font in FONTS if font in known]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        names = ("joe", "kokoro", "pocket")
        if not all((folder / name).exists() for name in names):
            import_voices(folder)
        figure, rows = pyplot.subplots(len(SPEECH), figsize=(12, 2.2 * len(SPEECH)), layout="constrained")
        for axes, (name, (text, controls)) in zip(rows, SPEECH.items(), strict=True):
            voice = voxstack.load(str(folder / name) if name in names else name)
            speech = voice.synthesize(text, **controls)
            assert np.isfinite(speech.samples).all()
            draw(axes, name, speech)
        rows[-1].set_xlabel("seconds")
        figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
