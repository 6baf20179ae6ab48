"""The evaluation of a voice against its teacher: tables and plots.

    pip install ".[evaluate]"
    python plugins/voice_amber/training/evaluate.py [--voice amber] [--results FOLDER]

A recogniser transcribes two sets of sentences that were not used in training, and the word and character error rates
are computed for the voice and for the teacher (flite; requires its development files and a compiler). Then the voice is
compared with the teacher frame by frame, with the teacher's phones and durations: distances of spectra, periodicity of
each band, pitch and durations; also with Griffin-Lim, which needs no network, in place of the vocoder. All results are
written to FOLDER, as ``evaluation.json``, ``evaluation.md`` and plots.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from recognition import FURTHER, HELD_OUT, Sentence, Synthesize, measure, read_sentences

import voxstack

RESULTS = Path(__file__).with_name("results")
SETS = {"held out": HELD_OUT, "numbers, names, questions": FURTHER}
PLOTTED, ROWS = 10, 5  # sentences whose spectrograms are plotted, and rows of a sheet


def voice_synthesizer(voice: voxstack.Voice, alarms: list[str] | None = None) -> Synthesize:
    """Return a function that synthesizes text with a voice.

    :param alarms: list to which the alarms of the voice are added, each after its text.
    """

    def synthesize(text: str) -> tuple[np.ndarray, int]:
        speech = voice.synthesize(text)
        if alarms is not None:
            alarms.extend(f"{text} {event.text}" for event in speech.events if event.kind == "alarm")
        return speech.samples, speech.sample_rate

    return synthesize


def teacher_synthesizer(name: str, folder: Path) -> Synthesize:
    """Return a function that synthesizes text with a teacher, compiled into ``folder``."""
    sys.path.append(str(Path(__file__).resolve().parents[2] / "voice_prism" / "training"))
    from delivery import PLAIN
    from features import SAMPLE_RATE
    from speech_corpus import build_teacher, synthesize_lines

    program = build_teacher(folder)

    def synthesize(text: str) -> tuple[np.ndarray, int]:
        wave = next(synthesize_lines(program, name, [(text, PLAIN)]))[0]
        return wave.astype(np.float32) / 32768, SAMPLE_RATE

    return synthesize


def compare_frames(voice: str, teacher: str, folder: Path) -> dict[str, Any]:
    """Return the comparison of a voice with held-out speech of its teacher, see :func:`frame_comparison.measure`.

    :param voice: name, folder or .zip of the voice.
    :param folder: folder for the compiled teacher.
    """
    import frame_comparison
    from delivery import PLAIN
    from speech_corpus import build_teacher, synthesize_corpus

    lines = [(sentence.text, PLAIN) for sentence in read_sentences(HELD_OUT)]
    corpus = synthesize_corpus(build_teacher(folder), teacher, lines, "teacher")
    return frame_comparison.measure(frame_comparison.Chain(voice), corpus, len(lines))


def plot(voice: voxstack.Voice, teacher: Synthesize, sentences: list[Sentence], folder: Path) -> list[Path]:
    """Plot spectrograms of voice and teacher, and pitch curves if the voice controls its pitch; return the paths."""
    import plots

    def samples(text: str, **controls: float) -> np.ndarray:
        return voice.synthesize(text, **controls).samples

    paths = []
    for start in range(0, PLOTTED, ROWS):
        texts = [sentence.text for sentence in sentences[start : start + ROWS]]
        rows = {text: {"teacher": teacher(text)[0], voice.name: samples(text)} for text in texts}
        paths.append(folder / f"spectrograms_{start // ROWS + 1}.png")
        plots.plot_spectrograms(rows, paths[-1])
    if "pitch" not in voice.controls:
        return paths
    panels = {
        "statement, question, exclamation": {text: samples(text) for text in plots.INTONATION},
        "pitch_range": {f"{value:g}": samples(plots.CONTROLS, pitch_range=value) for value in (0.0, 1.0, 2.0)},
        "pitch": {f"{value:+g} semitones": samples(plots.CONTROLS, pitch=value) for value in (-4.0, 0.0, 4.0)},
    }
    paths.append(folder / "pitch.png")
    plots.plot_pitch(panels, paths[-1])
    return paths


def markdown(results: Mapping[str, Any]) -> str:
    """Return all results as Markdown tables."""
    lines = ["| | sentences | word error rate | character error rate | RTF, one thread |", "|---|---|---|---|---|"]
    for title, systems in results["heard"].items():
        for name, result in systems.items():
            wer = f"{result['wer']:.1%} ± {result['wer_error']:.1%}"
            rates = f"{wer} | {result['cer']:.1%} | {result['rtf']:.4f}"
            lines.append(f"| {name}, {title} | {result['sentences']} | {rates} |")
    lines += ["", f"Alarms during synthesis: {'; '.join(results['alarms']) or 'none'}."]
    if "frame_by_frame" in results:
        lines += ["", *_frame_lines(results["frame_by_frame"])]
    return "\n".join(lines) + "\n"


def _frame_lines(frames: Mapping[str, Any]) -> Iterator[str]:
    bands = " | ".join(f"{low}-{high} Hz" for low, high in frames["bands_hz"])
    yield f"| | mel distance, nats | MCD, dB | {bands} | pitch error, semitones | pitch correlation |"
    yield "|---" * 9 + "|"
    for name, result in frames["systems"].items():
        periodicity = " | ".join(f"{value:.3f}" for value in result["periodicity"])
        distances = f"{result['mel_distance']:.3f} | {result['mcd_db']:.2f}"
        pitch = f"{result['pitch_error_semitones']:.2f} | {result['pitch_correlation']:.3f}"
        yield f"| {name} | {distances} | {periodicity} | {pitch} |"
    error, correlation = frames["durations"]["error_ms"], frames["durations"]["correlation"]
    yield ""
    yield f"Mean absolute error of phone durations: {error:.1f} ms (correlation {correlation:.3f})."


def evaluate(voice: voxstack.Voice, source: str, teacher: str | None, results_folder: Path) -> dict[str, Any]:
    """Return all results, and write the plots.

    :param source: name, folder or .zip that the voice was loaded from.
    :param teacher: voice of flite to compare with; None: no comparison.
    """
    with tempfile.TemporaryDirectory() as folder:
        alarms: list[str] = []
        systems = {voice.name: voice_synthesizer(voice, alarms)}
        if teacher:
            systems[teacher] = teacher_synthesizer(teacher, Path(folder))
        heard = {
            title: {
                name: measure(synthesize, read_sentences(path), f"{name}, {title}")
                for name, synthesize in systems.items()
            }
            for title, path in SETS.items()
        }
        version = f"{voice.name} {voice.addon.config['version']}"
        results: dict[str, Any] = {"voice": version, "heard": heard, "alarms": alarms}
        if teacher:
            if "durations" in voice.addon.networks:  # without given durations, frames do not match the teacher's
                results["frame_by_frame"] = compare_frames(source, teacher, Path(folder))
            plot(voice, systems[teacher], read_sentences(HELD_OUT), results_folder)
    return results


def main() -> None:
    """Evaluate a voice, print the tables, and write all results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", default="amber", help="name, folder or .zip of the voice")
    parser.add_argument(
        "--teacher",
        default="slt",
        choices=["slt", "rms", "none"],
        help="teacher to compare with (requires flite1-dev and cc)",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for tables and plots")
    options = parser.parse_args()
    voice = voxstack.load(options.voice)
    options.results.mkdir(parents=True, exist_ok=True)
    teacher = None if options.teacher == "none" else options.teacher
    results = evaluate(voice, options.voice, teacher, options.results)
    (options.results / "evaluation.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.results / "evaluation.md").write_text(f"{results['voice']}\n\n{markdown(results)}")
    print(markdown(results))


if __name__ == "__main__":
    main()
