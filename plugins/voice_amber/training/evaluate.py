"""Measure a voice against its teacher, and write tables and pictures.

    pip install ".[evaluate]"
    python plugins/voice_amber/training/evaluate.py [--voice amber] [--results FOLDER]

A recogniser writes down two sets of sentences that no training saw: how many words and characters it hears wrong, of the voice
and of the teacher (flite, where its development files and a compiler are installed). Then, with the teacher's phones and durations,
frame by frame: distances of spectra, periodicity of each band, pitch and durations; beside them Griffin-Lim, which needs no
network, in the place of the vocoder. Everything goes to FOLDER as ``evaluation.json``, ``evaluation.md`` and pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from hearing import FURTHER, HELD_OUT, Sentence, Speak, measure, sentences

import voxstack

RESULTS = Path(__file__).with_name("results")
SETS = {"held out": HELD_OUT, "numbers, names, questions": FURTHER}
SHOWN = 10  # sentences whose spectrograms are drawn, five to a sheet


def by_voice(voice: voxstack.Voice, alarms: list[str] | None = None) -> Speak:
    """The whole chain of a voice.

    :param alarms: gets what the voice warns of while it speaks, each after its text.
    """

    def speak(text: str) -> tuple[np.ndarray, int]:
        speech = voice.synthesize(text)
        if alarms is not None:
            alarms.extend(f"{text} {event.text}" for event in speech.events if event.kind == "alarm")
        return speech.samples, speech.sample_rate

    return speak


def by_teacher(name: str, folder: Path) -> Speak:
    """The teacher itself, compiled into ``folder``."""
    sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
    from delivery import PLAIN
    from features import SAMPLE_RATE
    from speech import build_teacher, spoken

    program = build_teacher(folder)

    def speak(text: str) -> tuple[np.ndarray, int]:
        wave = next(spoken(program, name, [(text, PLAIN)]))[0]
        return wave.astype(np.float32) / 32768, SAMPLE_RATE

    return speak


def frame_by_frame(voice: str, teacher: str, folder: Path) -> dict[str, Any]:
    """Speech of the teacher that no training saw, and what :func:`likeness.measure` says of it."""
    import likeness
    from delivery import PLAIN
    from speech import build_teacher, speak

    texts = [(sentence.text, PLAIN) for sentence in sentences(HELD_OUT)]
    return likeness.measure(likeness.Chain(voice), speak(build_teacher(folder), teacher, texts, "teacher"), len(texts))


def draw(voice: voxstack.Voice, teacher: Speak, spoken: list[Sentence], folder: Path) -> list[Path]:
    """Spectrograms of both, and pitch curves of the voice, if its pitch can be controlled."""
    import pictures

    says = lambda text, **controls: voice.synthesize(text, **controls).samples  # noqa: E731
    made = []
    for start in range(0, SHOWN, 5):
        rows = {
            one.text: {"teacher": teacher(one.text)[0], voice.name: says(one.text)} for one in spoken[start : start + 5]
        }
        made.append(folder / f"spectrograms_{start // 5 + 1}.png")
        pictures.spectrograms(rows, made[-1])
    if "pitch" not in voice.controls:
        return made
    tracks = {
        "told, asked, exclaimed": {text: says(text) for text in pictures.ASKED},
        "pitch_range": {f"{value:g}": says(pictures.CONTROLLED, pitch_range=value) for value in (0.0, 1.0, 2.0)},
        "pitch": {f"{value:+g} semitones": says(pictures.CONTROLLED, pitch=value) for value in (-4.0, 0.0, 4.0)},
    }
    made.append(folder / "pitch.png")
    pictures.contours(tracks, made[-1])
    return made


def table(results: Mapping[str, Any]) -> str:
    """Everything as Markdown."""
    lines = ["| | sentences | word error rate | character error rate | RTF, one thread |", "|---|---|---|---|---|"]
    for title, systems in results["heard"].items():
        for name, one in systems.items():
            wer = f"{one['wer']:.1%} ± {one['wer_error']:.1%}"
            lines.append(f"| {name}, {title} | {one['sentences']} | {wer} | {one['cer']:.1%} | {one['rtf']:.4f} |")
    lines += ["", f"Alarms while it spoke: {'; '.join(results['alarms']) or 'none'}."]
    frames = results.get("frame_by_frame")
    if frames:
        bands = " | ".join(f"{low}-{high} Hz" for low, high in frames["bands_hz"])
        lines += [
            "",
            f"| | mel distance, nats | MCD, dB | {bands} | pitch error, semitones | pitch correlation |",
            "|---" * 9 + "|",
        ]
        for name, one in frames["systems"].items():
            periodic = " | ".join(f"{value:.3f}" for value in one["periodicity"])
            distances = f"{one['mel_distance']:.3f} | {one['mcd_db']:.2f}"
            lines.append(
                f"| {name} | {distances} | {periodic} | {one['pitch_error_semitones']:.2f} | {one['pitch_correlation']:.3f} |"
            )
        error, correlation = frames["durations"]["error_ms"], frames["durations"]["correlation"]
        lines += [
            "",
            f"Phones last {error:.1f} ms longer or shorter than the teacher's (correlation {correlation:.3f}).",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the tables, and write everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="amber", help="name, folder or .zip of the voice")
    parser.add_argument(
        "--teacher",
        default="slt",
        choices=["slt", "rms", "none"],
        help="whom to compare with (needs flite1-dev and cc)",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for tables and pictures")
    options = parser.parse_args()
    voice = voxstack.load(options.voice)
    options.results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        alarms: list[str] = []
        systems = {voice.name: by_voice(voice, alarms)}
        if options.teacher != "none":
            systems[options.teacher] = by_teacher(options.teacher, Path(folder))
        heard = {
            title: {n: measure(s, sentences(path), f"{n}, {title}") for n, s in systems.items()}
            for title, path in SETS.items()
        }
        results: dict[str, Any] = {
            "voice": f"{voice.name} {voice.addon.config['version']}",
            "heard": heard,
            "alarms": alarms,
        }
        if options.teacher != "none":
            if "durations" in voice.addon.networks:  # frames of others cannot be laid beside the teacher's
                results["frame_by_frame"] = frame_by_frame(options.voice, options.teacher, Path(folder))
            draw(voice, systems[options.teacher], sentences(HELD_OUT), options.results)
    (options.results / "evaluation.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.results / "evaluation.md").write_text(f"{results['voice']}\n\n{table(results)}")
    print(table(results))


if __name__ == "__main__":
    main()
