"""Concurrent streams that make their steps together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from voxstack.scheduler import waiting
from voxstack_autoregressive.ensemble import Ensemble
from voxstack_autoregressive.speaker import Speaker

SLICE = 8
"""Steps after which those that have come may join: each time, all are stacked anew."""


class Chorus:
    """Has the steps of utterances that are spoken at the same time run as one call.

    The first that comes leads: it makes steps for all that have joined, on its thread, until it has its own. Others join after a
    few steps, leave as soon as they have what they want, and give their turn away in between, so that more can come. Who leads
    and is done hands on. Nobody waits for company: with none, it is as if there were no chorus. There is no thread behind this.

    :param together: makes an ensemble.
    :param most: utterances at once.
    """

    def __init__(self, together: Callable[[Sequence[Speaker]], Ensemble], most: int) -> None:
        self._together, self._most = together, most
        self._lock = threading.Lock()
        self._led = False
        self._waiting: list[Speaker] = []
        self._arrived = False

    def __call__(self, speaker: Speaker) -> None:
        """Return when the speaker has the steps that it wants.

        An exception that interrupts a caller, such as KeyboardInterrupt, withdraws its utterance.
        """
        with self._lock:
            speaker.gone = False
            speaker.leads, self._led = not self._led, True
            if not speaker.leads:
                self._waiting.append(speaker)
                self._arrived = True
        try:
            if not speaker.leads:
                with waiting():
                    speaker.woken.acquire()
            if speaker.leads:
                self._lead(speaker)
        finally:
            self._leave(speaker)
        if speaker.error is not None:
            error, speaker.error = speaker.error, None
            raise error
        if not speaker.done:  # it was in a batch that failed: alone, each has its own error
            self._finish(self._together([speaker]), speaker)

    def _lead(self, leader: Speaker) -> None:
        group = [leader]
        try:
            while not leader.done:
                group = self._joined(group)
                try:
                    group = self._run(group)
                except Exception as error:
                    if len(group) == 1:
                        leader.error = error
                    self._release(group[1:])
                    group = [leader]
                    return
        finally:
            with self._lock:
                self._waiting = [one for one in group if one is not leader and not one.gone] + self._waiting

    def _run(self, group: list[Speaker]) -> list[Speaker]:
        """Make steps until one is done or somebody has come; return those that go on."""
        ensemble = self._together(group)
        try:
            while True:
                ensemble.run(SLICE)
                if any(one.done for one in group) or (self._arrived and len(group) < self._most):
                    break
        finally:  # whoever goes on alone goes on from the last step that all have made
            ensemble.dissolve()
        self._release([one for one in group[1:] if one.done])
        return [one for one in group if not one.done and not one.gone]

    @staticmethod
    def _finish(ensemble: Ensemble, speaker: Speaker) -> None:
        while not speaker.done:
            ensemble.run(speaker.wanted)
        ensemble.dissolve()

    def _joined(self, group: list[Speaker]) -> list[Speaker]:
        """The group and of those that wait the oldest that fit."""
        with self._lock:
            others = []
            for one in self._waiting:
                fits = len(group) < self._most and one.form == group[0].form
                (group if fits else others).append(one)
            self._waiting, self._arrived = others, False
        return group

    def _release(self, speakers: list[Speaker]) -> None:
        for one in speakers:
            one.woken.release()

    def _leave(self, speaker: Speaker) -> None:
        """Go; whoever leads hands on to the oldest that waits."""
        with self._lock:
            speaker.gone = True
            if not speaker.leads:
                self._waiting = [one for one in self._waiting if one is not speaker]
                return
            speaker.leads = False
            following = self._waiting.pop(0) if self._waiting else None
            self._led = following is not None
            if following is not None:
                following.leads = True
        if following is not None:
            following.woken.release()
