"""Playback of audio while it is synthesized, through ``sounddevice``."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import numpy as np

from voxstack.errors import RequestError

QUEUED_CHUNKS = 2
"""Chunks synthesized ahead of the one that is playing, at most."""
BLOCK_SECONDS = 0.05
"""Seconds of audio passed to the device at a time, which bound how fast playback stops."""
STOP_TIMEOUT = 1.0
"""Seconds after which a device that does not stop is abandoned."""
STALL_TIMEOUT = 10.0
"""Seconds after which a device that accepts no more audio has failed."""
OTHERWISE = 'write a file: --out hello.wav, or speech.save("hello.wav")'


class Player:
    """Plays mono samples on the default audio device while the next ones are synthesized.

    ``with`` waits at its end until all audio has been played; an error or an interruption stops playback at once. Calls
    of the device may never return, so they are all on a thread of the player's own, and waits for it are limited.

    :param sample_rate: in Hz.
    :raises RequestError: if sounddevice is not installed, there is no device, or it fails.
    """

    def __init__(self, sample_rate: int) -> None:
        self._device = _open(_sounddevice(), sample_rate)
        self._block = int(BLOCK_SECONDS * sample_rate)
        self._chunks: queue.Queue[np.ndarray | None] = queue.Queue(QUEUED_CHUNKS)
        self._stopped = threading.Event()
        self._ended = (
            threading.Event()
        )  # an interrupted join() of Python 3.11 takes a running thread for a finished one
        self._error: Exception | None = None
        self._finished = False
        self._calls = 0  # that the device has completed
        self._thread = threading.Thread(target=self._run, name="voxstack-playback", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            with suppress(Exception):  # the error of the thread is the one to report
                self._device.close()
            raise RequestError(f"cannot play: {error}; end other programs, or {OTHERWISE}") from error

    @staticmethod
    def check() -> None:
        """Check that ``sounddevice`` is installed.

        :raises RequestError: if it, or the library that it needs, is not.
        """
        _sounddevice()

    @property
    def playing(self) -> bool:
        """True while audio is played, or awaited."""
        return not self._ended.is_set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.finish()
        except BaseException:  # also when interrupted
            self.stop()
            raise
        if error is not None:
            self.stop()

    def write(self, samples: np.ndarray) -> None:
        """Queue samples, (samples,) in -1..1; wait while :data:`QUEUED_CHUNKS` are queued.

        :raises RequestError: if the device failed.
        """
        self._check()
        self._put(np.clip(samples, -1.0, 1.0))

    def finish(self, wait: bool = True) -> None:
        """Take no more samples, and wait until all audio has been played, and the device is closed.

        :param wait: otherwise, return while it still plays.
        :raises RequestError: if the device failed.
        """
        if not self._finished:
            self._put(None)
            self._finished = True
        while wait and not self._ended.is_set():
            with self._progress():
                self._ended.wait(STALL_TIMEOUT)
        self._check()

    def stop(self) -> None:
        """Stop playback at once, and close the device."""
        self._stopped.set()
        with suppress(queue.Full):
            self._chunks.put_nowait(None)
        if self._ended.wait(STOP_TIMEOUT):
            self._thread.join()

    def _put(self, samples: np.ndarray | None) -> None:
        """Queue samples, or the end."""
        queued = False
        while not queued:
            with self._progress(), suppress(queue.Full):
                self._chunks.put(samples, timeout=STALL_TIMEOUT)
                queued = True

    @contextmanager
    def _progress(self) -> Iterator[None]:
        """Require that the block inside does not take ``STALL_TIMEOUT`` while the device completes no call.

        :raises RequestError: if it does.
        """
        calls, began = self._calls, time.monotonic()
        yield
        if self._calls == calls and time.monotonic() - began >= STALL_TIMEOUT:
            raise RequestError(f"the speaker has accepted no audio for {STALL_TIMEOUT:g} s; check it, or {OTHERWISE}")

    def _check(self) -> None:
        if self._error is not None:
            raise RequestError(f"the speaker failed: {self._error}; {OTHERWISE}") from self._error

    def _run(self) -> None:
        try:
            self._play()
        finally:
            self._ended.set()

    def _play(self) -> None:
        while not self._stopped.is_set() and (samples := self._chunks.get()) is not None:
            for start in range(0, len(samples), self._block):
                if self._stopped.is_set() or self._error is not None:
                    break  # after an error, keep emptying the queue, so that write() does not block
                self._call(self._device.write, samples[start : start + self._block, None])
        if self._stopped.is_set() or self._error is not None:
            with suppress(Exception):  # the error that led here is the one to report
                self._device.abort()
                self._device.close()
            return
        self._call(self._device.stop)  # plays what it has buffered
        self._call(self._device.close)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception as error:  # raised by the next write() or by finish()
            self._error = error
        self._calls += 1


def _sounddevice() -> Any:
    """Return the module ``sounddevice``."""
    try:
        import sounddevice
    except ImportError as error:
        raise RequestError(
            'playback needs sounddevice, which is not installed; try: pip install "voxstack-voice[play]", '
            f"or {OTHERWISE}"
        ) from error
    except OSError as error:
        raise RequestError(
            f"playback needs the PortAudio library ({error}); install it (on Debian: apt install libportaudio2), "
            f"or {OTHERWISE}"
        ) from error
    return sounddevice


def _open(sounddevice: Any, sample_rate: int) -> Any:
    """Return the default audio device, opened and started."""
    try:
        device = sounddevice.OutputStream(samplerate=sample_rate, channels=1, dtype="float32")
        device.start()
    except Exception as error:  # sounddevice.PortAudioError, or ValueError where there is no device
        raise RequestError(f"cannot open the speaker at {sample_rate} Hz: {error}; {OTHERWISE}") from error
    return device
