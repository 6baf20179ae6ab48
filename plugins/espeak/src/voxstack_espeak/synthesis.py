"""The synthesis of one utterance: the replies of a process, read into an audio buffer."""

from __future__ import annotations

from collections.abc import Iterator

from voxstack import RequestError
from voxstack_espeak.audio_buffer import AudioBuffer
from voxstack_espeak.process import Reply
from voxstack_espeak.voices import unknown_voice


class Synthesis:
    """Reads the replies of a process to one request into an audio buffer, no further than required.

    :param voice: the requested voice, for errors.
    """

    def __init__(self, voice: str, replies: Iterator[Reply], buffer: AudioBuffer) -> None:
        self._voice, self._replies, self._buffer = voice, replies, buffer
        self._ended = False

    def read(self, samples: int) -> bool:
        """Read until ``samples`` samples are ready; return False once everything is read, so that the process is free.

        :raises RequestError: if espeak-ng has no such voice.
        """
        while not self._ended and self._buffer.ready < samples:
            reply = next(self._replies)
            if reply.kind == "s":
                self._buffer.add_samples(reply.contents)
            elif reply.kind == "e":
                self._buffer.add_events(reply.json())
            else:
                self._ended = True
                if "voices" in (result := reply.json()):
                    raise RequestError(f"Espeak: {unknown_voice(self._voice, result['voices'])}")
                self._buffer.finish()
        return not self._ended
