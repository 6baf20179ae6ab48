#!/usr/bin/env bash
# libsndfile writes another Opus or Vorbis file each time, of the same samples with the same settings; FLAC is the same.
#
# Guess:    encoders are deterministic, so the same samples, written twice with the same settings, give equal files in every
#           format of the package soundfile.
# Versions: soundfile 0.13.1 with libsndfile 1.2.2, numpy 2.3.5, Python 3.11.
# Seen:     two FLAC files are equal. Two files of Opus, and two of Vorbis, differ in each page, in the four bytes of the
#           stream's serial number, which is random, and in the four of the checksum after it. With those set to zero, they are
#           equal: the audio is.
# Matters:  hashes, caches and entity tags of Ogg files by libsndfile do not repeat; a response that another server goes on
#           with needs the number of the first one, and new checksums.
#
# Exits with 0 while the results are so, and with 1 if they have changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q soundfile==0.13.1 numpy==2.3.5
cat > "$work/twice.py" <<'PYTHON'
import io
import sys

import numpy as np
import soundfile

time = np.arange(48_000) / 16_000
samples = (0.3 * np.sin(2 * np.pi * (200 + 30 * np.sin(time)) * time)).astype(np.float32)


def written(kind, subtype):
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, subtype, format=kind)
    return file.getvalue()


def without_numbers(content):
    """Return an Ogg file with zeros for the serial number (bytes 14 to 17) and checksum (22 to 25) of each page."""
    data, place = bytearray(content), 0
    while place < len(data):
        assert data[place : place + 4] == b"OggS"
        data[place + 14 : place + 18] = data[place + 22 : place + 26] = bytes(4)
        segments = data[place + 26]
        place += 27 + segments + sum(data[place + 27 : place + 27 + segments])
    return bytes(data)


print("libsndfile", soundfile.__libsndfile_version__)
found = {}
for kind, subtype in (("FLAC", "PCM_16"), ("OGG", "OPUS"), ("OGG", "VORBIS")):
    first, second = written(kind, subtype), written(kind, subtype)
    rest = kind != "OGG" or without_numbers(first) == without_numbers(second)
    found[subtype] = first == second, rest
    print(f"{kind} {subtype}: equal {first == second}, equal but for serial numbers and checksums {rest}")
sys.exit(found != {"PCM_16": (True, True), "OPUS": (False, True), "VORBIS": (False, True)})
PYTHON
"$work/venv/bin/python" "$work/twice.py"
