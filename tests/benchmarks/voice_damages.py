"""The power of ``voxstack grade``: damaged voices that it catches, and undamaged ones that it does not.

    python tests/benchmarks/voice_damages.py [--sentences 20] [--results FILE]

Copies of amber are damaged, each in one way, and graded against the baseline in ``plugins/grade/baselines``. Then
undamaged variants, whose samples differ as those of another runtime, machine or training run do, are graded on many
random subsets of the sentences, and the share of subsets in which a row regresses is the rate of false alarms.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from damages import DAMAGES, damaged, world  # noqa: E402
from tqdm import tqdm  # noqa: E402

from voxstack_grade import Report, grade  # noqa: E402
from voxstack_grade.grading import judged  # noqa: E402
from voxstack_grade.limits import default_limits, read_limits  # noqa: E402
from voxstack_grade.measurements import Measurements, read_measurements  # noqa: E402
from voxstack_grade.sentences import read_sentences  # noqa: E402

BASELINE = ROOT / "plugins" / "grade" / "baselines" / "amber.json"
RESULTS = Path(__file__).with_name("results") / "grade.md"
VARIANTS = {
    "in windows, not with states": {"context": {"runtime": "onnx", "streaming": "windowed"}},
    "networks of fixed sizes": {"context": "fixed"},
}
SUBSETS, SIZES = 300, (5, 10, 20)


def main() -> None:
    """Grade all voices, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=20, help="for each damage")
    parser.add_argument("--variants", type=int, default=60, help="sentences of each undamaged variant")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = []
    for line in chain(damage_lines(options.sentences), [""], false_alarm_lines(options.variants)):
        print(line, flush=True)
        lines.append(line)
    options.results.write_text("\n".join(lines) + "\n")


def damage_lines(count: int) -> Iterator[str]:
    """Yield a table of the damages, and the rows that regress."""
    yield f"Damaged copies of `amber`, {count} sentences, against its baseline; default limits, and 0.3 for `rtf`."
    yield "Words are recognised where `wer` is meant.\n"
    yield "| damage | row that is meant | baseline | measured | verdict | other rows that regress |"
    yield "|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        for damage, (name, _) in tqdm(DAMAGES.items(), file=sys.stderr):
            report = graded(damaged(Path(folder), damage), count, name)
            row = report.row(name)
            others = [other.name for other in report.rows if other.verdict == "fail" and other.name != name]
            base, value = (f"{number:{row.form}}" for number in (row.baseline or 0.0, row.value or 0.0))
            yield f"| {damage} | `{name}` | {base} | {value} | {row.verdict} | {', '.join(others)} |"


def graded(addon: Path, count: int, name: str) -> Report:
    """Return the grade of a damaged voice; words are recognised only where that row is meant, as it takes long."""
    limits = read_limits(None, ["rtf=0.3"])
    without = ["golden", *(["wer"] if name != "wer" else [])]
    return grade(addon, BASELINE, read_sentences(count=count), limits=limits, without=without, registry=world())


def false_alarm_lines(count: int) -> Iterator[str]:
    """Yield a table of the rates of false alarms."""
    baseline = read_measurements(BASELINE)
    yield f"Undamaged variants of `amber`, each on {SUBSETS} random subsets of the sentences: share that regresses.\n"
    yield f"| variant | {' | '.join(f'{size} sentences' for size in SIZES)} | rows | word error rate of all |"
    yield "|---|" + "---|" * (len(SIZES) + 2)
    for title, settings in VARIANTS.items():
        report = grade("amber", sentences=read_sentences(count=count), without=["golden"], **settings)
        alarms = {size: false_alarms(report.measurements, baseline, size) for size in SIZES}
        shares = " | ".join(f"{found['any'] / SUBSETS:.1%}" for found in alarms.values())
        rows = sorted({name for found in alarms.values() for name in found} - {"any"})
        yield f"| {title} | {shares} | {', '.join(rows) or 'none'} | {report.row('wer').value:.1%} |"


def false_alarms(own: Measurements, baseline: Measurements, size: int) -> Counter[str]:
    """Return the number of subsets in which each row regresses, and in which any does."""
    random, found = np.random.default_rng(0), Counter[str]()
    for _ in range(SUBSETS):
        chosen = random.choice(len(own.sentences), size, replace=False)
        part = Measurements(own.voice, own.version, own.context, tuple(own.sentences[index] for index in chosen))
        failed = [row.name for row in judged(part, baseline, [], default_limits()).rows if row.verdict == "fail"]
        found.update(failed + ["any"] * bool(failed))
    return found


if __name__ == "__main__":
    main()
