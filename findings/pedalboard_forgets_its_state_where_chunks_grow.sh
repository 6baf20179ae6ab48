#!/usr/bin/env bash
# Effects of pedalboard start again, in the middle of a stream, wherever a chunk is longer than all before it.
#
# Guess:    process(chunk, rate, reset=False) keeps the state of an effect from chunk to chunk, as its documentation says, so that the
#           joined output does not depend on the sizes of chunks.
# Versions: pedalboard 0.9.26, numpy 2.3.5, Python 3.11.
# Seen:     in chunks of one size, and wherever the first chunk is the longest, the output equals that of one call bit for bit. If
#           the first has 100 samples and the second 200, Chorus, Delay, HighpassFilter, LadderFilter, LowpassFilter, Phaser and
#           Reverb forget at the second what they heard in the first, and differ by 0.02 to 0.2 of full scale.
#           Compressor, Distortion, NoiseGate, PeakFilter and the shelves are equal in all sizes.
# Matters:  the chunks of a stream grow, so it must be cut into blocks of one size before it goes to pedalboard, at the price of a
#           lookahead of one block.
#
# Exits with 0 while the results are so, and with 1 if they have changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pedalboard==0.9.26 numpy==2.3.5
cat > "$work/grow.py" <<'PYTHON'
import sys

import numpy as np
import pedalboard

RATE = 16_000
FORGET = {"Chorus", "Delay", "HighpassFilter", "LadderFilter", "LowpassFilter", "Phaser", "Reverb"}
KEEP = {"Compressor", "Distortion", "HighShelfFilter", "LowShelfFilter", "NoiseGate", "PeakFilter"}
seconds = np.arange(3 * RATE) / RATE
noise = np.random.default_rng(0).standard_normal(len(seconds))
sound = (0.15 * np.sin(2 * np.pi * 150 * seconds) * (1 + np.sin(2 * np.pi * 3 * seconds)) + 0.05 * noise).astype(np.float32)


def joined(name, sizes):
    effect, chunks, start = getattr(pedalboard, name)(), [], 0
    while start < len(sound):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(effect.process(sound[start : start + size], RATE, reset=False))
        start += size
    return np.concatenate(chunks)


as_seen = True
for name in sorted(FORGET | KEEP):
    whole = joined(name, [len(sound)])
    errors = {str(sizes): float(np.abs(joined(name, sizes) - whole).max()) for sizes in ([256], [8192], [100, 200], [4000, 1, 3999])}
    print(f"{name:16}", ", ".join(f"{sizes}: {error:.1e}" for sizes, error in errors.items()))
    equal = [error == 0 for error in errors.values()]
    as_seen &= equal == ([True, True, False, True] if name in FORGET else [True] * 4)
sys.exit(not as_seen)
PYTHON
"$work/venv/bin/python" "$work/grow.py"
