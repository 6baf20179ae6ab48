"""The context of a network as it took effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voxstack_addon_spec import Form


@dataclass(frozen=True)
class Effective:
    """The context of one network as it took effect when the network was opened.

    :param provider: the execution provider or the full name of the device; None if the runtime does not report it.
    :param form: ``whole``, ``windowed``, ``stateful`` or ``autoregressive``.
    :param shapes: the only sizes that run, by axis; empty: any.
    :param batch: the most calls that run as one.
    :param version: of the runtime.
    :param requested: the name of the requested context, if it has one.
    :param refused: contexts in which the network was measured to compute something else, and what was measured.
    """

    network: str
    role: str
    runtime: str
    device: str
    provider: str | None
    threads: int
    precision: str
    form: Form
    shapes: Mapping[str, tuple[int, ...]]
    batch: int
    version: str | None
    requested: str
    refused: tuple[str, ...] = ()
