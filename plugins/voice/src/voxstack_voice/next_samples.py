"""The next samples of a stack, with what fails as an error of its block, of the deadline or of the capacity."""

from __future__ import annotations

import numpy as np

from voxstack.blocks import Frames
from voxstack.errors import BlockError, RequestError
from voxstack.streaming.faults import located
from voxstack.streaming.turn import CURRENT_TURN
from voxstack_voice.checked_samples import checked_samples
from voxstack_voice.stream_turn import StreamTurn
from voxstack_voice.ticket import Ticket
from voxstack_voice.watchdog import Watchdog


def next_samples(frames: Frames, ticket: Ticket) -> np.ndarray | None:
    """Return the next samples, (samples,) float32 and at least one, or None at the end.

    :raises BlockError: if a block fails.
    :raises CapacityError: if it failed because its stream was refused meanwhile.
    :raises StackError: if the stack ends in something else than samples.
    """
    try:
        samples = next(frames, None)
        while samples is not None and not samples.size:
            samples = next(frames, None)
    except RequestError:
        raise
    except Exception as error:
        if ticket.refusal is not None:
            raise ticket.refusal from error
        raise BlockError(*located(error)) from error
    return None if samples is None else checked_samples(samples)


def next_samples_in_time(frames: Frames, ticket: Ticket, watchdog: Watchdog, timeout: float) -> np.ndarray | None:
    """Return the next samples as :func:`next_samples` does.

    :raises DeadlineError: if it took longer than ``timeout`` seconds.
    """
    turn = CURRENT_TURN.get()
    assert isinstance(turn, StreamTurn), "chunks are computed in turns"
    with watchdog.watch(turn, timeout):
        try:
            samples = next_samples(frames, ticket)
        except Exception as error:
            if ticket.failure is None:
                raise
            raise ticket.failure from error
    if ticket.failure is not None:
        raise ticket.failure
    return samples
