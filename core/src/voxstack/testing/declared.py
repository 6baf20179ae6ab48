"""Clauses on what a block declares: needs, gives, streams, hop, lookahead and lookback are true."""

from __future__ import annotations

import math

import numpy as np

from voxstack.testing.cases import Case, call
from voxstack.testing.comparing import describe_difference
from voxstack.testing.feeding import Recorder
from voxstack.testing.judging import presume
from voxstack.testing.running import check_is_deterministic, check_runs_on_its_case
from voxstack.utterance import REQUEST

OPTIONAL = frozenset(REQUEST) - {"text"}
"""Names that a block may read without listing them in ``needs``, as every request sets them."""


def check_names_all_it_needs(case: Case) -> None:
    """Require that ``needs`` lists the names that the block reads with ``[...]``."""
    presume(case, check_runs_on_its_case)
    extra = _recorded(case).required - case.block.needs - OPTIONAL
    assert not extra, f"reads {sorted(extra)} from the utterance without naming them in 'needs'"


def check_needs_only_what_it_reads(case: Case) -> None:
    """Require that the block reads every name in ``needs``: stacks that lack a name are refused.

    A block that hands its utterance on to others reads all of it; what every request sets is never lacking.
    """
    presume(case, check_runs_on_its_case)
    unread = case.block.needs - _recorded(case).read - set(REQUEST)
    assert not unread, f"names {sorted(unread)} in 'needs' and never reads them; stacks without them would be refused"


def check_gives_what_it_says(case: Case) -> None:
    """Require that a sequence block returns exactly the names in ``gives``."""
    presume(case, check_runs_on_its_case)
    made, gives = set(call(case.block, case.own_utterance())), set(getattr(case.block, "gives", ()))
    assert made == gives, f"returned {sorted(made)}, but 'gives' says {sorted(gives)}"


def check_makes_what_it_says(case: Case) -> None:
    """Require chunks of one dtype and one shape but for their steps, as the name of the stream in ``makes`` says.

    ``samples`` are (samples,) floats; ``frames`` and ``mel`` are (frames, features). Without a name, chunks have as
    many axes as those of the source.
    """
    presume(case, check_runs_on_its_case)
    block = case.streamable
    chunks = [chunk for chunk in case.chunks([16]) if len(chunk)]
    kinds = sorted({(chunk.dtype.name, chunk.shape[1:]) for chunk in chunks})
    assert len(kinds) < 2, f"the chunks of one stream differ in dtype or shape: {kinds}"
    if not chunks or (block.makes is None and block.head):
        return
    axes = {"samples": 1, "frames": 2, "mel": 2}.get(block.makes or "", None if block.makes else case.frames().ndim)
    name = f"makes {block.makes!r}" if block.makes else "makes what it takes"
    assert axes in (None, chunks[0].ndim), f"{name}, of {axes} axes, but its chunks have the shape {chunks[0].shape}"
    is_real = np.issubdtype(chunks[0].dtype, np.floating) or block.makes != "samples"
    assert is_real, f"makes 'samples', which are floats, but its chunks are {chunks[0].dtype}"


def check_keeps_to_single_precision(case: Case) -> None:
    """Require chunks of float32 or narrower, as networks read them, unless those of the source are wider."""
    presume(case, check_runs_on_its_case)
    found = {chunk.dtype for chunk in case.chunks([16]) if chunk.dtype in (np.float64, np.complex128)}
    wide = found - (set() if case.streamable.head else {case.frames().dtype})
    advice = "yield chunk.astype(np.float32), or compute with constants of np.float32"
    assert not wide, f"its chunks are {wide.pop()}, which no network reads, and takes twice the memory; {advice}"


def check_keeps_its_hop(case: Case) -> None:
    """Require ``hop`` output steps for each step of the source, but for those that the case says to be fewer."""
    presume(case, check_runs_on_its_case)
    hop = case.streamable.hop
    for total in (16, len(case.frames(97))):
        made, expected = len(case.run([total], total)), total * hop - case.fewer
        assert abs(made - expected) <= max(1.0, hop), f"made {made} steps of {total}; hop {hop} says {expected}"


def check_keeps_its_lookahead(case: Case) -> None:
    """Require that no step depends on more of the source than the ``lookahead`` steps that follow it."""
    presume(case, check_runs_on_its_case, check_is_deterministic, check_keeps_its_hop)
    ahead, hop = case.streamable.lookahead, case.streamable.hop
    frames, size, boundary = _with_boundary(case, ahead)
    other = np.concatenate([frames[:boundary], frames[boundary:][::-1]])
    stop = max(0, math.floor((boundary - ahead) * hop))
    made, changed = (case.run([size], frames=each)[:stop] for each in (frames, other))
    problem = describe_difference(changed, made, case.tolerance)
    assert not problem, (
        f"depends on more than the {ahead} steps of its lookahead: with others after those, it {problem}"
    )


def check_keeps_its_lookback(case: Case) -> None:
    """Require that no step depends on more of the past of the source than ``lookback`` steps, if that is a number."""
    presume(case, check_runs_on_its_case, check_is_deterministic, check_keeps_its_hop)
    back, hop = case.streamable.lookback, case.streamable.hop
    if back is None:
        return
    frames, size, boundary = _with_boundary(case, back)
    other = np.concatenate([frames[:boundary][::-1], frames[boundary:]])
    start = math.ceil((boundary + back) * hop)
    made, changed = (case.run([size], frames=each)[start:] for each in (frames, other))
    problem = describe_difference(changed, made, case.tolerance)
    assert not problem, f"depends on more than the {back} steps of its lookback: with others before those, it {problem}"


def _with_boundary(case: Case, reach: int) -> tuple[np.ndarray, int, int]:
    """Return a source, a size of chunks, and a step in the middle of the source where a chunk begins.

    Each half has a second of samples, or 256 frames, as echoes and averages reach farther than some steps.
    """
    least = 16_000 if case.wants_samples else 256
    size = max(1, reach // 64, least // 64, math.ceil(1 / case.streamable.hop))
    steps = max(64, 2 * reach // size + 16)
    frames = case.frames(2 * steps * size)
    return frames, size, len(frames) // 2 // size * size


def _recorded(case: Case) -> Recorder:
    recorder = Recorder(case.own_utterance())
    case.exercise(recorder)
    return recorder
