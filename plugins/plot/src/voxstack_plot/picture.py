"""Pictures: figures that are written to files, the same bytes each time, and shown in notebooks."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from voxstack import RequestError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg")
DPI = 110
"""Pixels of a PNG per inch of the figure."""


def check_path(path: str | Path) -> str:
    """Return the format of a file to be written, ``png`` or ``svg``.

    :raises RequestError: for another extension, or a folder that does not exist.
    """
    place = Path(path)
    if place.suffix.lower() not in FORMATS:
        raise RequestError(f"cannot write {str(path)!r}: a picture is a .png or .svg file, by its extension")
    if not place.resolve().parent.is_dir():
        raise RequestError(f"cannot write {str(path)!r}: there is no folder {str(place.parent)!r}; create it first")
    if place.is_dir():
        raise RequestError(f"cannot write {str(path)!r}: it is a folder; give a file")
    return place.suffix.lower()[1:]


class Picture:
    """A picture of one of the kinds of :func:`voxstack.plot`. ``figure`` is its matplotlib figure, to be changed."""

    def __init__(self, figure: Figure, title: str) -> None:
        self.figure = figure
        self.title = title

    def save(self, path: str | Path) -> None:
        """Write a ``.png`` or ``.svg`` file. An older one is replaced only when the new one is complete.

        :raises RequestError: for another extension, or if the file cannot be written.
        """
        content, target = self.content(check_path(path)), Path(os.path.realpath(path))  # a link stays
        part = target.with_name(f".voxstack-{os.getpid()}-{threading.get_ident()}.part")
        try:
            try:
                part.write_bytes(content)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
        except OSError as error:
            reason = f"{error.strerror or error}; free space or choose another folder"
            raise RequestError(f"cannot write {str(path)!r}: {reason}") from error

    def content(self, form: str) -> bytes:
        """Return the bytes of the picture as ``png`` or ``svg``: equal for equal pictures, without times or names."""
        metadata = {"Software": None} if form == "png" else {"Date": None, "Creator": None, "Title": self.title}
        buffer = io.BytesIO()
        with default_style():
            self.figure.savefig(buffer, format=form, dpi=DPI, metadata=metadata)
        return buffer.getvalue()

    def __repr__(self) -> str:
        return f"<picture: {self.title}>"

    def _repr_png_(self) -> bytes:
        return self.content("png")


@contextmanager
def default_style() -> Iterator[None]:
    """Draw in matplotlib's own style in the block inside, whatever that of the program is."""
    from matplotlib import rc_context, rcParamsDefault

    own = {key: value for key, value in rcParamsDefault.items() if not key.startswith(("backend", "interactive"))}
    with rc_context({**own, "svg.hashsalt": "voxstack", "svg.fonttype": "path"}):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
