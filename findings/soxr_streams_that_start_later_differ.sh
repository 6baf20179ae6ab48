#!/usr/bin/env bash
# A stream of soxr that starts later, by a whole number of periods of its ratio, never gives the same samples again.
#
# Guess:    a resampler at a rational ratio, 16 kHz to 24 kHz, is periodic: started 2, 200 or 20,000 samples later, it gives the
#           same output from there on, bit for bit, once its filters have read enough of the past.
# Versions: soxr 1.1.0 for Python (libsoxr 0.1.3), quality HQ, numpy 2.3.5, Python 3.11.
# Seen:     85 to 87 % of the samples of the output that begins later differ, by up to 3e-7, for as long as it goes on, at each start,
#           also after a second of warm-up. Fed with silence for the samples that are left out, it is equal after that.
# Matters:  a service that resumes a resampled stream in the middle feeds the resampler silence from the beginning, which is
#           cheap, and real samples from some thousand before the place.
#
# Exits with 0 while the results are so, and with 1 if they have changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q soxr==1.1.0 numpy==2.3.5
cat > "$work/later.py" <<'PYTHON'
import sys

import numpy as np
import soxr

LENGTH, WARM = 64_000, 16_000
noise = np.random.default_rng(0).standard_normal(LENGTH).astype(np.float32) / 4


def resampled(samples):
    return soxr.ResampleStream(16_000, 24_000, 1, "float32", "HQ").resample_chunk(samples, last=True)


whole, equal = resampled(noise), {}
print("soxr", soxr.__version__, soxr.__libsoxr_version__)
for start in (2, 200, 1024, 8192, 20_000):
    place = (start + WARM) * 3 // 2
    later = resampled(noise[start:])[WARM * 3 // 2 :]
    silence = np.concatenate([np.zeros(start, np.float32), noise[start:]])
    kept = resampled(silence)[place:]
    equal[start] = np.array_equal(later, whole[place:]), np.array_equal(kept, whole[place:])
    differing = np.mean(later != whole[place:])
    print(f"started {start} later: {differing:.0%} of the samples differ, by {np.abs(later - whole[place:]).max():.1e} at most; "
          f"after silence instead: equal {equal[start][1]}")
sys.exit(any(later or not kept for later, kept in equal.values()))
PYTHON
"$work/venv/bin/python" "$work/later.py"
