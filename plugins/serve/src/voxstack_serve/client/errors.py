"""Errors of the client: those that end a speech, and those after which another server may continue it."""

from __future__ import annotations

from voxstack.errors import VoxstackError


class SpeechError(VoxstackError):
    """An error that ends a speech. What was yielded before it is right.

    :param received: bytes that were yielded.
    :param status: of the response, if there was one; 412: every server has another version of the voice or software.
    :param code: of the error in it.
    """

    def __init__(self, message: str, received: int = 0, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.received, self.status, self.code = received, status, code


class Interrupted(Exception):
    """An attempt that failed, so that another server may continue.

    :param wait: seconds that the server asks to be left alone.
    :param differs: whether its audio would not join what was received.
    """

    def __init__(self, message: str, wait: float = 0.0, differs: bool = False) -> None:
        super().__init__(message)
        self.wait, self.differs = wait, differs
