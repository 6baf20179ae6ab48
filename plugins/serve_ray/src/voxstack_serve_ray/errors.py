"""Errors of streams on replicas."""

from __future__ import annotations

from voxstack import RequestError, VoxstackError


class ReplicaLostError(VoxstackError):
    """A replica has ended, or does not answer."""


class VoiceReplacedError(VoxstackError):
    """A stream cannot go on: its voice was replaced, and no replica has the version that it began with."""


class BrokenTextError(RequestError):
    """The source of a text has failed; its own error is where the text comes from."""


class AbandonedError(VoxstackError):
    """A stream was ended because the process that serves its client is gone."""
