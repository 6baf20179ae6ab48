"""The training speech: the teacher synthesizes the corpus, and waves, labels and features go to one file per voice.

The teacher is flite (Debian package ``flite1-dev``), whose license allows any use that keeps its notice: see
TEACHER_LICENSE. It reports phones with their ends, stress, words and the exact fundamental frequency in one pass, about
90 times as fast as real time.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from delivery import Delivery
from features import HOP, SAMPLE_RATE, log_mel
from scipy.io import wavfile
from tqdm import tqdm

LIBRARIES = "flite_cmu_us_slt flite_cmu_us_rms flite_usenglish flite_cmulex flite m".split()
F0_STEP = 0.005  # seconds between the teacher's pitch values


def build_teacher(folder: Path) -> Path:
    """Compile ``teacher.c`` into ``folder``, unless that is up to date, and return the path of the program."""
    source, program = Path(__file__).with_name("teacher.c"), folder.resolve() / "teacher"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        part = folder / f"teacher.{os.getpid()}"  # another process may be compiling it, too
        subprocess.run(["cc", "-O2", str(source), "-o", str(part), *(f"-l{name}" for name in LIBRARIES)], check=True)
        part.rename(program)
    return program


@dataclass
class SpeechCorpus:
    """Utterances of one voice, end to end, with the bounds of each.

    :param wave: (samples,) int16.
    :param mel: (frames, 80) float16, log-mels in nats.
    :param f0: (frames,) float32, in Hz; 0 for unvoiced.
    :param frames: (utterances + 1,), the bounds in frames.
    :param labels: one mapping per utterance: id, text, phones ([phone, stress, word start, word]), durations in frames,
        and the delivery (see :class:`delivery.Delivery`).
    """

    wave: np.ndarray
    mel: np.ndarray
    f0: np.ndarray
    frames: np.ndarray
    labels: list[dict]

    def __len__(self) -> int:
        return len(self.labels)

    def span(self, index: int) -> slice:
        """Return the frames of one utterance."""
        return slice(int(self.frames[index]), int(self.frames[index + 1]))

    def wave_of(self, index: int) -> np.ndarray:
        """Return the samples of one utterance, float32 in -1..1."""
        span = self.span(index)
        return self.wave[span.start * HOP : span.stop * HOP].astype(np.float32) / 32768

    def save(self, path: Path) -> None:
        """Write to ``path`` atomically."""
        partial = path.with_suffix(".part.npz")
        labels = np.frombuffer(json.dumps(self.labels).encode(), np.uint8)
        np.savez(partial, wave=self.wave, mel=self.mel, f0=self.f0, frames=self.frames, labels=labels)
        partial.rename(path)

    @classmethod
    def load(cls, path: Path) -> SpeechCorpus:
        """Read a file that :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as data:
            return cls(data["wave"], data["mel"], data["f0"], data["frames"], json.loads(data["labels"].tobytes()))


def synthesize_corpus(program: Path, voice: str, lines: Iterable[tuple[str, Delivery]], title: str) -> SpeechCorpus:
    """Synthesize ``lines``, each with its delivery, by the teacher, and return speech and labels; shows progress.

    Utterances whose durations do not add up are left out.

    :param program: the compiled teacher, see :func:`build_teacher`.
    :param voice: of the teacher: ``slt`` or ``rms``.
    """
    lines = list(lines)
    parts = list(tqdm(synthesize_lines(program, voice, lines), total=len(lines), desc=title, unit="utt"))
    parts = [part for part in parts if part[3]["durations"]]
    frames = np.cumsum([0] + [len(part[1]) for part in parts])
    wave, mel, f0 = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return SpeechCorpus(wave, mel, f0, frames, [part[3] for part in parts])


def synthesize_lines(
    program: Path, voice: str, lines: list[tuple[str, Delivery]]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, dict]]:
    """Yield (wave, mel, f0, labels) of each line as soon as the teacher has synthesized it.

    :raises RuntimeError: if the teacher fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        text = "".join(f"{voice}{i:06d}\t{delivery}\t{line}\n" for i, (line, delivery) in enumerate(lines))
        listing = Path(folder, "lines.tsv")
        listing.write_text(text)
        with (
            listing.open() as stdin,
            subprocess.Popen([program, voice, folder], stdin=stdin, stdout=subprocess.PIPE, text=True) as teacher,
        ):
            for line, (_, delivery) in zip(teacher.stdout, lines, strict=False):  # an early end is reported below
                path = Path(folder, line.split("\t", 1)[0] + ".wav")
                wave, mel, f0, labels = parse_utterance(path, line)
                yield wave, mel, f0, {**labels, "delivery": asdict(delivery)}
                path.unlink()
        if teacher.returncode:
            raise RuntimeError(f"the teacher stopped with exit status {teacher.returncode}; see its message above")


def parse_utterance(path: Path, line: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict]:
    """Return wave, log-mel, f0 and labels of one utterance; durations are empty if they do not add up.

    :param path: the wave file that the teacher wrote.
    :param line: the labels that the teacher printed, see ``teacher.c``.
    """
    name, _, _, text, segments, track = line.rstrip("\n").split("\t")
    rate, wave = wavfile.read(path)
    assert rate == SAMPLE_RATE, f"the teacher's sample rate is {rate} Hz, not {SAMPLE_RATE}"
    count = len(wave) // HOP
    wave = wave[: count * HOP]
    mel = log_mel(torch.from_numpy(wave.astype(np.float32) / 32768)[None])[0].T.numpy().astype(np.float16)
    pitch = np.array(track.split() or [0], np.float32) / 10
    nearest = np.round((np.arange(count) + 0.5) * HOP / SAMPLE_RATE / F0_STEP).astype(int)
    f0 = pitch[np.minimum(nearest, len(pitch) - 1)]
    fields = [segment.split(":") for segment in segments.split()]
    ends = [min(count, round(float(end) * SAMPLE_RATE / HOP)) for _, end, *_ in fields]
    durations = np.diff([0, *ends[:-1], count])
    labels = {
        "id": name,
        "text": text,
        "phones": [[phone, int(stress), int(start), word] for phone, _, stress, start, word in fields],
        "durations": durations.tolist() if (durations >= 0).all() else [],
    }
    return wave, mel, f0, labels
