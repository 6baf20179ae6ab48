"""The contract of speech servers: what today's clients send and expect, as checks that run against any server.

.. code-block:: python

    from voxstack_serve.contract import Target, parametrize_with_clauses


    @parametrize_with_clauses("openai", "elevenlabs")
    def test_contract(clause):
        clause.require(Target("http://127.0.0.1:8000", voice="amber"))

``python -m voxstack_serve.contract http://127.0.0.1:8000`` prints a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from voxstack_serve.contract.clause import Clause, NotApplicable, Result, clauses_in
from voxstack_serve.contract.target import Target

if TYPE_CHECKING:
    import pytest

__all__ = ["PROTOCOLS", "Clause", "NotApplicable", "Result", "Target", "clauses", "parametrize_with_clauses"]

PROTOCOLS = ("openai", "elevenlabs", "wyoming")


def clauses(*protocols: str) -> Iterator[Clause]:
    """Yield the clauses of protocols; of all without an argument."""
    from voxstack_serve.contract import (
        elevenlabs_protocol,
        elevenlabs_requests,
        elevenlabs_turns,
        openai_audio,
        openai_errors,
        openai_requests,
        openai_traffic,
        wyoming_events,
        wyoming_speech,
    )

    modules = {
        "openai": (openai_audio, openai_requests, openai_errors, openai_traffic),
        "elevenlabs": (elevenlabs_turns, elevenlabs_protocol, elevenlabs_requests),
        "wyoming": (wyoming_speech, wyoming_events),
    }
    for protocol in protocols or PROTOCOLS:
        yield from clauses_in(*modules[protocol])


def parametrize_with_clauses(*protocols: str) -> pytest.MarkDecorator:
    """Parametrize a test of ``clause`` over the clauses of protocols."""
    import pytest

    found = list(clauses(*protocols))
    return pytest.mark.parametrize("clause", found, ids=[clause.name for clause in found])
