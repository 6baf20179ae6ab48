"""Playback of audio while it is synthesized, through ``sounddevice``."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from voxstack import RequestError

QUEUED_CHUNKS = 2
"""Chunks synthesized ahead of the one that is playing, at most."""
BLOCK_SECONDS = 0.05
"""Seconds of audio passed to the device at a time, which bound how fast playback stops."""
STOP_TIMEOUT = 1.0
"""Seconds after which a device that does not stop is abandoned."""
STALL_TIMEOUT = 10.0
"""Seconds after which a device that accepts no more audio has failed."""


def import_sounddevice() -> Any:
    """Return the module ``sounddevice``.

    :raises RequestError: if it, or the library that it needs, is not installed.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise RequestError(
            'playback needs sounddevice, which is not installed; try: pip install "voxstack-cli[play]", '
            "or write a file: --out hello.wav"
        ) from error
    except OSError as error:
        raise RequestError(
            f"playback needs the PortAudio library ({error}); install it (on Debian: apt install libportaudio2), "
            "or write a file: --out hello.wav"
        ) from error
    return sounddevice


@contextmanager
def playback(sounddevice: Any, sample_rate: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Open the default audio device, and yield a function that plays samples.

    The function waits while ``QUEUED_CHUNKS`` are queued. At the end, the context manager waits until all audio has
    been played; an error or an interruption stops playback at once.

    :param sample_rate: in Hz.
    :raises RequestError: if there is no device, or it fails.
    """
    device = _open(sounddevice, sample_rate)
    try:
        player = _Player(device, int(BLOCK_SECONDS * sample_rate))
    except RuntimeError as error:
        with suppress(Exception):  # the error of the thread is the one to report
            device.close()
        raise RequestError(f"cannot play: {error}; end other programs, or write a file: --out hello.wav") from error
    try:
        yield player.write
        player.finish()
    except BaseException:  # also when interrupted
        player.stop()
        raise


def _open(sounddevice: Any, sample_rate: int) -> Any:
    try:
        device = sounddevice.OutputStream(samplerate=sample_rate, channels=1, dtype="float32")
        device.start()
    except Exception as error:  # sounddevice.PortAudioError, or ValueError where there is no device
        raise RequestError(
            f"cannot open the speaker at {sample_rate} Hz: {error}; write a file: --out hello.wav"
        ) from error
    return device


class _Player:
    """A thread that plays, so that the device does not run dry while the next chunk is synthesized.

    Calls of the device may never return, so they are all on that thread, and waits for it are limited.

    :param block: samples passed to the device at a time.
    :raises RuntimeError: if no thread can be started.
    """

    def __init__(self, device: Any, block: int) -> None:
        self._device = device
        self._block = block
        self._chunks: queue.Queue[np.ndarray | None] = queue.Queue(QUEUED_CHUNKS)
        self._stopped = threading.Event()
        self._error: Exception | None = None
        self._calls = 0  # that the device has completed
        self._thread = threading.Thread(target=self._play, name="voxstack-playback", daemon=True)
        self._thread.start()

    def write(self, samples: np.ndarray) -> None:
        """Queue samples.

        :raises RequestError: if the device failed.
        """
        self._check()
        self._put(np.clip(samples, -1.0, 1.0))

    def finish(self) -> None:
        """Wait until all audio has been played, and the device is closed.

        :raises RequestError: if the device failed.
        """
        self._put(None)
        while self._thread.is_alive():
            with self._progress():
                self._thread.join(STALL_TIMEOUT)
        self._check()

    def stop(self) -> None:
        """Stop playback at once, and close the device."""
        self._stopped.set()
        with suppress(queue.Full):
            self._chunks.put_nowait(None)
        self._thread.join(STOP_TIMEOUT)

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
            raise RequestError(
                f"the speaker has accepted no audio for {STALL_TIMEOUT:g} s; check it, or write a file: --out hello.wav"
            )

    def _check(self) -> None:
        if self._error is not None:
            raise RequestError(f"the speaker failed: {self._error}; write a file: --out hello.wav") from self._error

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
