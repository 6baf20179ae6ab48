"""Reports of results: a table with explanations, or JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from voxstack_serve.contract.clause import FAIL, NOT_APPLICABLE, PASS, Result


def table(results: Sequence[Result]) -> str:
    """Return a line for each clause, the explanations of those that fail, and the counts."""
    return "\n".join(_lines(results))


def as_json(results: Sequence[Result]) -> str:
    """Return the results as JSON, with their counts."""
    content = {"counts": dict(_counts(results)), "results": [result.as_json() for result in results]}
    return json.dumps(content, indent=2)


def _lines(results: Sequence[Result]) -> Iterator[str]:
    width = max((len(result.clause) for result in results), default=0)
    for result in results:
        note = f"  ({result.problem})" if result.outcome == NOT_APPLICABLE else ""
        clients = ", ".join(result.clients)
        yield f"{result.outcome:14}  {result.grade:6}  {result.clause:{width}}  {clients}{note}"
    for result in results:
        if result.outcome == FAIL:
            yield f"\n{result.explanation()}"
    counts = _counts(results)
    yield ""
    yield ", ".join(f"{counts[name]} {name}" for name in (PASS, FAIL, NOT_APPLICABLE))


def _counts(results: Sequence[Result]) -> Counter[str]:
    return Counter(result.outcome for result in results)
