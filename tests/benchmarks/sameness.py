"""A Piper voice in voxstack against piper-tts, from the text on: tokens, audio and loudness of 200 varied texts.

``pip install ".[peers]"``, then ``python tests/benchmarks/sameness.py VOICE.onnx``. piper-tts runs in a process of its
own; neither adds noise. Addons are imported into ``--folder``, and used again if they are there.
"""
# ruff: noqa: RUF001 -- phonetic and typographic characters are meant

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import voxstack

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "plugins/text/tests/data/normalisation.tsv"
HELD_OUT, FURTHER = (ROOT / "plugins/voice_amber/training" / name for name in ("heldout.txt", "further.tsv"))
OWN = """
Dr. Smith met Mr. Jones on Mt. Rainier.
Mrs. O'Neil lives on St. James St. in Washington, D.C.
J. K. Rowling and J. R. R. Tolkien, e.g., wrote books, i.e. novels.
The U.S. Senate met at 5 p.m. on Jan. 5th, 2023.
Prof. Brown vs. Gen. Lee: No. 5, Vol. 2, p. 17.
Hello. How are you? Fine! Good... I guess; well, maybe.
Wait... what?! No!! Yes.
He said "yes." Then he left, "ok," she said.
“Quoted,” she said. ‘Again!’ And then?
Is it? (Yes.) Really [sic].
An ellipsis… and a dash — and another – and - one.
First line
First line\\nand a second one.
A paragraph.\\n\\nAnother one, then.
No end
a. b
A.
Yes
No!
I
Oh?
1
42
3.14159
1,000,000
$3.50 or €20, £5 and ¥100
50% of 20 °C is 10 °C
2 + 2 = 4
10:30, 7:45 pm, 12/31/1999 and 2001-02-03
1st, 2nd, 3rd and 24th
+1 (555) 010-0199
XIV, IV and Henry VIII
user@example.com
https://www.example.com/path?x=1
C++ and C# or F#
AT&T, R&D, Q&A
rock'n'roll, 'twas, y'all, o'clock
state-of-the-art, well-known, re-enter
I'm, you're, they've, he'd; it's.
read the book I read yesterday
They lead with lead; the wind will wind.
Naïve café, déjà vu, façade, jalapeño.
Übermut, Straße, Schön.
Привет, мир! Как дела?
Γειά σου κόσμε.
你好，世界。今天天气很好！
こんにちは、世界。
안녕하세요 세계.
שלום עולם
مرحبا بالعالم
नमस्ते दुनिया।
Mixed: Москва is the capital, and 東京 too.
Hello [[ wˈɜːld ]], how are you?
[[ həlˈoʊ ]] there.
It is [[ tˈɛst ]]. And the end.
😀 Great 👍 job!
*bold*, _under_, `code`, ~tilde~, a|b, a/b, a\\\\b
(one (two) three) [four] {five} <six>
one,two;three:four!five?six
Tabs\\tand  double  spaces , here .
The quick brown fox jumps over the lazy dog, and then it runs away over the hill, through the wood, across the river.
"""
"""Texts of all kinds: abbreviations, marks, numbers, signs, other scripts, raw phonemes; escapes as in Python."""

PIPER = """
import json, sys
import numpy as np
from piper import PiperVoice, SynthesisConfig
voice = PiperVoice.load(sys.argv[1])
texts = json.load(open(sys.argv[2], encoding="utf-8"))
ids, arrays = [], {}
for number, text in enumerate(texts):
    ids.append([voice.phonemes_to_ids(phonemes) for phonemes in voice.phonemize(text) if phonemes])
    for loud in (False, True):
        config = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0, normalize_audio=loud)
        for part, chunk in enumerate(voice.synthesize(text, config)):
            arrays[f"{number} {part} {int(loud)}"] = chunk.audio_float_array
json.dump(ids, open(sys.argv[3] + ".json", "w"))
np.savez(sys.argv[3], **arrays)
"""


