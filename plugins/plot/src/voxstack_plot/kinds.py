"""The functions that draw pictures, by their kinds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from voxstack import RequestError, did_you_mean
from voxstack_plot.kind_names import KINDS
from voxstack_plot.picture import Picture, default_style


def draw(subject: Any, kind: str, options: Mapping[str, Any]) -> Picture:
    """Return a picture; see :func:`voxstack_plot.plot`.

    :raises RequestError: for another kind, subject or option.
    """
    if kind not in KINDS:
        raise RequestError(f"no kind of picture is named {kind!r}{did_you_mean(kind, KINDS)}; it is {_listing(KINDS)}")
    function = import_module(f"voxstack_plot.{kind}").draw
    known = [name for name in inspect.signature(function).parameters if name != "subject"]
    for name in options:
        if name not in known:
            problem = f"a picture of the {kind} has no option {name!r}{did_you_mean(name, known)}"
            raise RequestError(f"{problem}; it has {_listing(known)}")
    with default_style():
        picture: Picture = function(subject, **options)
    return picture


def _listing(names: Any) -> str:
    return ", ".join(names)
