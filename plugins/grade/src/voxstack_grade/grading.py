"""The grade of a voice."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import voxstack
from voxstack import Registry, RequestError, Voice
from voxstack.networks import ContextLike
from voxstack_grade.comparison import compare
from voxstack_grade.golden import golden_row
from voxstack_grade.limits import Limit, default_limits
from voxstack_grade.measurements import Measurements, read_measurements
from voxstack_grade.report import Report, Row
from voxstack_grade.sentences import BUILT_IN, Sentence, read_sentences
from voxstack_grade.synthesis import measure_voice

ENGLISH = ("en", "eng")
"""Languages of the built-in sentences and of the recogniser."""

Progress = Callable[[str, int], Callable[[], object]]
"""A function of the label and the number of sentences of a step: returns what is called after each of them."""


def grade(
    addon: str | Path,
    baseline: str | Path | None = None,
    sentences: Sequence[Sentence] | None = None,
    *,
    limits: Mapping[str, Limit] | None = None,
    without: Collection[str] = (),
    context: ContextLike | None = None,
    trust: bool = False,
    jobs: int | None = None,
    registry: Registry | None = None,
    progress: Progress = lambda label, count: lambda: None,
) -> Report:
    """Measure a voice on sentences, and compare it with a baseline.

    :param addon: an installed voice by name, or a folder or ``.zip``.
    :param baseline: a ``.json`` of an earlier report, or another voice, which is measured on the same sentences; None:
        values are held against absolute limits.
    :param sentences: by default the built-in ones, which are English.
    :param limits: by default those of the metrics.
    :param without: rows to leave out: names of metrics, or ``golden`` or ``errors``.
    :param context: in which networks run; by default that of the voice.
    :param trust: run code in the addons.
    :param jobs: processes that measure; by default one for each core.
    :raises VoxstackError: if a voice cannot be loaded, or the baseline lacks a sentence.
    """
    voice = voxstack.load(addon, context=context, trust=trust, registry=registry)
    texts = _sentences(voice, sentences)
    stored = None if baseline is None or not _is_report(baseline) else read_measurements(Path(baseline))
    if stored is not None:
        stored.spoken([sentence.text for sentence in texts])  # before anything is measured for it

    def measured(voice: Voice) -> Measurements:
        recognise = "wer" not in without and _is_english(voice)
        return measure_voice(voice, texts, jobs, recognise, progress(voice.name, len(texts)))

    own = measured(voice)
    if baseline is not None and stored is None:
        stored = measured(voxstack.load(baseline, context=context, trust=trust, registry=registry))
    golden = (
        [] if "golden" in without else [golden_row(str(addon), described(context) or _named(voice), trust, registry)]
    )
    return judged(own, stored, golden, limits or default_limits(), without)


def judged(
    own: Measurements,
    baseline: Measurements | None,
    more: Sequence[Row],
    limits: Mapping[str, Limit],
    without: Collection[str] = (),
) -> Report:
    """Return the report on measurements.

    :param more: rows that come first.
    """
    base = None if baseline is None else baseline.spoken([row["text"] for row in own.sentences])
    spoken = [index for index, row in enumerate(own.sentences) if not _failed(row, base, index)]
    measures = [own.sentences[index] for index in spoken]
    rows = [*more, errors_row(own.sentences, base)]
    rows += compare(measures, None if base is None else [base[index] for index in spoken], limits) if spoken else []
    kept = tuple(row for row in rows if row.name not in without)
    return Report(own, None if baseline is None else baseline.label, kept)


def errors_row(own: Sequence[Mapping[str, Any]], base: Sequence[Mapping[str, Any]] | None) -> Row:
    """Return the row of the sentences that were not spoken."""
    failed = [row for row in own if "error" in row]
    before = 0 if base is None else sum("error" in row for row in base)
    note = f"{failed[0]['text']!r}: {failed[0]['error']}" if failed else ""
    verdict = "pass" if len(failed) <= before else "fail"
    expected = None if base is None else float(before)
    return Row("errors", "sentences not spoken", verdict, float(len(failed)), expected, form=".0f", note=note)  # type: ignore[arg-type]


def _named(voice: Voice) -> str | None:
    """Return the name of the context of a voice, None if its addon names none."""
    contexts = voice.addon.config.get("contexts", {})
    name = voice.addon.context.name or "default"
    return name if name in contexts else None


def described(context: ContextLike | None) -> str | None:
    """Return a context as commands read it."""
    return json.dumps(context) if isinstance(context, dict) else None if context is None else str(context)


def _failed(row: Mapping[str, Any], base: Sequence[Mapping[str, Any]] | None, index: int) -> bool:
    return "error" in row or (base is not None and "error" in base[index])


def _is_report(baseline: str | Path) -> bool:
    return Path(baseline).suffix.lower() == ".json"


def _is_english(voice: Voice) -> bool:
    return any(language.split("-")[0].lower() in ENGLISH for language in voice.addon.config["languages"])


def _sentences(voice: Voice, sentences: Sequence[Sentence] | None) -> Sequence[Sentence]:
    if sentences is not None:
        return sentences
    if not _is_english(voice):
        languages = ", ".join(voice.addon.config["languages"])
        raise RequestError(
            f"{voice.name} speaks {languages}, and the built-in texts are English; give some with --texts"
        )
    return read_sentences(BUILT_IN)