def texts() -> list[str]:
    """Return 200 texts: everyday sentences, hard ones to normalise, and all those of :data:`OWN`."""
    own = [line.encode("latin-1", "backslashreplace").decode("unicode_escape") for line in OWN.strip().splitlines()]
    rng = random.Random(0)
    written = [line.split("\t")[1] for line in WRITTEN.read_text("utf-8").splitlines() if line and line[0] != "#"]
    further = [line.split("\t")[0] for line in FURTHER.read_text("utf-8").splitlines()]
    plain = HELD_OUT.read_text("utf-8").splitlines()
    rest = [*plain, *rng.sample(further, 40)]
    return [*own, *rest, *rng.sample(written, 200 - len(own) - len(rest))]


class _Spy:
    """A sequence block that records the tokens that another one gives."""

    def __init__(self, block: Any) -> None:
        self.block, self.tokens = block, []

    def __call__(self, utterance: voxstack.Utterance) -> voxstack.Utterance:
        given = self.block(utterance)
        self.tokens.append(given["tokens"].tolist())
        return given


def speak(addon: Path, lines: list[str]) -> Iterator[tuple[list[list[int]], list[np.ndarray]]]:
    """Yield for each text the tokens, and the samples, of each of its sentences."""
    voice = voxstack.load(str(addon))
    spec = voice.addon.config["stack"][0]
    loud = spec["block"]["type"] == "NormalizePeak"
    sentences = voxstack.build(spec, voice.addon)
    inner = sentences.block.block if loud else sentences.block
    spy = inner.sequence_block = _Spy(inner.sequence_block)
    for line in lines:
        spy.tokens = []
        parts: list[list[np.ndarray]] = []
        for chunk in sentences.stream(iter(()), voice.request(line, noise_scale=0.0, noise_w=0.0)):
            parts += [[] for _ in range(len(spy.tokens) - len(parts))]
            parts[-1].append(chunk)
        yield spy.tokens, [np.concatenate(part) for part in parts]


def compare(addon: Path, lines: list[str], ids: list[list[list[int]]], audio: Any, loud: bool) -> dict[str, Any]:
    """Compare all texts, and return the figures; texts that differ are printed."""
    same, volume = 0, 0.0
    errors: list[tuple[float, str]] = []
    for number, (tokens, parts) in enumerate(speak(addon, lines)):
        if tokens != ids[number]:
            print(f"  {lines[number]!r}: {[len(row) for row in tokens]} tokens, not {list(map(len, ids[number]))}")
            continue
        same += 1
        for part, samples in enumerate(parts):
            expected = audio[f"{number} {part} {int(loud)}"]
            errors.append((float(np.abs(samples - expected).max() / np.abs(expected).max()), lines[number][:60]))
            power = np.mean(samples.astype(np.float64) ** 2) / np.mean(expected.astype(np.float64) ** 2)
            volume = max(volume, abs(10 * float(np.log10(power))))
    return {
        "texts": len(lines),
        "same tokens": same,
        "worst errors of the peak": sorted(errors)[-3:],
        "worst loudness, dB": volume,
    }


def main() -> None:
    """Run the comparison, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", type=Path, help="the .onnx of a Piper voice")
    parser.add_argument("--folder", type=Path, help="folder of the addons (default: a temporary one)")
    options = parser.parse_args()
    from voxstack_importers import import_voice

    lines = texts()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "texts.json").write_text(json.dumps(lines), "utf-8")
        subprocess.run(
            [sys.executable, "-c", PIPER, options.voice, folder / "texts.json", folder / "piper"], check=True
        )
        ids, audio = json.loads((folder / "piper.json").read_text()), np.load(folder / "piper.npz")
        for label, loud, chosen in (
            ("like piper, loudness none", False, {"like": "piper", "loudness": "none"}),
            ("like piper", True, {"like": "piper"}),
            ("own sentence ends", False, {}),
        ):
            addon = folder / label
            if not addon.exists():
                import_voice("piper", options.voice, addon, str, **chosen)
            print(label, json.dumps(compare(addon, lines, ids, audio, loud)), flush=True)


if __name__ == "__main__":
    main()
