"""Pictures of speech, stacks and traces; matplotlib is imported when one is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxstack_plot.picture import Picture

__all__ = ["plot"]


def plot(subject: Any, kind: str = "spectrogram", path: str | Path | None = None, **options: Any) -> Picture:
    """Return a picture, which a notebook shows, and write it to ``path`` if that is given.

    The kinds, each with its options:

    ``spectrogram`` of a speech: the level over time and frequency, with words and phonemes. ``scale``: ``"mel"`` or
    ``"linear"``.
    ``alignment`` of a speech: attention over time, if its trace has some, or the durations of phonemes.
    ``pitch`` of a speech: the fundamental frequency over time, with words. ``low`` and ``high``: its limits in Hz.
    ``stack`` of a voice or a block: blocks, what flows between them, and networks. ``trace``: with measured times.
    ``trace`` of a speech, of an ``EventTrace``, of what was read from a trace file, or of the file's path: what ran
    when, on which thread.

    Those over the time of the audio take ``start`` and ``stop``, in seconds; they show 60 s at most.

    :param subject: a speech, a voice, a block or a trace.
    :param path: a ``.png`` or ``.svg`` file; an older one is replaced only when the new one is complete.
    :raises RequestError: for another kind, subject, option or extension, or if the file cannot be written.
    """
    from voxstack_plot.kinds import draw

    picture = draw(subject, kind, options)
    if path is not None:
        picture.save(path)
    return picture
